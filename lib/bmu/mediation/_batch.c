/*
 * bmu.mediation._batch: Mediator.take and the glance for the delimited lines that nothing odd is about, in a fifth
 * of the time.
 *
 * It reads a line only in so far as its fields are plain text, its hours are known and no filter may drop it.
 * Whatever else there is it leaves to the function it was given, which is Mediator.take itself and makes all rejects;
 * so this file decides nothing, and nothing needs it. tests/pure/mediation/test_batch.py holds it to the plain one.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

typedef long long i64;

#define FIELDS_MAX 64
#define PREFIX_MAX 16     /* of what stands before a number */
#define CHARACTERS_MAX 64 /* number.CHARACTERS_MAX */
#define SHORT_DIGITS_MAX 6
#define QUANTITY_DIGITS_MAX 15
#define RECORD_MAX 65536
#define KEY_MAX 1024
#define HOUR_LENGTH 14 /* "2026-08-03 09:" */
#define TIME_LENGTH 19
#define HOURS_MAX 8
#define SECOND_US 1000000LL

enum { UDR_SIZE = 10 }; /* usage.UDR */

typedef struct {
    const char *at;
    Py_ssize_t length;
} Octets;

/* plan.Plan; what is an object there is borrowed, and was looked at. */
typedef struct {
    int utf8, bare;
    char delimiter;
    Py_ssize_t fields, started, quantity, origin, destination, international_min, trunk_min;
    PyObject *widths, *filters, *identities, *uids, *times, *usage_class, *hours;
    Octets key_prefix, country, international, trunk;
} Plan;

typedef struct {
    char text[HOUR_LENGTH];
    i64 start_us;
} Hour;

typedef struct {
    Octets octets;
    int doubled; /* quotes are doubled within */
} Field;

typedef struct {
    Plan plan;
    PyTypeObject *udr;
    PyObject *sha256;
    Hour hours[HOURS_MAX]; /* those looked up last; with none, and so unlike any, at first */
    unsigned next_hour;
    Field fields[FIELDS_MAX];
    int ascii;
} Batch;

typedef struct {
    char octets[CHARACTERS_MAX + 2 * PREFIX_MAX];
    Py_ssize_t length;
} Text;

/* What a line says, before an object is made of it. */
typedef struct {
    PyObject *uid_type;
    Text uid, origin, destination;
    int origin_is_uid;
    i64 started_us, quantity;
    char key[KEY_MAX];
    Py_ssize_t key_length;
} Found;

static PyObject *name_digest;

/* ---- The plan, as it is handed in ---- */

static int
refused(const char *why)
{
    PyErr_SetString(PyExc_ValueError, why);
    return 0;
}

/* Whether a number is the place of a field; anything else is refused. */
static int
is_place(const Plan *plan, PyObject *value)
{
    Py_ssize_t place = PyLong_Check(value) ? PyLong_AsSsize_t(value) : -1;
    return place >= 0 && place < plan->fields ? 1 : refused("not the place of a field");
}

static int
are_places(const Plan *plan, PyObject *places)
{
    if (!PyTuple_CheckExact(places))
        return refused("places are a tuple");
    for (Py_ssize_t n = 0; n < PyTuple_GET_SIZE(places); n++)
        if (!is_place(plan, PyTuple_GET_ITEM(places, n)))
            return 0;
    return 1;
}

/* A filter is a tuple of conditions (place, whether it has to be one of them, texts). */
static int
is_filter(const Plan *plan, PyObject *conditions)
{
    if (!PyTuple_CheckExact(conditions))
        return refused("a filter is a tuple");
    for (Py_ssize_t n = 0; n < PyTuple_GET_SIZE(conditions); n++) {
        PyObject *condition = PyTuple_GET_ITEM(conditions, n), *place, *texts;
        int one_of;
        if (!PyTuple_CheckExact(condition) || !PyArg_ParseTuple(condition, "OpO!", &place, &one_of, &PyTuple_Type, &texts))
            return PyErr_Occurred() ? 0 : refused("a condition is a tuple");
        if (!is_place(plan, place) || !PyBool_Check(PyTuple_GET_ITEM(condition, 1)))
            return PyErr_Occurred() ? 0 : refused("to be one of them, or not");
        for (Py_ssize_t t = 0; t < PyTuple_GET_SIZE(texts); t++)
            if (!PyBytes_CheckExact(PyTuple_GET_ITEM(texts, t)))
                return refused("a text is octets");
    }
    return 1;
}

/* A usage identifier is (its type, its place, whether it is a number). */
static int
is_uid(const Plan *plan, PyObject *uid)
{
    if (!PyTuple_CheckExact(uid) || PyTuple_GET_SIZE(uid) != 3 || !PyUnicode_Check(PyTuple_GET_ITEM(uid, 0))
        || !PyBool_Check(PyTuple_GET_ITEM(uid, 2)))
        return refused("an identifier is its type, place and form");
    return is_place(plan, PyTuple_GET_ITEM(uid, 1));
}

static int
each(const Plan *plan, PyObject *tuple, int (*is_good)(const Plan *, PyObject *))
{
    for (Py_ssize_t n = 0; n < PyTuple_GET_SIZE(tuple); n++)
        if (!is_good(plan, PyTuple_GET_ITEM(tuple, n)))
            return 0;
    return 1;
}

static int
is_identity(const Plan *plan, PyObject *places)
{
    return are_places(plan, places) && (PyTuple_GET_SIZE(places) || refused("an identity has a field"));
}

static int
is_width(const Plan *plan, PyObject *width)
{
    Py_ssize_t value = PyLong_Check(width) ? PyLong_AsSsize_t(width) : -1;
    return value >= 1 && value <= plan->fields ? 1 : refused("no width of a line");
}

static int
read_plan(PyObject *tuple, Plan *plan)
{
    if (!PyTuple_Check(tuple))
        return refused("a plan is a tuple");
    if (!PyArg_ParseTuple(tuple, "ppcnO!O!O!O!UOnO!nnny#y#y#ny#n;a plan", &plan->utf8, &plan->bare, &plan->delimiter,
                          &plan->fields, &PyTuple_Type, &plan->widths, &PyTuple_Type, &plan->filters, &PyTuple_Type,
                          &plan->identities, &PyTuple_Type, &plan->uids, &plan->usage_class, &plan->hours,
                          &plan->started, &PyTuple_Type, &plan->times, &plan->quantity, &plan->origin,
                          &plan->destination, &plan->key_prefix.at, &plan->key_prefix.length, &plan->country.at,
                          &plan->country.length, &plan->international.at, &plan->international.length,
                          &plan->international_min, &plan->trunk.at, &plan->trunk.length, &plan->trunk_min))
        return 0;
    if (plan->fields < 1 || plan->fields > FIELDS_MAX)
        return refused("too many fields");
    Py_ssize_t places[] = {plan->started, plan->quantity, plan->origin, plan->destination};
    for (int n = 0; n < 4; n++)
        if (places[n] < 0 || places[n] >= plan->fields)
            return refused("not the place of a field");
    if (plan->hours != Py_None && !PyDict_CheckExact(plan->hours))
        return refused("hours are a dict");
    if (plan->country.length > PREFIX_MAX)
        return refused("a country's code is short");
    return each(plan, plan->widths, is_width) && each(plan, plan->filters, is_filter)
           && each(plan, plan->identities, is_identity) && each(plan, plan->uids, is_uid)
           && are_places(plan, plan->times);
}

static Py_ssize_t
place_in(PyObject *tuple, Py_ssize_t n)
{
    return PyLong_AsSsize_t(PyTuple_GET_ITEM(tuple, n));
}

/* ---- Octets ---- */

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

static int
begins(Octets text, Octets with)
{
    return text.length >= with.length && !memcmp(text.at, with.at, with.length);
}

/* Digits as a number; -1 when there are none, too many or others. */
static i64
digits_of(const char *at, Py_ssize_t length, Py_ssize_t digits_max)
{
    i64 value = 0;
    if (length < 1 || length > digits_max)
        return -1;
    for (Py_ssize_t n = 0; n < length; n++) {
        if (at[n] < '0' || at[n] > '9')
            return -1;
        value = value * 10 + (at[n] - '0');
    }
    return value;
}

/* Whole and decimal digits (0 of them: no point either); 0 when there is anything else. */
static int
decimal_of(Octets text, Py_ssize_t whole_max, i64 *whole, Octets *decimals)
{
    const char *point = memchr(text.at, '.', text.length);
    Py_ssize_t before = point == NULL ? text.length : point - text.at;
    decimals->length = point == NULL ? 0 : text.length - before - 1;
    decimals->at = point == NULL ? text.at : point + 1;
    *whole = digits_of(text.at, before, whole_max);
    return *whole >= 0 && (point == NULL || digits_of(decimals->at, decimals->length, 9) >= 0);
}

/* ---- A line to its fields, as split.CSVLines and split.BareLines do it; 0 when it is odd ---- */

static Py_ssize_t
split_csv(Batch *batch, Octets record)
{
    const char *at = record.at, *end = at + record.length, delimiter = batch->plan.delimiter;
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

/* Up to the next quote, delimiter and quote, or to the end. */
static const char *
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
        const char *stop = bare_end(at, end, batch->plan.delimiter);
        batch->fields[count++] = (Field){{at, stop - at}, 0};
        if (stop == end)
            return count;
        at = stop + 3;
    }
    return 0;
}

static int
split(Batch *batch, Octets record)
{
    const Plan *plan = &batch->plan;
    if (record.length < 1 || record.length > RECORD_MAX || holds(record, '\0') || holds(record, '\r')
        || holds(record, '\n'))
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
    Py_ssize_t count = plan->bare ? split_bare(batch, record) : split_csv(batch, record);
    int known = 0;
    for (Py_ssize_t n = 0; n < PyTuple_GET_SIZE(plan->widths); n++)
        known |= place_in(plan->widths, n) == count;
    if (count < 1 || !known)
        return 0;
    for (; count < plan->fields; count++)
        batch->fields[count] = (Field){{record.at, 0}, 0};
    return 1;
}

/* A field that is needed; 0 when its octets are not its text. */
static int
text_of(const Batch *batch, Py_ssize_t place, Octets *into)
{
    const Field *field = &batch->fields[place];
    *into = field->octets;
    return !field->doubled && (batch->ascii || is_ascii(*into));
}

/* ---- What the fields say; 0 when that has to be looked at slowly ---- */

/* No filter drops the record: of each, some condition that compares texts does not hold. */
static int
passes_filters(const Batch *batch)
{
    PyObject *filters = batch->plan.filters;
    for (Py_ssize_t n = 0; n < PyTuple_GET_SIZE(filters); n++) {
        PyObject *conditions = PyTuple_GET_ITEM(filters, n);
        int all_hold = 1;
        for (Py_ssize_t c = 0; all_hold && c < PyTuple_GET_SIZE(conditions); c++) {
            PyObject *condition = PyTuple_GET_ITEM(conditions, c), *texts = PyTuple_GET_ITEM(condition, 2);
            Octets text;
            if (!text_of(batch, place_in(condition, 0), &text))
                return 0;
            int one_of = 0;
            for (Py_ssize_t t = 0; !one_of && t < PyTuple_GET_SIZE(texts); t++) {
                PyObject *each_text = PyTuple_GET_ITEM(texts, t);
                one_of = PyBytes_GET_SIZE(each_text) == text.length
                         && !memcmp(PyBytes_AS_STRING(each_text), text.at, text.length);
            }
            all_hold = one_of == (PyTuple_GET_ITEM(condition, 1) == Py_True);
        }
        if (all_hold)
            return 0;
    }
    return 1;
}

static void
put(Text *into, Octets text)
{
    memcpy(into->octets + into->length, text.at, text.length);
    into->length += text.length;
}

/* Numbers.read, or Numbers.read_called, of digits, with a plus or without. */
static int
read_number(const Plan *plan, Octets text, int called, Text *into)
{
    int plus = text.length > 0 && text.at[0] == '+';
    Octets rest = {text.at + plus, text.length - plus};
    into->length = 0;
    if (rest.length < 1 || rest.length > CHARACTERS_MAX)
        return 0;
    for (Py_ssize_t n = 0; n < rest.length; n++)
        if (rest.at[n] < '0' || rest.at[n] > '9')
            return 0;
    if (!plus && rest.length >= plan->international_min && begins(rest, plan->international)) {
        rest.at += plan->international.length;
        rest.length -= plan->international.length;
    } else if (!plus && rest.length >= plan->trunk_min && begins(rest, plan->trunk)) {
        rest.at += plan->trunk.length;
        rest.length -= plan->trunk.length;
        put(into, plan->country);
    }
    put(into, rest);
    if (called && into->length <= SHORT_DIGITS_MAX && into->length == text.length
        && !memcmp(into->octets, text.at, text.length)) {
        into->length = 0;
        put(into, plan->country);
        put(into, text);
    }
    return 1;
}

static int
as_it_stands(Octets text, Text *into)
{
    into->length = 0;
    if (text.length > CHARACTERS_MAX)
        return 0;
    for (Py_ssize_t n = 0; n < text.length; n++)
        if (text.at[n] < ' ' || text.at[n] > '~')
            return 0;
    put(into, text);
    return 1;
}

static int
read_numbers(const Batch *batch, Found *found)
{
    const Plan *plan = &batch->plan;
    Octets text = {NULL, 0};
    Py_ssize_t place = -1;
    PyObject *uid = NULL;
    for (Py_ssize_t n = 0; !text.length && n < PyTuple_GET_SIZE(plan->uids); n++) {
        uid = PyTuple_GET_ITEM(plan->uids, n);
        place = place_in(uid, 1);
        if (!text_of(batch, place, &text))
            return 0;
    }
    if (!text.length)
        return 0;
    found->uid_type = PyTuple_GET_ITEM(uid, 0);
    int is_number = PyTuple_GET_ITEM(uid, 2) == Py_True;
    if (is_number ? !read_number(plan, text, 0, &found->uid) : !as_it_stands(text, &found->uid))
        return 0;
    found->origin_is_uid = is_number && place == plan->origin;
    found->origin.length = 0;
    if (!found->origin_is_uid
        && (!text_of(batch, plan->origin, &text) || (text.length && !read_number(plan, text, 0, &found->origin))))
        return 0;
    return text_of(batch, plan->destination, &text) && read_number(plan, text, 1, &found->destination);
}

/* Mediator._event_key, but for the hash. */
static int
write_key(const Batch *batch, Found *found)
{
    const Plan *plan = &batch->plan;
    PyObject *places = NULL;
    Octets text = {NULL, 0};
    for (Py_ssize_t n = 0; !text.length && n < PyTuple_GET_SIZE(plan->identities); n++) {
        places = PyTuple_GET_ITEM(plan->identities, n);
        if (!text_of(batch, place_in(places, 0), &text))
            return 0;
    }
    Py_ssize_t used = plan->key_prefix.length;
    if (!text.length || used > KEY_MAX)
        return 0;
    memcpy(found->key, plan->key_prefix.at, used);
    for (Py_ssize_t n = 0; n < PyTuple_GET_SIZE(places); n++) {
        if (!text_of(batch, place_in(places, n), &text) || text.length > KEY_MAX)
            return 0;
        char length[8];
        int digits = 0;
        for (Py_ssize_t left = text.length; left || !digits; left /= 10)
            length[digits++] = (char)('0' + left % 10);
        if (used + digits + 1 + text.length > KEY_MAX)
            return 0;
        while (digits)
            found->key[used++] = length[--digits];
        found->key[used++] = ':';
        memcpy(found->key + used, text.at, text.length);
        used += text.length;
    }
    found->key_length = used;
    return 1;
}

/* Where an hour begins, as LocalClock knows it; 0 when it does not, or when clocks are changed in it. */
static int
hour_of(Batch *batch, const char *text, i64 *into)
{
    for (int n = 0; n < HOURS_MAX; n++)
        if (!memcmp(batch->hours[n].text, text, HOUR_LENGTH)) {
            *into = batch->hours[n].start_us;
            return 1;
        }
    PyObject *key = PyUnicode_DecodeASCII(text, HOUR_LENGTH, NULL);
    PyObject *value = key == NULL ? NULL : PyDict_GetItemWithError(batch->plan.hours, key);
    Py_XDECREF(key);
    if (value == NULL || !PyLong_CheckExact(value))
        return 0;
    int overflow;
    i64 start_us = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow || start_us < -INT64_MAX / 2 || start_us > INT64_MAX / 2)
        return 0;
    Hour *hour = &batch->hours[batch->next_hour++ % HOURS_MAX];
    memcpy(hour->text, text, HOUR_LENGTH);
    hour->start_us = *into = start_us;
    return 1;
}

static int
read_local(Batch *batch, Octets text, i64 *into)
{
    if (text.length != TIME_LENGTH || text.at[HOUR_LENGTH + 2] != ':')
        return 0;
    i64 minutes = digits_of(text.at + HOUR_LENGTH, 2, 2), seconds = digits_of(text.at + HOUR_LENGTH + 3, 2, 2);
    if (minutes < 0 || minutes > 59 || seconds < 0 || seconds > 59 || !hour_of(batch, text.at, into))
        return 0;
    *into += (minutes * 60 + seconds) * SECOND_US;
    return 1;
}

static int
read_epoch(Octets text, i64 *into)
{
    Octets decimals;
    if (!decimal_of(text, 11, into, &decimals))
        return 0;
    *into *= SECOND_US;
    i64 worth = SECOND_US;
    for (Py_ssize_t n = 0; n < decimals.length && worth > 1; n++)
        *into += (decimals.at[n] - '0') * (worth /= 10);
    return 1;
}

static int
read_time(Batch *batch, Octets text, i64 *into)
{
    return batch->plan.hours == Py_None ? read_epoch(text, into) : read_local(batch, text, into);
}

static int
read_started(Batch *batch, Found *found)
{
    const Plan *plan = &batch->plan;
    Octets text;
    i64 other;
    for (Py_ssize_t n = 0; n < PyTuple_GET_SIZE(plan->times); n++)
        if (!text_of(batch, place_in(plan->times, n), &text) || (text.length && !read_time(batch, text, &other)))
            return 0;
    return text_of(batch, plan->started, &text) && read_time(batch, text, &found->started_us);
}

static int
read_seconds(const Batch *batch, Found *found)
{
    Octets text, decimals;
    if (!text_of(batch, batch->plan.quantity, &text)
        || !decimal_of(text, QUANTITY_DIGITS_MAX, &found->quantity, &decimals))
        return 0;
    found->quantity += digits_of(decimals.at, decimals.length, 9) > 0;
    return 1;
}

/* ---- Objects ---- */

/* What sha256 gives: 32 octets in an object; NULL with an exception. */
static PyObject *
digest_of(const Batch *batch, PyObject *octets)
{
    PyObject *hash = PyObject_CallOneArg(batch->sha256, octets);
    if (hash == NULL)
        return NULL;
    PyObject *digest = PyObject_CallMethodNoArgs(hash, name_digest);
    Py_DECREF(hash);
    if (digest != NULL && (!PyBytes_CheckExact(digest) || PyBytes_GET_SIZE(digest) != 32)) {
        Py_CLEAR(digest);
        refused("no digest of 32 octets");
    }
    return digest;
}

static PyObject *
key_object(const Batch *batch, const Found *found)
{
    PyObject *octets = PyBytes_FromStringAndSize(found->key, found->key_length);
    PyObject *digest = octets == NULL ? NULL : digest_of(batch, octets);
    PyObject *key = digest == NULL ? NULL : PyBytes_FromStringAndSize(PyBytes_AS_STRING(digest), 16);
    Py_XDECREF(octets);
    Py_XDECREF(digest);
    return key;
}

static PyObject *
content_object(const Batch *batch, PyObject *record)
{
    PyObject *digest = digest_of(batch, record);
    if (digest == NULL)
        return NULL;
    uint64_t bits = 0;
    for (int n = 0; n < 8; n++)
        bits = bits << 8 | (unsigned char)PyBytes_AS_STRING(digest)[n];
    Py_DECREF(digest);
    int64_t content;
    memcpy(&content, &bits, 8);
    return PyLong_FromLongLong(content);
}

static PyObject *
text_object(const Text *text)
{
    return PyUnicode_DecodeASCII(text->octets, text->length, NULL);
}

static PyObject *
udr_of(const Batch *batch, PyObject *line_no, PyObject *record, const Found *found)
{
    PyObject *key = key_object(batch, found), *content = key == NULL ? NULL : content_object(batch, record);
    if (content == NULL) {
        Py_XDECREF(key);
        return NULL;
    }
    PyObject *uid = text_object(&found->uid);
    PyObject *values[UDR_SIZE] = {
        Py_NewRef(line_no),
        key,
        content,
        Py_NewRef(found->uid_type),
        uid,
        Py_NewRef(batch->plan.usage_class),
        PyLong_FromLongLong(found->started_us),
        PyLong_FromLongLong(found->quantity),
        found->origin_is_uid ? Py_XNewRef(uid) : text_object(&found->origin),
        text_object(&found->destination),
    };
    int whole = 1;
    for (int n = 0; n < UDR_SIZE; n++)
        whole &= values[n] != NULL;
    PyObject *udr = whole ? batch->udr->tp_alloc(batch->udr, UDR_SIZE) : NULL;
    for (int n = 0; n < UDR_SIZE; n++) {
        if (udr != NULL)
            PyTuple_SET_ITEM(udr, n, values[n]);
        else
            Py_XDECREF(values[n]);
    }
    return udr;
}

/* One line: its UDR; NULL without an exception when it has to be looked at slowly. */
static PyObject *
take_one(Batch *batch, PyObject *line_no, PyObject *line)
{
    if (!PyBytes_CheckExact(line))
        return NULL;
    Octets octets = {PyBytes_AS_STRING(line), PyBytes_GET_SIZE(line)};
    int cut = octets.length && octets.at[octets.length - 1] == '\r';
    octets.length -= cut;
    Found found;
    if (!split(batch, octets) || !passes_filters(batch) || !read_numbers(batch, &found) || !write_key(batch, &found)
        || !read_started(batch, &found) || !read_seconds(batch, &found))
        return NULL;
    PyObject *record = cut ? PyBytes_FromStringAndSize(octets.at, octets.length) : Py_NewRef(line);
    PyObject *udr = record == NULL ? NULL : udr_of(batch, line_no, record, &found);
    Py_XDECREF(record);
    return udr;
}

static PyObject *
take_some(PyObject *module, PyObject *arguments)
{
    Batch batch;
    PyObject *plan, *lines, *line_nos, *take;
    memset(batch.hours, 0, sizeof batch.hours);
    batch.next_hour = 0;
    if (!PyArg_ParseTuple(arguments, "OO!O!OO!O", &plan, &PyTuple_Type, &lines, &PyTuple_Type, &line_nos, &take,
                          &PyType_Type, &batch.udr, &batch.sha256)
        || !read_plan(plan, &batch.plan))
        return NULL;
    Py_ssize_t count = PyTuple_GET_SIZE(lines);
    if (PyTuple_GET_SIZE(line_nos) != count) {
        refused("as many numbers as lines");
        return NULL;
    }
    if (!PyType_IsSubtype(batch.udr, &PyTuple_Type) || batch.udr->tp_basicsize != PyTuple_Type.tp_basicsize) {
        refused("a UDR is a tuple");
        return NULL;
    }
    PyObject *taken = PyList_New(count);
    for (Py_ssize_t n = 0; taken != NULL && n < count; n++) {
        PyObject *line_no = PyTuple_GET_ITEM(line_nos, n), *line = PyTuple_GET_ITEM(lines, n);
        PyObject *outcome = take_one(&batch, line_no, line);
        if (outcome == NULL && !PyErr_Occurred())
            outcome = PyObject_CallFunctionObjArgs(take, line_no, line, NULL);
        if (outcome == NULL)
            Py_CLEAR(taken);
        else
            PyList_SET_ITEM(taken, n, outcome);
    }
    return taken;
}

/* ---- The glance, as glance.py does it: octets of the field at a place, 0 when they can't be told ---- */

static int
glance_csv(Octets line, Py_ssize_t place, char delimiter, Octets *into)
{
    const char *at = line.at, *end = at + line.length;
    for (;; place--) {
        const char *stop;
        int quoted = at < end && *at == '"';
        at += quoted;
        if (quoted)
            stop = memchr(at, '"', end - at);
        else
            for (stop = at; stop < end && *stop != '"' && *stop != '\r' && *stop != delimiter;)
                stop++;
        if (stop == NULL)
            return 0;
        *into = (Octets){at, stop - at};
        at = stop + quoted;
        if (!place)
            return at == end || *at == delimiter || (*at == '\r' && end - at == 1);
        if (at == end || *at++ != delimiter)
            return 0;
    }
}

static int
glance_bare(Octets line, Py_ssize_t place, char delimiter, Octets *into)
{
    line.length -= line.length && line.at[line.length - 1] == '\r';
    const char *at = line.at + (line.length > 0), *end = line.length > 2 ? line.at + line.length - 1 : at;
    for (;; place--) {
        const char *stop = bare_end(at, end, delimiter);
        *into = (Octets){at, stop - at};
        if (!place)
            return 1;
        if (stop == end)
            return 0;
        at = stop + 3;
    }
}

static PyObject *
uid_texts(PyObject *module, PyObject *arguments)
{
    PyObject *tuple, *iterable;
    Plan plan;
    if (!PyArg_ParseTuple(arguments, "OO", &tuple, &iterable) || !read_plan(tuple, &plan))
        return NULL;
    PyObject *lines = PySequence_Tuple(iterable);
    if (lines == NULL)
        return NULL;
    int one_uid = PyTuple_GET_SIZE(plan.uids) == 1;
    Py_ssize_t place = one_uid ? place_in(PyTuple_GET_ITEM(plan.uids, 0), 1) : 0;
    PyObject *texts = PyList_New(PyTuple_GET_SIZE(lines));
    for (Py_ssize_t n = 0; texts != NULL && n < PyTuple_GET_SIZE(lines); n++) {
        PyObject *line = PyTuple_GET_ITEM(lines, n), *text = NULL;
        Octets octets, found;
        if (!PyBytes_Check(line)) {
            PyErr_SetString(PyExc_TypeError, "lines are octets");
        } else {
            octets = (Octets){PyBytes_AS_STRING(line), PyBytes_GET_SIZE(line)};
            int told = one_uid && (plan.bare ? glance_bare : glance_csv)(octets, place, plan.delimiter, &found);
            text = told ? PyBytes_FromStringAndSize(found.at, found.length) : Py_NewRef(Py_None);
        }
        if (text == NULL)
            Py_CLEAR(texts);
        else
            PyList_SET_ITEM(texts, n, text);
    }
    Py_DECREF(lines);
    return texts;
}

static PyMethodDef methods[] = {
    {"take_some", take_some, METH_VARARGS, "Mediate lines as bmu.mediation.Mediator.take does."},
    {"uid_texts", uid_texts, METH_VARARGS, "Glance at lines as bmu.mediation.glance does."},
    {NULL},
};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_batch", NULL, 0, methods};

PyMODINIT_FUNC
PyInit__batch(void)
{
    name_digest = PyUnicode_InternFromString("digest");
    return name_digest == NULL ? NULL : PyModule_Create(&module);
}
