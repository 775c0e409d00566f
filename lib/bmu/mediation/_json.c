/* A line with an object of plain texts to its fields, as jsonline.JSONLines does it; what is odd is left to it. */
#include "_batch.h"

/* Octets of a name from a place on, up to eight; behind its end: none. */
static uint64_t
eight(Octets name, Py_ssize_t from)
{
    uint64_t octets = 0;
    Py_ssize_t length = name.length - from;
    if (length > 0)
        memcpy(&octets, name.at + from, length < 8 ? length : 8);
    return octets;
}

static uint64_t
hash_of(Octets name)
{
    uint64_t hash = eight(name, 0) * 0x9E3779B97F4A7C15u;
    hash = (hash ^ hash >> 29 ^ eight(name, name.length > 16 ? name.length - 8 : 8)) * 0xBF58476D1CE4E5B9u;
    hash = (hash ^ hash >> 32 ^ eight(name, name.length / 2) ^ (uint64_t)name.length) * 0x94D049BB133111EBu;
    return hash ^ hash >> 31;
}

static int
same(Octets one, Octets other)
{
    return one.length == other.length && !memcmp(one.at, other.at, one.length);
}

/* The slot of a name, or the empty one where it belongs; the table always has room. */
static Slot *
slot_of(Slot *slots, uint64_t hash, Octets name, unsigned turn)
{
    for (uint64_t at = hash;; at++) {
        Slot *slot = &slots[at % NAME_SLOTS];
        if (slot->turn != turn || same(slot->name, name))
            return slot;
    }
}

void
know_names(Batch *batch)
{
    PyObject *names = batch->plan->names;
    memset(batch->known, 0, sizeof batch->known);
    memset(batch->seen, 0, sizeof batch->seen);
    batch->turn = 0;
    for (Py_ssize_t n = 0; n < PyTuple_GET_SIZE(names); n++) {
        PyObject *text = PyTuple_GET_ITEM(names, n);
        Octets name = {PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text)};
        *slot_of(batch->known, hash_of(name), name, 1) = (Slot){name, n, 1};
    }
}

/* A field under its name, or a name that is passed over; 0 when it is there twice, or says that the line is no row. */
static int
take_pair(Batch *batch, Octets name, Octets text)
{
    uint64_t hash = hash_of(name);
    Slot *slot = slot_of(batch->known, hash, name, 1);
    if (slot->turn) {
        Field *field = &batch->fields[slot->place];
        if (field->doubled)
            return 0;
        *field = (Field){text, 1};
        return 1;
    }
    if (name.length == 1 && (*name.at == '!' || *name.at == '#'))
        return 0;
    slot = slot_of(batch->seen, hash, name, batch->turn);
    if (slot->turn == batch->turn)
        return 0;
    *slot = (Slot){name, 0, batch->turn};
    return 1;
}

static int
is_control(Octets text)
{
    unsigned char least = 0xFF;
    for (Py_ssize_t n = 0; n < text.length; n++)
        least = (unsigned char)text.at[n] < least ? (unsigned char)text.at[n] : least;
    return least < ' ';
}

/* A text in quotes at a place, which is passed over; 0 when there is none. */
static int
quoted(const char **at, const char *end, Octets *into)
{
    if (*at == end || **at != '"')
        return 0;
    const char *start = *at + 1;
    const char *stop = memchr(start, '"', end - start);
    if (stop == NULL)
        return 0;
    *into = (Octets){start, stop - start};
    *at = stop + 1;
    return 1;
}

int
split_json(Batch *batch, Octets record)
{
    const char *at = record.at + 1, *end = record.at + record.length - 1;
    if (record.length < 2 || *record.at != '{' || *end != '}' || memchr(record.at, '\\', record.length) != NULL
        || is_control(record))
        return 0;
    for (Py_ssize_t n = 0; n < batch->plan->fields; n++)
        batch->fields[n] = (Field){{record.at, 0}, 0};
    batch->turn++;
    int count = 0;
    while (at < end) {
        Octets name, text;
        if (++count > NAMES_MAX || (count > 1 && *at++ != ',') || !quoted(&at, end, &name) || at == end || *at++ != ':'
            || !quoted(&at, end, &text) || !take_pair(batch, name, text))
            return 0;
    }
    for (Py_ssize_t n = 0; n < batch->plan->fields; n++)
        batch->fields[n].doubled = 0;
    return 1;
}
