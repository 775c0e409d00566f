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

static int
put_octets(Buffer *buffer, const char *octets, Py_ssize_t length)
{
    if (length > INT32_MAX) {
        PyErr_SetString(PyExc_OverflowError, "a field is too long");
        return 0;
    }
    if (!make_room(buffer, length + 4))
        return 0;
    put(buffer, (uint64_t)length, 4);
    memcpy(buffer->octets + buffer->used, octets, length);
    buffer->used += length;
    return 1;
}

/* PyLong_AsLongLong, without a call for what fits two digits where they may be looked at. */
static inline long long
number_in(PyObject *value)
{
#if PY_VERSION_HEX < 0x030C0000
    if (PyLong_CheckExact(value)) {
        const digit *digits = ((PyLongObject *)value)->ob_digit;
        switch (Py_SIZE(value)) {
        case 0:
            return 0;
        case 1:
            return digits[0];
        case 2:
            return (long long)digits[1] << PyLong_SHIFT | digits[0];
        }
    }
#endif
    return PyLong_AsLongLong(value);
}

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
    if (!make_room(buffer, 12))
        return 0;
    put(buffer, octets, 4);
    put(buffer, (uint64_t)number - (uint64_t)less, octets);
    return 1;
}

/* Few rows have any, and those are made in Python. */
static int
put_json(Buffer *buffer, PyObject *value)
{
    PyObject *module = PyImport_ImportModule("bmuid.store.copying");
    if (module == NULL)
        return 0;
    PyObject *encoded = PyObject_CallMethod(module, "json_octets", "(O)", value);
    Py_DECREF(module);
    char *octets;
    Py_ssize_t length;
    int put = encoded != NULL && PyBytes_AsStringAndSize(encoded, &octets, &length) == 0
        && put_octets(buffer, octets, length);
    Py_XDECREF(encoded);
    return put;
}

static int
put_field(Buffer *buffer, char form, PyObject *value)
{
    char *octets;
    Py_ssize_t length;
    const char *text;
    switch (form) {
    case 'q':
        return put_number(buffer, value, 8, 0);
    case 't':
        return put_number(buffer, value, 8, POSTGRES_EPOCH_US);
    case 'i':
        return put_number(buffer, value, 4, 0);
    case 'h':
        return put_number(buffer, value, 2, 0);
    case 's':
        text = PyUnicode_AsUTF8AndSize(value, &length);
        return text != NULL && put_octets(buffer, text, length);
    case 'j':
        return put_json(buffer, value);
    case 'b':
        return PyBytes_AsStringAndSize(value, &octets, &length) == 0 && put_octets(buffer, octets, length);
    }
    PyErr_Format(PyExc_ValueError, "no form %c", form);
    return 0;
}

static int
put_row(Buffer *buffer, const Field *fields, Py_ssize_t count, PyObject *sources, PyObject *constants, Py_ssize_t row)
{
    if (!make_room(buffer, 2))
        return 0;
    put(buffer, count, 2);
    for (Py_ssize_t n = 0; n < count; n++) {
        const Field *field = &fields[n];
        if (field->source == CONSTANTS) {
            PyObject *encoded = PyTuple_GET_ITEM(constants, field->item);
            Py_ssize_t length = PyBytes_GET_SIZE(encoded);
            if (!make_room(buffer, length))
                return 0;
            memcpy(buffer->octets + buffer->used, PyBytes_AS_STRING(encoded), length);
            buffer->used += length;
            continue;
        }
        PyObject *value = PyList_GET_ITEM(PyTuple_GET_ITEM(sources, field->source), row);
        if (field->item != WHOLE) {
            if (!PyTuple_Check(value) || field->item >= PyTuple_GET_SIZE(value)) {
                PyErr_SetString(PyExc_TypeError, "a row is not as its fields say");
                return 0;
            }
            value = PyTuple_GET_ITEM(value, field->item);
        }
        if (value == Py_None) {
            if (!make_room(buffer, 4))
                return 0;
            put(buffer, UINT32_MAX, 4);
        } else if (!put_field(buffer, field->form, value)) {
            return 0;
        }
    }
    return 1;
}

/* Read what the fields are, and see that sources and constants hold them. */
static int
read_fields(PyObject *plan, PyObject *sources, PyObject *constants, Py_ssize_t last, Field *fields)
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
            : source >= 0 && source < PyTuple_GET_SIZE(sources) && item >= WHOLE
                && PyList_Check(PyTuple_GET_ITEM(sources, source))
                && PyList_GET_SIZE(PyTuple_GET_ITEM(sources, source)) >= last;
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
    Py_ssize_t first, last;
    Field fields[FIELDS_MAX];
    if (!PyArg_ParseTuple(arguments, "O!O!O!nn", &PyTuple_Type, &plan, &PyTuple_Type, &sources, &PyTuple_Type,
                          &constants, &first, &last)
        || !read_fields(plan, sources, constants, last, fields))
        return NULL;
    Py_ssize_t row = first < 0 ? 0 : first;
    if (row >= last)
        return PyBytes_FromStringAndSize(NULL, 0);
    Buffer buffer = {NULL, NULL, 0, 0};
    int good = make_room(&buffer, (last - row) * PyTuple_GET_SIZE(plan) * FIELD_OCTETS);
    while (good && row < last)
        good = put_row(&buffer, fields, PyTuple_GET_SIZE(plan), sources, constants, row++);
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
