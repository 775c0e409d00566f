/* A line to its fields, as split.CSVLines and split.BareLines do it; what is odd is left to them. */
#include "_batch.h"

static int
is_ascii(Octets text)
{
    uint64_t eight, all = 0;
    Py_ssize_t n = 0;
    for (; n + 8 <= text.length; n += 8) {
        memcpy(&eight, text.at + n, 8);
        all |= eight;
    }
    for (; n < text.length; n++)
        all |= (uint64_t)(unsigned char)text.at[n] << 56 | (unsigned char)text.at[n];
    return !(all & 0x8080808080808080u);
}

static int
holds(Octets text, char octet)
{
    return memchr(text.at, octet, text.length) != NULL;
}

static Py_ssize_t
split_csv(Batch *batch, Octets record)
{
    const char *at = record.at, *end = at + record.length, delimiter = batch->plan->delimiter;
    for (Py_ssize_t count = 0; count < FIELDS_MAX;) {
        Field *field = &batch->fields[count++];
        const char *stop;
        field->doubled = 0;
        if (at < end && *at == '"') {
            field->octets.at = ++at;
            while ((stop = memchr(at, '"', end - at)) != NULL && end - stop > 1 && stop[1] == '"') {
                field->doubled = 1;
                at = stop + 2;
            }
            if (stop == NULL)
                return 0;
            at = stop + 1;
        } else {
            field->octets.at = at;
            stop = memchr(at, delimiter, end - at);
            if (stop == NULL)
                stop = end;
            at = stop; /* a quote within is a character like others */
        }
        field->octets.length = stop - field->octets.at;
        if (at == end)
            return count;
        if (*at++ != delimiter)
            return 0;
    }
    return 0;
}

const char *
bare_end(const char *at, const char *end, char delimiter)
{
    while ((at = memchr(at, '"', end - at)) != NULL) {
        if (end - at >= 3 && at[1] == delimiter && at[2] == '"')
            return at;
        at++;
    }
    return end;
}

static Py_ssize_t
split_bare(Batch *batch, Octets record)
{
    if (record.length < 2 || record.at[0] != '"' || record.at[record.length - 1] != '"')
        return 0;
    const char *at = record.at + 1, *end = record.at + record.length - 1;
    for (Py_ssize_t count = 0; count < FIELDS_MAX;) {
        const char *stop = bare_end(at, end, batch->plan->delimiter);
        batch->fields[count++] = (Field){{at, stop - at}, 0};
        if (stop == end)
            return count;
        at = stop + 3;
    }
    return 0;
}

static Py_ssize_t
split_plain(Batch *batch, Octets record)
{
    const char *at = record.at, *end = record.at + record.length;
    for (Py_ssize_t count = 0; count < FIELDS_MAX;) {
        const char *stop = memchr(at, batch->plan->delimiter, end - at);
        if (stop == NULL)
            stop = end;
        batch->fields[count++] = (Field){{at, stop - at}, 0};
        if (stop == end)
            return count;
        at = stop + 1;
    }
    return 0;
}

/* Whether the line may be none of the rows: it begins as one that is not. */
static int
is_marked(const Plan *plan, Octets record)
{
    for (Py_ssize_t n = 0; n < PyTuple_GET_SIZE(plan->marks); n++) {
        PyObject *mark = PyTuple_GET_ITEM(plan->marks, n);
        Py_ssize_t length = PyBytes_GET_SIZE(mark);
        if (record.length >= length && !memcmp(record.at, PyBytes_AS_STRING(mark), length))
            return 1;
    }
    return 0;
}

int
split(Batch *batch, Octets record)
{
    const Plan *plan = batch->plan;
    if (record.length < 1 || record.length > RECORD_MAX || holds(record, '\0') || holds(record, '\r')
        || holds(record, '\n') || is_marked(plan, record))
        return 0;
    batch->ascii = is_ascii(record);
    if (!batch->ascii) {
        PyObject *text = plan->utf8 ? PyUnicode_DecodeUTF8(record.at, record.length, NULL) : NULL;
        if (text == NULL) {
            if (plan->utf8 && PyErr_ExceptionMatches(PyExc_UnicodeDecodeError))
                PyErr_Clear();
            return 0;
        }
        Py_DECREF(text);
    }
    if (plan->quoting == JSON)
        return split_json(batch, record);
    Py_ssize_t (*splits)(Batch *, Octets) = plan->quoting == DOUBLED ? split_csv : plan->quoting == NONE ? split_plain : split_bare;
    Py_ssize_t count = splits(batch, record);
    int known = 0;
    for (Py_ssize_t n = 0; n < PyTuple_GET_SIZE(plan->widths); n++)
        known |= place_in(plan->widths, n) == count;
    if (count < 1 || !known)
        return 0;
    for (; count < plan->fields; count++)
        batch->fields[count] = (Field){{record.at, 0}, 0};
    return 1;
}

int
text_of(const Batch *batch, Py_ssize_t place, Octets *into)
{
    const Field *field = &batch->fields[place];
    *into = field->octets;
    return !field->doubled && (batch->ascii || is_ascii(*into));
}
