/*
 * bmu.rating._owners: packed owners looked into, and packed, as packed.py and packing.py do, in a tenth of the time.
 * Nothing needs this, and tests/pure/rating/test_packed.py holds it to the plain forms. Octets may come from a
 * file: nothing beyond their end is read, whatever they say.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#if PY_BIG_ENDIAN
#error "packed owners are little-endian: the plain form reads them here"
#endif

typedef long long i64;

#define MARK "bmuown\0\1"
#define HEAD_OCTETS 64
#define UNIT 8
#define HUGE_PAGE ((uintptr_t)2 << 20)
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* since Linux 6.1; others refuse it */
#endif
#define SLOTS_MIN 8
#define SEVERAL (-1)
#define PART_OF_NOBODY 0
#define COPIED_FIELDS 11
#define COPIED_EPOCH_US 946684800000000LL
#define FOREVER_US INT64_MAX
/* A million owners share few instants: these are held once. */
#define INSTANTS 256
/* How many events are looked up abreast: what one looks at next is fetched while the others have their turn. */
#define ABREAST 64
/* How many slots are passed by on the way to what is fetched. */
#define PROBES 8
#define AHEAD(object, octet) __builtin_prefetch((const char *)(object) + (octet))

/* Where things stand in usage.UDR. */
enum { UDR_TYPE = 3, UDR_UID = 4, UDR_STARTED = 6, UDR_SIZE = 11 };

typedef struct {
    char mark[8];
    uint64_t uids, slots, slots_at, terms_at;
} Head;

/* The identifier follows; packed.RECORD. */
typedef struct __attribute__((packed)) {
    i64 from_us, to_us, uid_id, account_id, service_id;
    uint32_t terms, before;
    uint16_t length;
    uint8_t bill_day, unused;
} Record;

typedef struct {
    uint32_t hash, at;
} Slot;

typedef struct {
    const char *at;
    Py_ssize_t length;
} Octets;

typedef struct {
    PyObject_HEAD
    Py_buffer octets;
    Head head;
    PyObject *terms, *instants[INSTANTS];
    i64 instant_of[INSTANTS];
} Packed;

static PyTypeObject *owner_type;
static PyObject *no_uid, *not_in_period;
static uint32_t crc_of[256];

static uint32_t
crc(uint32_t value, Octets text)
{
    for (Py_ssize_t n = 0; n < text.length; n++)
        value = crc_of[(value ^ (unsigned char)text.at[n]) & 255] ^ value >> 8;
    return value;
}

static PyObject *
refused(const char *why)
{
    PyErr_SetString(PyExc_ValueError, why);
    return NULL;
}

/* ---- Looking into packed owners ---- */

/* A record by its place in units; NULL when there is none. */
static const Record *
record_at(const Packed *packed, uint32_t place)
{
    uint64_t at = (uint64_t)place * UNIT, end = packed->head.slots_at;
    if (at < HEAD_OCTETS || at + sizeof(Record) > end)
        return NULL;
    const Record *record = (const Record *)((const char *)packed->octets.buf + at);
    return at + sizeof(Record) + record->length <= end ? record : NULL;
}

/* The record before of the same identifier. */
static const Record *
before(const Packed *packed, const Record *record)
{
    const Record *found = record->before ? record_at(packed, record->before) : NULL;
    return found < record ? found : NULL;
}

static const Slot *
slots_of(const Packed *packed)
{
    return (const Slot *)((const char *)packed->octets.buf + packed->head.slots_at);
}

static uint32_t
hash_of(Octets uid_type, Octets value)
{
    return ~crc(crc(crc(~0u, uid_type), (Octets){":", 1}), value);
}

static const Record *
newest(const Packed *packed, uint32_t hash, Octets uid_type, Octets value)
{
    const Slot *slots = slots_of(packed);
    uint64_t mask = packed->head.slots - 1;
    for (uint64_t n = 0, place = hash; n <= mask; n++, place++) {
        Slot slot = slots[place & mask];
        if (!slot.at)
            return NULL;
        const Record *record = slot.hash == hash ? record_at(packed, slot.at) : NULL;
        if (record == NULL || record->length != uid_type.length + 1 + value.length)
            continue;
        const char *key = (const char *)(record + 1);
        if (!memcmp(key, uid_type.at, uid_type.length) && key[uid_type.length] == ':'
            && !memcmp(key + uid_type.length + 1, value.at, value.length))
            return record;
    }
    return NULL;
}

/* The octets of a text: 1; 0 when there are none, as no identifier has such characters; -1 with an exception. */
static int
octets_of(PyObject *text, Octets *into)
{
    if (!PyUnicode_Check(text)) {
        PyErr_SetString(PyExc_TypeError, "an identifier is text");
        return -1;
    }
    into->at = PyUnicode_AsUTF8AndSize(text, &into->length);
    if (into->at != NULL)
        return 1;
    if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
        return -1;
    PyErr_Clear();
    return 0;
}

/* Find the newest record of an identifier: 0 with an exception. */
static int
look_up(const Packed *packed, PyObject *const *arguments, Py_ssize_t given, Py_ssize_t wanted, const Record **into)
{
    Octets uid_type, value;
    if (given != wanted) {
        PyErr_Format(PyExc_TypeError, "%zd arguments", wanted);
        return 0;
    }
    int is_type = octets_of(arguments[0], &uid_type), is_value = octets_of(arguments[1], &value);
    if (is_type < 0 || is_value < 0)
        return 0;
    *into = is_type && is_value ? newest(packed, hash_of(uid_type, value), uid_type, value) : NULL;
    return 1;
}

static PyObject *
instant(Packed *packed, i64 us)
{
    size_t place = (uint64_t)us * 0x9E3779B97F4A7C15u >> 56;
    if (packed->instants[place] == NULL || packed->instant_of[place] != us) {
        PyObject *made = PyLong_FromLongLong(us);
        if (made == NULL)
            return NULL;
        Py_XSETREF(packed->instants[place], made);
        packed->instant_of[place] = us;
    }
    return Py_NewRef(packed->instants[place]);
}

static PyObject *
owner_of(Packed *packed, const Record *record)
{
    PyObject *owner = owner_type->tp_alloc(owner_type, 7), *number = PyLong_FromUnsignedLong(record->terms);
    if (owner == NULL || number == NULL) {
        Py_XDECREF(owner);
        Py_XDECREF(number);
        return NULL;
    }
    PyObject *fields[] = {
        instant(packed, record->from_us),
        instant(packed, record->to_us),
        PyLong_FromLongLong(record->uid_id),
        PyLong_FromLongLong(record->account_id),
        PyLong_FromLongLong(record->service_id),
        PyObject_GetItem(packed->terms, number),
        PyLong_FromLong(record->bill_day),
    };
    int good = 1;
    for (Py_ssize_t n = 0; n < 7; n++) {
        PyTuple_SET_ITEM(owner, n, fields[n]);
        good = good && fields[n] != NULL;
    }
    Py_DECREF(number);
    /* Numbers and terms lead nowhere: the collector need not look at them. */
    PyObject_GC_UnTrack(owner);
    if (!good)
        Py_CLEAR(owner);
    return owner;
}

/* Who of an identifier's owners, from the newest record on, had it at an instant; or why nobody. */
static PyObject *
owner_then(Packed *packed, const Record *record, PyObject *started)
{
    int much;
    i64 us = PyLong_AsLongLongAndOverflow(started, &much);
    if (us == -1 && PyErr_Occurred())
        return NULL;
    PyObject *reason = record == NULL ? no_uid : not_in_period;
    for (; record != NULL && !much; record = before(packed, record))
        if (record->from_us <= us && us < record->to_us)
            return owner_of(packed, record);
    return Py_NewRef(reason);
}

static PyObject *
packed_find(Packed *packed, PyObject *const *arguments, Py_ssize_t given)
{
    const Record *record;
    if (!look_up(packed, arguments, given, 3, &record))
        return NULL;
    return owner_then(packed, record, arguments[2]);
}

/* An identifier whose owners are looked for. */
typedef struct {
    PyObject *udr;
    Octets uid_type, value;
    uint32_t hash;
    int is_there; /* 0: no identifier has such characters */
} Sought;

/* Hash an identifier, and have fetched where it leads to; 0 with an exception. */
static int
aim(const Packed *packed, PyObject *uid_type, PyObject *value, Sought *into)
{
    int is_type = octets_of(uid_type, &into->uid_type), is_value = octets_of(value, &into->value);
    if (is_type < 0 || is_value < 0)
        return 0;
    into->is_there = is_type && is_value;
    into->hash = into->is_there ? hash_of(into->uid_type, into->value) : 0;
    AHEAD(&slots_of(packed)[into->hash & (packed->head.slots - 1)], 0);
    return 1;
}

/* Have fetched what the slots lead to. */
static void
follow(const Packed *packed, const Sought *all, Py_ssize_t count)
{
    const Slot *slots = slots_of(packed);
    uint64_t mask = packed->head.slots - 1;
    for (Py_ssize_t n = 0; n < count; n++) {
        uint64_t place = all[n].hash & mask;
        for (int probe = 0; probe < PROBES && slots[place].at && slots[place].hash != all[n].hash; probe++)
            place = (place + 1) & mask;
        const Record *record = (const Record *)((const char *)packed->octets.buf + (uint64_t)slots[place].at * UNIT);
        AHEAD(record, 0);
        AHEAD(record, sizeof(Record));
    }
}

/* The newest record of what is looked for, or none. */
static const Record *
reached(const Packed *packed, const Sought *each)
{
    return each->is_there ? newest(packed, each->hash, each->uid_type, each->value) : NULL;
}

/* Look for the identifiers of a few events; 0 with an exception. */
static int
seek(const Packed *packed, PyObject *const *udrs, Py_ssize_t count, Sought *all)
{
    for (Py_ssize_t n = 0; n < count; n++) {
        AHEAD(udrs[n], 0);
        AHEAD(udrs[n], offsetof(PyTupleObject, ob_item[UDR_TYPE]));
        AHEAD(udrs[n], offsetof(PyTupleObject, ob_item[UDR_STARTED]));
    }
    for (Py_ssize_t n = 0; n < count; n++) {
        if (!PyTuple_Check(udrs[n]) || PyTuple_GET_SIZE(udrs[n]) != UDR_SIZE) {
            PyErr_SetString(PyExc_TypeError, "owners are found of usage data records");
            return 0;
        }
        AHEAD(PyTuple_GET_ITEM(udrs[n], UDR_UID), 0);
        AHEAD(PyTuple_GET_ITEM(udrs[n], UDR_UID), sizeof(PyASCIIObject));
        AHEAD(PyTuple_GET_ITEM(udrs[n], UDR_STARTED), 0);
        AHEAD(PyTuple_GET_ITEM(udrs[n], UDR_STARTED), sizeof(PyVarObject));
    }
    for (Py_ssize_t n = 0; n < count; n++) {
        all[n].udr = udrs[n];
        if (!aim(packed, PyTuple_GET_ITEM(udrs[n], UDR_TYPE), PyTuple_GET_ITEM(udrs[n], UDR_UID), &all[n]))
            return 0;
    }
    follow(packed, all, count);
    return 1;
}

static PyObject *
packed_find_all(Packed *packed, PyObject *udrs)
{
    Sought all[ABREAST];
    if (!PyList_Check(udrs)) {
        PyErr_SetString(PyExc_TypeError, "a list of usage data records");
        return NULL;
    }
    Py_ssize_t count = PyList_GET_SIZE(udrs);
    PyObject *found = PyList_New(count);
    for (Py_ssize_t first = 0; found != NULL && first < count; first += ABREAST) {
        Py_ssize_t some = count - first < ABREAST ? count - first : ABREAST;
        int good = seek(packed, &PyList_GET_ITEM(udrs, first), some, all);
        for (Py_ssize_t n = 0; good && n < some; n++) {
            Sought *each = &all[n];
            PyObject *owner = owner_then(packed, reached(packed, each), PyTuple_GET_ITEM(each->udr, UDR_STARTED));
            good = owner != NULL;
            if (good)
                PyList_SET_ITEM(found, first + n, owner);
        }
        if (!good)
            Py_CLEAR(found);
    }
    return found;
}

static PyObject *
packed_all_of(Packed *packed, PyObject *const *arguments, Py_ssize_t given)
{
    const Record *record;
    if (!look_up(packed, arguments, given, 2, &record))
        return NULL;
    PyObject *list = PyList_New(0);
    for (; list != NULL && record != NULL; record = before(packed, record)) {
        PyObject *owner = owner_of(packed, record);
        if (owner == NULL || PyList_Append(list, owner) < 0)
            Py_CLEAR(list);
        Py_XDECREF(owner);
    }
    PyObject *found = list ? PyList_AsTuple(list) : NULL;
    Py_XDECREF(list);
    return found;
}

/* As Python has it: never negative. */
static i64
remainder_of(i64 value, i64 by)
{
    return (value % by + by) % by;
}

/* The home of an identifier; *without*: one that names no owner, kept for the next, or NULL. */
static PyObject *
home_of(Packed *packed, const Record *record, long parts, long part, PyObject **without)
{
    i64 at = record ? remainder_of(record->account_id, parts) : PART_OF_NOBODY;
    const Record *other = record ? before(packed, record) : NULL;
    int is_only = record != NULL && other == NULL;
    for (; other != NULL && at != SEVERAL; other = before(packed, other))
        if (remainder_of(other->account_id, parts) != at)
            at = SEVERAL;
    if (is_only && at == part) {
        PyObject *owner = owner_of(packed, record);
        return owner ? Py_BuildValue("LN", at, owner) : NULL;
    }
    if (*without == NULL || PyLong_AsLongLong(PyTuple_GET_ITEM(*without, 0)) != at)
        Py_XSETREF(*without, Py_BuildValue("LO", at, Py_None));
    return Py_XNewRef(*without);
}

static PyObject *
packed_homes(Packed *packed, PyObject *arguments)
{
    Sought all[ABREAST];
    PyObject *uids, *without = NULL;
    long parts, part;
    if (!PyArg_ParseTuple(arguments, "O!ll", &PyList_Type, &uids, &parts, &part))
        return NULL;
    if (parts < 1)
        return refused("no parts");
    Py_ssize_t count = PyList_GET_SIZE(uids);
    PyObject *found = PyList_New(count);
    for (Py_ssize_t first = 0; found != NULL && first < count; first += ABREAST) {
        Py_ssize_t some = count - first < ABREAST ? count - first : ABREAST;
        int good = 1;
        for (Py_ssize_t n = 0; good && n < some; n++) {
            PyObject *uid = PyList_GET_ITEM(uids, first + n);
            if (uid == Py_None)
                all[n] = (Sought){0};
            else if (PyTuple_Check(uid) && PyTuple_GET_SIZE(uid) == 2)
                good = aim(packed, PyTuple_GET_ITEM(uid, 0), PyTuple_GET_ITEM(uid, 1), &all[n]);
            else
                good = refused("an identifier is its type and value") != NULL;
        }
        if (good)
            follow(packed, all, some);
        for (Py_ssize_t n = 0; good && n < some; n++) {
            PyObject *home = home_of(packed, reached(packed, &all[n]), parts, part, &without);
            good = home != NULL;
            if (good)
                PyList_SET_ITEM(found, first + n, home);
        }
        if (!good)
            Py_CLEAR(found);
    }
    Py_XDECREF(without);
    return found;
}

static int
is_packed(const Packed *packed)
{
    uint64_t octets = packed->octets.len, slots = packed->head.slots, at = packed->head.slots_at;
    return !memcmp(packed->head.mark, MARK, 8) && slots && !(slots & (slots - 1)) && packed->head.uids < slots
        && at >= HEAD_OCTETS && at <= octets && at % UNIT == 0 && slots <= (octets - at) / sizeof(Slot);
}

/*
 * Have octets lie in huge pages, where there are any: each look is at another place, and finding its page would take as
 * long as the look. Nothing hangs on it.
 */
static void
in_huge_pages(const Py_buffer *octets)
{
#ifdef MADV_HUGEPAGE
    uintptr_t first = ((uintptr_t)octets->buf + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    uintptr_t end = ((uintptr_t)octets->buf + octets->len) / HUGE_PAGE * HUGE_PAGE;
    if (first < end) {
        madvise((void *)first, end - first, MADV_HUGEPAGE);
        madvise((void *)first, end - first, MADV_COLLAPSE);
    }
#endif
}

static PyObject *
packed_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    PyObject *octets, *terms;
    if (!PyArg_ParseTuple(arguments, "OO", &octets, &terms))
        return NULL;
    Packed *packed = (Packed *)type->tp_alloc(type, 0);
    if (packed == NULL || PyObject_GetBuffer(octets, &packed->octets, PyBUF_SIMPLE) < 0) {
        Py_XDECREF(packed);
        return NULL;
    }
    packed->terms = Py_NewRef(terms);
    if (packed->octets.len >= HEAD_OCTETS)
        memcpy(&packed->head, packed->octets.buf, sizeof(Head));
    if (packed->octets.len < HEAD_OCTETS || !is_packed(packed)) {
        Py_DECREF(packed);
        return refused("no packed owners");
    }
    in_huge_pages(&packed->octets);
    return (PyObject *)packed;
}

static void
packed_dealloc(Packed *packed)
{
    for (size_t n = 0; n < INSTANTS; n++)
        Py_XDECREF(packed->instants[n]);
    Py_XDECREF(packed->terms);
    if (packed->octets.obj != NULL)
        PyBuffer_Release(&packed->octets);
    Py_TYPE(packed)->tp_free(packed);
}

static PyObject *
packed_uids(Packed *packed, void *unused)
{
    return PyLong_FromUnsignedLongLong(packed->head.uids);
}

static PyMethodDef packed_methods[] = {
    {"find", (PyCFunction)(void (*)(void))packed_find, METH_FASTCALL, "Do as PlainPacked.find does."},
    {"find_all", (PyCFunction)packed_find_all, METH_O, "Do as PlainPacked.find_all does."},
    {"all_of", (PyCFunction)(void (*)(void))packed_all_of, METH_FASTCALL, "Do as PlainPacked.all_of does."},
    {"homes", (PyCFunction)packed_homes, METH_VARARGS, "Do as PlainPacked.homes does."},
    {NULL},
};
static PyGetSetDef packed_fields[] = {
    {"uids", (getter)packed_uids, NULL, "How many identifiers.", NULL},
    {NULL},
};
static PyTypeObject packed_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "bmu.rating._owners.Packed",
    .tp_basicsize = sizeof(Packed),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "Do as packed.PlainPacked does.",
    .tp_new = packed_new,
    .tp_dealloc = (destructor)packed_dealloc,
    .tp_methods = packed_methods,
    .tp_getset = packed_fields,
};

/* ---- Packing what COPY BINARY gave ---- */

/* A row under way; the numbers are as PostgreSQL sends them. */
typedef struct {
    Octets key, from, to, plain;
    i64 numbers[3];
    int bill_day;
} Row;

static uint64_t
big_endian(const char *at, int octets)
{
    uint64_t value = 0;
    for (int n = 0; n < octets; n++)
        value = value << 8 | (unsigned char)at[n];
    return value;
}

/* The field that comes next; 0 when there is none. */
static int
field(Octets *rows, Octets *into)
{
    if (rows->length < 4)
        return 0;
    int32_t length = (int32_t)big_endian(rows->at, 4);
    *into = (Octets){rows->at + 4, length < 0 ? 0 : length};
    rows->at += 4 + into->length;
    rows->length -= 4 + into->length;
    return rows->length >= 0;
}

/* The row that comes next; 0 when that is none. */
static int
row(Octets *rows, Row *into)
{
    Octets number;
    if (rows->length < 2 || big_endian(rows->at, 2) != COPIED_FIELDS)
        return 0;
    rows->at += 2;
    rows->length -= 2;
    if (!field(rows, &into->key) || !field(rows, &into->from) || !field(rows, &into->to) || into->key.length > UINT16_MAX
        || into->from.length % 8 || into->from.length > 8 || into->to.length % 8 || into->to.length > 8)
        return 0;
    for (int n = 0; n < 3; n++) {
        if (!field(rows, &number) || number.length != 8)
            return 0;
        into->numbers[n] = (i64)big_endian(number.at, 8);
    }
    if (!field(rows, &number) || number.length != 2)
        return 0;
    into->bill_day = (int)big_endian(number.at, 2);
    into->plain.at = rows->at;
    for (int n = 0; n < 4; n++)
        if (!field(rows, &number))
            return 0;
    into->plain.length = rows->at - into->plain.at;
    return into->bill_day < 256;
}

static i64
instant_in(Octets field)
{
    i64 us = field.length ? (i64)big_endian(field.at, 8) : FOREVER_US;
    return us > FOREVER_US - COPIED_EPOCH_US ? FOREVER_US : us + COPIED_EPOCH_US;
}

static size_t
record_octets(const Row *row)
{
    return (sizeof(Record) + row->key.length + UNIT - 1) / UNIT * UNIT;
}

/* The number that a mapping has for a key; -1 with an exception. The key is stolen. */
static i64
number_for(PyObject *mapping, PyObject *key)
{
    PyObject *number = key ? PyObject_GetItem(mapping, key) : NULL;
    Py_XDECREF(key);
    unsigned long value = number ? PyLong_AsUnsignedLong(number) : 0;
    Py_XDECREF(number);
    if (!PyErr_Occurred() && value > UINT32_MAX)
        refused("too many terms");
    return PyErr_Occurred() ? -1 : (i64)value;
}

/* A packing under way. */
typedef struct {
    char *octets;
    Head head;
    PyObject *number_of, *special;
    Octets plain; /* of the row before */
    i64 plain_number;
} Packing;

static i64
terms_of(Packing *all, const Row *row)
{
    if (PyDict_GET_SIZE(all->special)) {
        PyObject *service = PyLong_FromLongLong(row->numbers[2]);
        int is_special = service ? PyDict_Contains(all->special, service) : -1;
        if (is_special > 0)
            return number_for(all->special, service);
        Py_XDECREF(service);
        if (is_special < 0)
            return -1;
    }
    if (all->plain.at == NULL || row->plain.length != all->plain.length
        || memcmp(row->plain.at, all->plain.at, row->plain.length)) {
        all->plain_number = number_for(all->number_of, PyBytes_FromStringAndSize(row->plain.at, row->plain.length));
        all->plain = row->plain;
    }
    return all->plain_number;
}

/* Writes a record at a place, and its slot. */
static int
put(Packing *all, const Row *row, size_t at)
{
    i64 terms = terms_of(all, row);
    if (terms < 0)
        return 0;
    Slot *slots = (Slot *)(all->octets + all->head.slots_at);
    uint32_t hash = ~crc(~0u, row->key), newest = 0;
    uint64_t mask = all->head.slots - 1, place = hash & mask;
    for (; slots[place].at; place = (place + 1) & mask) {
        const Record *other = (const Record *)(all->octets + (size_t)slots[place].at * UNIT);
        if (slots[place].hash == hash && other->length == row->key.length
            && !memcmp(other + 1, row->key.at, row->key.length)) {
            newest = slots[place].at;
            break;
        }
    }
    all->head.uids += newest == 0;
    slots[place] = (Slot){hash, (uint32_t)(at / UNIT)};
    Record record = {
        instant_in(row->from), instant_in(row->to), row->numbers[0], row->numbers[1], row->numbers[2],
        (uint32_t)terms, newest, (uint16_t)row->key.length, (uint8_t)row->bill_day, 0,
    };
    memcpy(all->octets + at, &record, sizeof record);
    memcpy(all->octets + at + sizeof record, row->key.at, row->key.length);
    return 1;
}

static PyObject *
packed_of(Octets rows, PyObject *number_of, PyObject *special)
{
    Row each;
    size_t count = 0, records = HEAD_OCTETS, slots = SLOTS_MIN;
    for (Octets rest = rows; rest.length; count++) {
        if (!row(&rest, &each))
            return refused("no rows of owners");
        records += record_octets(&each);
    }
    while (slots < 2 * count)
        slots *= 2;
    if (records / UNIT > UINT32_MAX)
        return refused("too many owners");
    size_t octets = records + slots * sizeof(Slot);
    PyObject *made = PyBytes_FromStringAndSize(NULL, octets);
    if (made == NULL)
        return NULL;
    Packing all = {PyBytes_AS_STRING(made), {MARK, 0, slots, records, octets}, number_of, special, {NULL, 0}, 0};
    memset(all.octets, 0, octets);
    size_t at = HEAD_OCTETS;
    for (Octets rest = rows; rest.length; at += record_octets(&each)) {
        row(&rest, &each);
        if (!put(&all, &each, at)) {
            Py_DECREF(made);
            return NULL;
        }
    }
    memcpy(all.octets, &all.head, sizeof(Head));
    return made;
}

static PyObject *
pack_copied(PyObject *module, PyObject *arguments)
{
    Py_buffer rows;
    PyObject *number_of, *special;
    if (!PyArg_ParseTuple(arguments, "y*OO!", &rows, &number_of, &PyDict_Type, &special))
        return NULL;
    PyObject *packed = packed_of((Octets){rows.buf, rows.len}, number_of, special);
    PyBuffer_Release(&rows);
    return packed;
}

static PyMethodDef methods[] = {
    {"pack_copied", pack_copied, METH_VARARGS, "Do as packing.pack_copied_plainly does."},
    {NULL},
};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_owners", NULL, 0, methods};

static PyObject *
imported(const char *from, const char *name)
{
    PyObject *holder = PyImport_ImportModule(from);
    PyObject *found = holder ? PyObject_GetAttrString(holder, name) : NULL;
    Py_XDECREF(holder);
    return found;
}

PyMODINIT_FUNC
PyInit__owners(void)
{
    for (uint32_t n = 0; n < 256; n++) {
        crc_of[n] = n;
        for (int bit = 0; bit < 8; bit++)
            crc_of[n] = crc_of[n] & 1 ? crc_of[n] >> 1 ^ 0xEDB88320u : crc_of[n] >> 1;
    }
    PyObject *type = imported("bmu.rating.owner", "Owner"), *reasons = imported("bmu.rating.outcome", "UnratedReason");
    if (type == NULL || reasons == NULL)
        return NULL;
    no_uid = PyObject_GetAttrString(reasons, "NO_UID");
    not_in_period = PyObject_GetAttrString(reasons, "UID_NOT_IN_PERIOD");
    Py_DECREF(reasons);
    if (!PyType_Check(type) || !PyType_IsSubtype((PyTypeObject *)type, &PyTuple_Type)
        || ((PyTypeObject *)type)->tp_basicsize != PyTuple_Type.tp_basicsize)
        return refused("an owner is a tuple");
    owner_type = (PyTypeObject *)type;
    PyObject *made = no_uid && not_in_period && PyType_Ready(&packed_type) == 0 ? PyModule_Create(&module) : NULL;
    if (made != NULL && PyModule_AddObjectRef(made, "Packed", (PyObject *)&packed_type) < 0)
        Py_CLEAR(made);
    return made;
}
