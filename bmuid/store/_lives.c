/*
 * bmuid.store._lives: charges with their usage records made of the rows that lives.py asks for, in a third of the time.
 * Nothing needs it; tests/store/test_lives.py holds it to the plain form, which also makes what few rows have.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define POSTGRES_EPOCH_US 946684800000000LL
/* The fields of a row, in their order, as lives.py has them; null may be those in small letters, from LINE on together. */
#define FORMS "QTQIQQIHIIIiiQQQQQQSjqqssj"
#define FIELDS 26

enum {
    ACCOUNT, STARTED, ID, VERSION, SERVICE, REVISION, CLASS, QUANTITY = 13, CURRENCY = 19, DETAIL, LINE, UID, ORIGIN,
    DESTINATION, EXTRAS
};
enum { UDR_FIELDS = 11, RATED_FIELDS = 16, LIVE_FIELDS = 6, FIGURES = CURRENCY - CLASS + 1 };

typedef struct {
    int64_t account, started, id, revision, version;
    const unsigned char *octets;
    Py_ssize_t length;
    int is_first; /* it tells of the usage record, too */
} Row;

typedef struct {
    const unsigned char *octets;
    Py_ssize_t length; /* below 0: null */
} Field;

/* What rows are read with; all are borrowed. */
typedef struct {
    PyObject *classes, *uids, *moved, *gone, *wanted, *one;
    PyTypeObject *live, *udr, *rated;
    PyObject *no_octets, *zero, *none;
} Names;

static int64_t
number_of(const unsigned char *octets, Py_ssize_t count)
{
    uint64_t value = octets[0] & 0x80 ? UINT64_MAX : 0;
    for (Py_ssize_t n = 0; n < count; n++)
        value = value << 8 | octets[n];
    return (int64_t)value;
}

/* Find the fields of a row of which so many octets are left; give its length, or -1. */
static Py_ssize_t
split(const unsigned char *octets, Py_ssize_t left, Field *fields)
{
    Py_ssize_t at = 2;
    if (left < 2 || number_of(octets, 2) != FIELDS)
        return -1;
    for (int n = 0; n < FIELDS; n++) {
        if (left - at < 4)
            return -1;
        Py_ssize_t length = (Py_ssize_t)number_of(octets + at, 4);
        at += 4;
        char form = FORMS[n];
        int wanted = form == 'Q' || form == 'q' || form == 'T' ? 8 : form == 'I' || form == 'i' ? 4 : form == 'H' ? 2 : 0;
        if (length > left - at || (length < 0 && form < 'a') || (length >= 0 && wanted && length != wanted)
            || (length == 0 && form == 'j'))
            return -1;
        fields[n] = (Field){octets + at, length};
        at += length < 0 ? 0 : length;
    }
    for (int n = UID; n < EXTRAS; n++)
        if ((fields[n].length < 0) != (fields[LINE].length < 0))
            return -1;
    return at;
}

static int
in_order(const void *left, const void *right)
{
    const Row *a = left, *b = right;
    if (a->account != b->account)
        return a->account < b->account ? -1 : 1;
    if (a->started != b->started)
        return a->started < b->started ? -1 : 1;
    if (a->id != b->id)
        return a->id < b->id ? -1 : 1;
    return a->version < b->version ? -1 : a->version > b->version;
}

/* The rows in their order; NULL and an exception: they are none. */
static Row *
rows_of(const Py_buffer *octets, Py_ssize_t *count)
{
    Row *rows = NULL;
    Py_ssize_t room = 0, at = 0;
    for (*count = 0; at < octets->len; (*count)++) {
        Field fields[FIELDS];
        const unsigned char *row = (const unsigned char *)octets->buf + at;
        Py_ssize_t length = split(row, octets->len - at, fields);
        if (*count == room) {
            room = room * 2 + 1024;
            Row *moved = PyMem_Realloc(rows, room * sizeof(Row));
            if (moved == NULL) {
                PyMem_Free(rows);
                PyErr_NoMemory();
                return NULL;
            }
            rows = moved;
        }
        if (length < 0) {
            PyMem_Free(rows);
            PyErr_SetString(PyExc_ValueError, "not a row of a charge and its record");
            return NULL;
        }
        rows[*count] = (Row){
            number_of(fields[ACCOUNT].octets, 8), number_of(fields[STARTED].octets, 8),
            number_of(fields[ID].octets, 8), number_of(fields[REVISION].octets, 8),
            number_of(fields[VERSION].octets, 4), row, length, fields[LINE].length >= 0,
        };
        at += length;
    }
    if (*count)
        qsort(rows, *count, sizeof(Row), in_order);
    else
        rows = PyMem_Malloc(1);
    return rows;
}

static PyObject *
value_of(const Field *field, char form)
{
    if (field->length < 0)
        return Py_NewRef(Py_None);
    switch (form) {
    case 'S':
    case 's':
        return PyUnicode_DecodeUTF8((const char *)field->octets, field->length, NULL);
    case 'T':
        return PyLong_FromLongLong(number_of(field->octets, 8) + POSTGRES_EPOCH_US);
    case 'j': /* after its version */
        return PyUnicode_DecodeUTF8((const char *)field->octets + 1, field->length - 1, NULL);
    }
    return PyLong_FromLongLong(number_of(field->octets, field->length));
}

/* A tuple of a type with room for so many, whose places are filled by put; NULL where there is none. */
static PyObject *
new_tuple(PyTypeObject *type, Py_ssize_t count)
{
    return type->tp_alloc(type, count);
}

/* Put a new reference in its place; 0: there is none. */
static int
put(PyObject *tuple, Py_ssize_t place, PyObject *value)
{
    PyTuple_SET_ITEM(tuple, place, value);
    return value != NULL;
}

static PyObject *
looked_up(PyObject *names, const Field *field)
{
    PyObject *id = value_of(field, 'Q');
    PyObject *found = id == NULL ? NULL : PyDict_GetItemWithError(names, id);
    if (found == NULL && id != NULL && !PyErr_Occurred())
        PyErr_SetObject(PyExc_KeyError, id);
    Py_XDECREF(id);
    return found;
}

/* What was drawn, of entries (bucket, kind, quantity): bucket and quantity of those that took something. */
static PyObject *
draws_of(PyObject *entries)
{
    PyObject *drawn = PyList_New(0);
    for (Py_ssize_t n = 0; drawn != NULL && n < PyTuple_GET_SIZE(entries); n++) {
        PyObject *entry = PyTuple_GET_ITEM(entries, n);
        long long quantity = PyLong_AsLongLong(PyTuple_GET_ITEM(entry, 2));
        if (quantity >= 0)
            continue;
        PyObject *draw = Py_BuildValue("OL", PyTuple_GET_ITEM(entry, 0), -quantity);
        if (draw == NULL || PyList_Append(drawn, draw) < 0)
            Py_CLEAR(drawn);
        Py_XDECREF(draw);
    }
    PyObject *found = drawn == NULL ? NULL : PyList_AsTuple(drawn);
    Py_XDECREF(drawn);
    return found;
}

static PyObject *
udr_of(const Field *fields, const Names *names)
{
    PyObject *uid = looked_up(names->uids, &fields[UID]);
    PyObject *usage_class = uid == NULL ? NULL : looked_up(names->classes, &fields[CLASS]);
    if (usage_class == NULL)
        return NULL;
    PyObject *udr = new_tuple(names->udr, UDR_FIELDS);
    if (udr != NULL
        && !(put(udr, 0, value_of(&fields[LINE], 'Q')) && put(udr, 1, Py_NewRef(names->no_octets))
             && put(udr, 2, Py_NewRef(names->zero)) && put(udr, 3, Py_NewRef(PyTuple_GET_ITEM(uid, 0)))
             && put(udr, 4, Py_NewRef(PyTuple_GET_ITEM(uid, 1))) && put(udr, 5, Py_NewRef(usage_class))
             && put(udr, 6, value_of(&fields[STARTED], 'T')) && put(udr, 7, value_of(&fields[QUANTITY], 'Q'))
             && put(udr, 8, value_of(&fields[ORIGIN], 'S')) && put(udr, 9, value_of(&fields[DESTINATION], 'S'))
             && put(udr, 10, Py_NewRef(Py_None))))
        Py_CLEAR(udr);
    return udr;
}

static PyObject *
rated_of(const Field *fields, PyObject *entries, const Names *names)
{
    PyObject *rated = new_tuple(names->rated, RATED_FIELDS);
    for (int n = 0; rated != NULL && n < FIGURES; n++)
        if (!put(rated, n, value_of(&fields[CLASS + n], FORMS[CLASS + n])))
            Py_CLEAR(rated);
    if (rated != NULL && !(put(rated, FIGURES, draws_of(entries)) && put(rated, FIGURES + 1, Py_NewRef(Py_None))))
        Py_CLEAR(rated);
    return rated;
}

/* All fields, as the plain form reads them. */
static PyObject *
plain_row(const Field *fields)
{
    PyObject *row = PyTuple_New(FIELDS);
    for (int n = 0; row != NULL && n < FIELDS; n++)
        if (!put(row, n, value_of(&fields[n], FORMS[n])))
            Py_CLEAR(row);
    return row;
}

static PyObject *
live_of(const Field *fields, PyObject *entries, const Names *names)
{
    if (fields[DETAIL].length >= 0 || fields[EXTRAS].length >= 0) {
        PyObject *row = plain_row(fields);
        PyObject *live = row == NULL ? NULL : PyObject_CallFunctionObjArgs(names->one, row, entries, NULL);
        Py_XDECREF(row);
        return live;
    }
    PyObject *live = new_tuple(names->live, LIVE_FIELDS);
    if (live != NULL
        && !(put(live, 0, udr_of(fields, names)) && put(live, 1, value_of(&fields[ID], 'Q'))
             && put(live, 2, value_of(&fields[VERSION], 'I')) && put(live, 3, value_of(&fields[SERVICE], 'Q'))
             && put(live, 4, rated_of(fields, entries, names)) && put(live, 5, Py_NewRef(entries))))
        Py_CLEAR(live);
    return live;
}

/* What a charge moved buckets by, a tuple; NULL with an exception, or without one where the charge is reversed. */
static PyObject *
entries_of(const Row *row, const Names *names)
{
    PyObject *key = Py_BuildValue("LL", (long long)row->id, (long long)row->version);
    if (key == NULL)
        return NULL;
    PyObject *entries = NULL;
    int gone = PySet_Contains(names->gone, key);
    if (gone == 0) {
        PyObject *found = PyDict_GetItemWithError(names->moved, key);
        if (found != NULL)
            entries = PyList_AsTuple(found);
        else if (!PyErr_Occurred())
            entries = Py_NewRef(names->none);
    }
    Py_DECREF(key);
    return entries;
}

static int
is_wanted(const Row *row, const Names *names)
{
    PyObject *account = PyLong_FromLongLong(row->account);
    int wanted = account == NULL ? -1 : PySet_Contains(names->wanted, account);
    Py_XDECREF(account);
    return wanted;
}

/* The fields of a row, those of its usage record from the first version of its charge. */
static void
whole_row(const Row *row, const Row *first, Field *fields)
{
    Field of_first[FIELDS];
    split(row->octets, row->length, fields);
    if (row == first)
        return;
    split(first->octets, first->length, of_first);
    memcpy(fields + LINE, of_first + LINE, (FIELDS - LINE) * sizeof(Field));
}

/* Add the charge of a row, and its account and revision, unless it does not count; 0: an exception. */
static int
add(const Row *row, const Row *first, const Names *names, PyObject *lives, PyObject *facts)
{
    Field fields[FIELDS];
    if (first == NULL || first->id != row->id || first->started != row->started || first->account != row->account) {
        PyErr_SetString(PyExc_ValueError, "a row of a charge has no first version");
        return 0;
    }
    PyObject *entries = entries_of(row, names);
    if (entries == NULL)
        return !PyErr_Occurred();
    whole_row(row, first, fields);
    PyObject *live = live_of(fields, entries, names);
    PyObject *fact = live == NULL ? NULL : Py_BuildValue("LL", (long long)row->account, (long long)row->revision);
    int added = fact != NULL && PyList_Append(lives, live) == 0 && PyList_Append(facts, fact) == 0;
    Py_XDECREF(fact);
    Py_XDECREF(live);
    Py_DECREF(entries);
    return added;
}

static PyObject *
lives(PyObject *module, PyObject *arguments)
{
    Py_buffer octets;
    Names names = {0};
    if (!PyArg_ParseTuple(arguments, "y*O!O!O!O!O!O!O!O!O", &octets, &PySet_Type, &names.wanted, &PySet_Type,
                          &names.gone, &PyDict_Type, &names.moved, &PyDict_Type, &names.uids, &PyDict_Type,
                          &names.classes, &PyType_Type, &names.live, &PyType_Type, &names.udr, &PyType_Type,
                          &names.rated, &names.one))
        return NULL;
    Py_ssize_t count;
    Row *rows = rows_of(&octets, &count);
    names.no_octets = PyBytes_FromStringAndSize(NULL, 0);
    names.zero = PyLong_FromLong(0);
    names.none = PyTuple_New(0);
    PyObject *found = PyList_New(0), *facts = PyList_New(0), *both = NULL;
    int good = rows != NULL && names.no_octets && names.zero && names.none && found != NULL && facts != NULL;
    int wanted = 0;
    const Row *first = NULL;
    for (Py_ssize_t n = 0; good && n < count; n++) {
        if (rows[n].is_first)
            first = &rows[n];
        if (n == 0 || rows[n].account != rows[n - 1].account)
            wanted = is_wanted(&rows[n], &names);
        good = wanted >= 0 && (!wanted || add(&rows[n], first, &names, found, facts));
    }
    if (good)
        both = PyTuple_Pack(2, found, facts);
    Py_XDECREF(found);
    Py_XDECREF(facts);
    Py_XDECREF(names.no_octets);
    Py_XDECREF(names.zero);
    Py_XDECREF(names.none);
    PyMem_Free(rows);
    PyBuffer_Release(&octets);
    return both;
}

static PyMethodDef methods[] = {
    {"lives", lives, METH_VARARGS, "Make charges with their records of rows, as bmuid.store.lives does."},
    {NULL},
};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_lives", NULL, 0, methods};

PyMODINIT_FUNC
PyInit__lives(void)
{
    return PyModule_Create(&module);
}
