/*
 * bmuid.store._copying: rows as PostgreSQL's binary COPY reads them, as copying.py encodes them, in a tenth of
 * the time. Nothing needs it; tests/store/test_copying.py holds it to the plain form.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

#define FIELDS_MAX 64
#define FIELD_OCTETS 12 /* most take as many, or fewer */
#define CONSTANTS (-1)
#define WHOLE (-1)
#define EACH (-2)
#define AHEAD 8 /* rows */
#define POSTGRES_EPOCH_US 946684800000000LL

typedef struct {
    char form;
    Py_ssize_t source, item;
} Field;

/* Octets that become a bytes object as they are. */
typedef struct {
    PyObject *object;
    char *octets;
    Py_ssize_t used, size;
} Buffer;

static int
make_room(Buffer *buffer, Py_ssize_t octets)
{
    if (buffer->used + octets <= buffer->size)
        return 1;
    Py_ssize_t size = buffer->size * 2 + octets;
    if (buffer->object == NULL)
        buffer->object = PyBytes_FromStringAndSize(NULL, size);
    else
        _PyBytes_Resize(&buffer->object, size);
    if (buffer->object == NULL)
        return 0;
    buffer->octets = PyBytes_AS_STRING(buffer->object);
    buffer->size = size;
    return 1;
}

/* The low octets of a number, the highest first; there is room. */
static inline void
put(Buffer *buffer, uint64_t value, int octets)
{
    uint64_t turned = __builtin_bswap64(value << (64 - 8 * octets));
    memcpy(buffer->octets + buffer->used, &turned, octets);
    buffer->used += octets;
}

/* Octets behind their length; there is room for *more* beyond them. */
static int
put_octets(Buffer *buffer, const char *octets, Py_ssize_t length, Py_ssize_t more)
{
    if (length > INT32_MAX) {
        PyErr_SetString(PyExc_OverflowError, "a field is too long");
        return 0;
    }
    if (!make_room(buffer, length + 4 + more))
        return 0;
    put(buffer, (uint64_t)length, 4);
    memcpy(buffer->octets + buffer->used, octets, length);
    buffer->used += length;
    return 1;
}

/* PyLong_AsLongLong, without a call where its digits may be looked at. */
static inline long long
number_in(PyObject *value)
{
#if PY_VERSION_HEX < 0x030C0000
    if (PyLong_CheckExact(value)) {
        const digit *digits = ((PyLongObject *)value)->ob_digit;
        Py_ssize_t size = Py_SIZE(value), count = size < 0 ? -size : size;
        long long found = 0;
        if (count < 3 || (count == 3 && digits[2] >> (63 - 2 * PyLong_SHIFT) == 0)) {
            while (count)
                found = found << PyLong_SHIFT | digits[--count];
            return size < 0 ? -found : found;
        }
    }
#endif
    return PyLong_AsLongLong(value);
}

/* There is room. */
static inline int
put_number(Buffer *buffer, PyObject *value, int octets, long long less)
{
    long long number = number_in(value);
    if (number == -1 && PyErr_Occurred())
        return 0;
    if (octets < 8 && (number < -(1LL << (8 * octets - 1)) || number >= 1LL << (8 * octets - 1))) {
        PyErr_SetString(PyExc_OverflowError, "a number does not fit its column");
        return 0;
    }
    put(buffer, octets, 4);
    put(buffer, (uint64_t)number - (uint64_t)less, octets);
    return 1;
}

/* The number below zero that is as far from it; there is room. */
static inline int
put_less(Buffer *buffer, PyObject *value)
{
    long long number = number_in(value);
    if (number == -1 && PyErr_Occurred())
        return 0;
    if (number == INT64_MIN) {
        PyErr_SetString(PyExc_OverflowError, "a number does not fit its column");
        return 0;
    }
    put(buffer, 8, 4);
    put(buffer, (uint64_t)-number, 8);
    return 1;
}

/* Few rows have any, and those are made in Python. */
static int
put_json(Buffer *buffer, PyObject *value, Py_ssize_t more)
{
    PyObject *module = PyImport_ImportModule("bmuid.store.copying");
    if (module == NULL)
        return 0;
    PyObject *encoded = PyObject_CallMethod(module, "json_octets", "(O)", value);
    Py_DECREF(module);
    char *octets;
    Py_ssize_t length;
    int put = encoded != NULL && PyBytes_AsStringAndSize(encoded, &octets, &length) == 0
        && put_octets(buffer, octets, length, more);
    Py_XDECREF(encoded);
    return put;
}

static int
put_text(Buffer *buffer, PyObject *value, Py_ssize_t more)
{
    if (PyUnicode_Check(value) && PyUnicode_IS_COMPACT_ASCII(value))
        return put_octets(buffer, (const char *)PyUnicode_1BYTE_DATA(value), PyUnicode_GET_LENGTH(value), more);
    Py_ssize_t length;
    const char *text = PyUnicode_AsUTF8AndSize(value, &length);
    return text != NULL && put_octets(buffer, text, length, more);
}

/* There is room for a number, and for *more* behind what takes more. */
static inline int
put_field(Buffer *buffer, char form, PyObject *value, Py_ssize_t more)
{
    char *octets;
    Py_ssize_t length;
    switch (form) {
    case 'q':
        return put_number(buffer, value, 8, 0);
    case 'n':
        return put_less(buffer, value);
    case 't':
        return put_number(buffer, value, 8, POSTGRES_EPOCH_US);
    case 'i':
        return put_number(buffer, value, 4, 0);
    case 'h':
        return put_number(buffer, value, 2, 0);
    case 's':
        return put_text(buffer, value, more);
    case 'j':
        return put_json(buffer, value, more);
    case 'b':
        return PyBytes_AsStringAndSize(value, &octets, &length) == 0 && put_octets(buffer, octets, length, more);
    }
    PyErr_Format(PyExc_ValueError, "no form %c", form);
    return 0;
}

/* What rows are made of; plain: the octets of a row beside its texts, at most. */
typedef struct {
    const Field *fields;
    Py_ssize_t count, plain;
    PyObject *sources, *constants;
    Py_ssize_t each_source, each_item; /* what a row is made for each of; each_source WHOLE: of nothing */
} Plan;

/* What a field of a row is made of, borrowed; NULL with an exception. */
static inline PyObject *
item_of(PyObject *tuple, Py_ssize_t item)
{
    if (item == WHOLE)
        return tuple;
    if (PyTuple_Check(tuple) && item < PyTuple_GET_SIZE(tuple))
        return PyTuple_GET_ITEM(tuple, item);
    PyErr_SetString(PyExc_TypeError, "a row is not as its fields say");
    return NULL;
}

/* *each*: what the row is made for, or NULL. */
static int
put_row(Buffer *buffer, const Plan *plan, Py_ssize_t row, PyObject *each)
{
    if (!make_room(buffer, plan->plain))
        return 0;
    put(buffer, plan->count, 2);
    for (Py_ssize_t n = 0; n < plan->count; n++) {
        const Field *field = &plan->fields[n];
        if (field->source == CONSTANTS) {
            PyObject *encoded = PyTuple_GET_ITEM(plan->constants, field->item);
            Py_ssize_t length = PyBytes_GET_SIZE(encoded);
            memcpy(buffer->octets + buffer->used, PyBytes_AS_STRING(encoded), length);
            buffer->used += length;
            continue;
        }
        PyObject *value
            = field->source == EACH ? each : PyList_GET_ITEM(PyTuple_GET_ITEM(plan->sources, field->source), row);
        value = item_of(value, field->item);
        if (value == NULL)
            return 0;
        if (value == Py_None)
            put(buffer, UINT32_MAX, 4);
        else if (!put_field(buffer, field->form, value, plan->plain))
            return 0;
    }
    return 1;
}

/* A row, or one for each of what it is made for. */
static int
put_rows(Buffer *buffer, const Plan *plan, Py_ssize_t row)
{
    if (plan->each_source == WHOLE)
        return put_row(buffer, plan, row, NULL);
    PyObject *all = item_of(PyList_GET_ITEM(PyTuple_GET_ITEM(plan->sources, plan->each_source), row), plan->each_item);
    if (all == NULL)
        return 0;
    if (!PyTuple_Check(all)) {
        PyErr_SetString(PyExc_TypeError, "rows are made for each of a tuple");
        return 0;
    }
    int good = 1;
    for (Py_ssize_t n = 0; good && n < PyTuple_GET_SIZE(all); n++)
        good = put_row(buffer, plan, row, PyTuple_GET_ITEM(all, n));
    return good;
}

/* The octets of a row beside its texts. */
static Py_ssize_t
plain_octets(const Plan *plan)
{
    Py_ssize_t octets = 2;
    for (Py_ssize_t n = 0; n < plan->count; n++)
        octets += plan->fields[n].source == CONSTANTS
            ? PyBytes_GET_SIZE(PyTuple_GET_ITEM(plan->constants, plan->fields[n].item)) : FIELD_OCTETS;
    return octets;
}

/* Have fetched what rows further on are made of, which may lie anywhere. */
static void
fetch(const Plan *plan, Py_ssize_t row, Py_ssize_t last)
{
    for (Py_ssize_t n = 0; row + 2 * AHEAD < last && n < PyTuple_GET_SIZE(plan->sources); n++) {
        const char *object = (const char *)PyList_GET_ITEM(PyTuple_GET_ITEM(plan->sources, n), row + 2 * AHEAD);
        __builtin_prefetch(object);
        __builtin_prefetch(object + 64);
        __builtin_prefetch(object + 128);
    }
    for (Py_ssize_t n = 0; row + AHEAD < last && n < plan->count; n++) {
        const Field *field = &plan->fields[n];
        if (field->source < 0 || field->item == WHOLE)
            continue;
        PyObject *tuple = PyList_GET_ITEM(PyTuple_GET_ITEM(plan->sources, field->source), row + AHEAD);
        if (PyTuple_Check(tuple) && field->item < PyTuple_GET_SIZE(tuple))
            __builtin_prefetch(PyTuple_GET_ITEM(tuple, field->item));
    }
}

/* Read what the fields are, and see that sources and constants hold them. */
static int
is_source(PyObject *sources, Py_ssize_t source, Py_ssize_t last)
{
    return source >= 0 && source < PyTuple_GET_SIZE(sources) && PyList_Check(PyTuple_GET_ITEM(sources, source))
        && PyList_GET_SIZE(PyTuple_GET_ITEM(sources, source)) >= last;
}

static int
read_fields(PyObject *plan, PyObject *sources, PyObject *constants, Py_ssize_t last, Field *fields, int is_each)
{
    if (PyTuple_GET_SIZE(plan) > FIELDS_MAX) {
        PyErr_SetString(PyExc_ValueError, "too many fields");
        return 0;
    }
    for (Py_ssize_t n = 0; n < PyTuple_GET_SIZE(plan); n++) {
        const char *form;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(plan, n), "snn", &form, &fields[n].source, &fields[n].item))
            return 0;
        fields[n].form = form[0];
        Py_ssize_t source = fields[n].source, item = fields[n].item;
        int held = source == CONSTANTS
            ? item >= 0 && item < PyTuple_GET_SIZE(constants) && PyBytes_Check(PyTuple_GET_ITEM(constants, item))
            : item >= WHOLE && (source == EACH ? is_each : is_source(sources, source, last));
        if (!held) {
            PyErr_SetString(PyExc_ValueError, "a field without a source");
            return 0;
        }
    }
    return 1;
}

static PyObject *
encode(PyObject *module, PyObject *arguments)
{
    PyObject *plan, *sources, *constants;
    Py_ssize_t first, last, each_source, each_item;
    Field fields[FIELDS_MAX];
    if (!PyArg_ParseTuple(arguments, "O!O!O!nn(nn)", &PyTuple_Type, &plan, &PyTuple_Type, &sources, &PyTuple_Type,
                          &constants, &first, &last, &each_source, &each_item)
        || !read_fields(plan, sources, constants, last, fields, each_source != WHOLE))
        return NULL;
    if (each_source != WHOLE && (each_item < WHOLE || !is_source(sources, each_source, last))) {
        PyErr_SetString(PyExc_ValueError, "rows for each of nothing");
        return NULL;
    }
    Py_ssize_t row = first < 0 ? 0 : first;
    if (row >= last)
        return PyBytes_FromStringAndSize(NULL, 0);
    Buffer buffer = {NULL, NULL, 0, 0};
    Plan all = {fields, PyTuple_GET_SIZE(plan), 0, sources, constants, each_source, each_item};
    all.plain = plain_octets(&all);
    int good = make_room(&buffer, (last - row) * all.plain);
    for (; good && row < last; row++) {
        fetch(&all, row, last);
        good = put_rows(&buffer, &all, row);
    }
    if (!good)
        Py_CLEAR(buffer.object);
    else
        _PyBytes_Resize(&buffer.object, buffer.used);
    return buffer.object;
}

/* A number of so many octets, the highest first. */
static int64_t
number_of(const unsigned char *octets, int count)
{
    uint64_t value = octets[0] & 0x80 ? UINT64_MAX : 0;
    for (int n = 0; n < count; n++)
        value = value << 8 | octets[n];
    return (int64_t)value;
}

static PyObject *
field_of(char form, const unsigned char *octets, Py_ssize_t length)
{
    int wanted = form == 'q' || form == 't' ? 8 : form == 'i' ? 4 : form == 'h' ? 2 : 0;
    if (wanted != 0) {
        if (length != wanted) {
            PyErr_Format(PyExc_ValueError, "%zd octets are no %c", length, form);
            return NULL;
        }
        int64_t number = number_of(octets, wanted);
        return PyLong_FromLongLong(form == 't' ? number + POSTGRES_EPOCH_US : number);
    }
    switch (form) {
    case 'b':
        return PyBytes_FromStringAndSize((const char *)octets, length);
    case 'j':
        if (length > 0 && octets[0] == 1) {
            octets++;
            length--;
        }
        /* fall through */
    case 's':
        return PyUnicode_DecodeUTF8((const char *)octets, length, NULL);
    }
    PyErr_Format(PyExc_ValueError, "no form %c", form);
    return NULL;
}

/* The row at *at, which is moved behind it; NULL: it is none of these fields. */
static PyObject *
row_of(const char *forms, Py_ssize_t count, const unsigned char *octets, Py_ssize_t size, Py_ssize_t *at)
{
    if (size - *at < 2 || number_of(octets + *at, 2) != count) {
        PyErr_Format(PyExc_ValueError, "not a row of %zd fields", count);
        return NULL;
    }
    *at += 2;
    PyObject *row = PyTuple_New(count);
    for (Py_ssize_t n = 0; row != NULL && n < count; n++) {
        Py_ssize_t length = size - *at < 4 ? INT32_MAX : (Py_ssize_t)number_of(octets + *at, 4);
        *at += 4;
        PyObject *field = NULL;
        if (length < 0)
            field = Py_NewRef(Py_None);
        else if (length > size - *at)
            PyErr_SetString(PyExc_ValueError, "a row is cut");
        else
            field = field_of(forms[n], octets + *at, length);
        if (field == NULL) {
            Py_CLEAR(row);
        } else {
            PyTuple_SET_ITEM(row, n, field);
            *at += length < 0 ? 0 : length;
        }
    }
    return row;
}

static PyObject *
decode(PyObject *module, PyObject *arguments)
{
    const char *forms;
    Py_ssize_t count, at = 0;
    Py_buffer octets;
    if (!PyArg_ParseTuple(arguments, "s#y*", &forms, &count, &octets))
        return NULL;
    PyObject *rows = PyList_New(0);
    while (rows != NULL && at < octets.len) {
        PyObject *row = row_of(forms, count, octets.buf, octets.len, &at);
        if (row == NULL || PyList_Append(rows, row) < 0)
            Py_CLEAR(rows);
        Py_XDECREF(row);
    }
    PyBuffer_Release(&octets);
    return rows;
}

static PyMethodDef methods[] = {
    {"encode", encode, METH_VARARGS, "Encode rows as bmuid.store.copying does."},
    {"decode", decode, METH_VARARGS, "Decode rows as bmuid.store.copying does."},
    {NULL},
};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_copying", NULL, 0, methods};

PyMODINIT_FUNC
PyInit__copying(void)
{
    return PyModule_Create(&module);
}
