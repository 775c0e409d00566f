/*
 * Patterns of digits as a tree with ten branches a node: a number is followed digit by digit, in a tenth of the time
 * that asking for each of its beginnings takes. GeoTree.longest is the plain form, and decides.
 */
#include "_batch.h"

#define DIGITS 10

typedef int32_t Node[DIGITS]; /* the nodes below; 0: none, as the root is below no other */

typedef struct {
    PyObject_HEAD
    PyObject *found; /* owns the places */
    Node *nodes;
    PyObject **places; /* of each node, borrowed, or NULL */
    int32_t count, size;
} Index;

static int32_t
add_node(Index *index)
{
    if (index->count == index->size) {
        size_t size = index->size ? (size_t)index->size * 2 : 1024;
        Node *nodes = size <= INT32_MAX ? PyMem_Realloc(index->nodes, size * sizeof(Node)) : NULL;
        if (nodes != NULL)
            index->nodes = nodes;
        PyObject **places = nodes != NULL ? PyMem_Realloc(index->places, size * sizeof(PyObject *)) : NULL;
        if (places == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        index->places = places;
        index->size = (int32_t)size;
    }
    memset(index->nodes[index->count], 0, sizeof(Node));
    index->places[index->count] = NULL;
    return index->count++;
}

static int
add_place(Index *index, PyObject *code, PyObject *place)
{
    if (!PyUnicode_Check(code) || PyUnicode_READY(code) < 0 || !PyUnicode_IS_ASCII(code) || !PyTuple_Check(place)) {
        PyErr_SetString(PyExc_TypeError, "places by digits");
        return 0;
    }
    const Py_UCS1 *text = PyUnicode_1BYTE_DATA(code);
    int32_t node = 0;
    for (Py_ssize_t n = 0; n < PyUnicode_GET_LENGTH(code); n++) {
        unsigned digit = (unsigned)text[n] - '0';
        if (digit >= DIGITS) {
            PyErr_SetString(PyExc_ValueError, "a pattern is of digits only");
            return 0;
        }
        int32_t next = index->nodes[node][digit];
        if (next == 0) {
            next = add_node(index);
            if (next < 0)
                return 0;
            index->nodes[node][digit] = next;
        }
        node = next;
    }
    PyList_Append(index->found, place);
    index->places[node] = place;
    return !PyErr_Occurred();
}

static void
index_dealloc(PyObject *self)
{
    Index *index = (Index *)self;
    PyMem_Free(index->nodes);
    PyMem_Free(index->places);
    Py_XDECREF(index->found);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *
index_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    PyObject *places, *code, *place;
    Py_ssize_t at = 0;
    if (!PyArg_ParseTuple(arguments, "O!", &PyDict_Type, &places))
        return NULL;
    Index *index = (Index *)type->tp_alloc(type, 0);
    if (index == NULL)
        return NULL;
    index->found = PyList_New(0);
    int made = index->found != NULL && add_node(index) == 0;
    while (made && PyDict_Next(places, &at, &code, &place))
        made = add_place(index, code, place);
    if (made)
        return (PyObject *)index;
    Py_DECREF(index);
    return NULL;
}

static PyTypeObject type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "bmu.rating._batch.Index",
    .tp_doc = "Places by the digits that lead there.",
    .tp_basicsize = sizeof(Index),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = index_new,
    .tp_dealloc = index_dealloc,
};

PyTypeObject *
index_type(void)
{
    return PyType_Ready(&type) < 0 ? NULL : &type;
}

PyObject *
index_longest(PyObject *self, PyObject *text)
{
    const Index *index = (const Index *)self;
    if (PyUnicode_KIND(text) != PyUnicode_1BYTE_KIND)
        return NULL;
    const Py_UCS1 *digits = PyUnicode_1BYTE_DATA(text);
    const Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    PyObject *place = NULL;
    int32_t node = 0;
    for (Py_ssize_t n = 0; n < length; n++) {
        unsigned digit = (unsigned)digits[n] - '0';
        node = digit < DIGITS ? index->nodes[node][digit] : 0;
        if (node == 0)
            break;
        if (index->places[node] != NULL)
            place = index->places[node];
    }
    /* An address is no number, whatever digits it begins with. */
    if (place != NULL && (memchr(digits, '.', length) != NULL || memchr(digits, ':', length) != NULL))
        return NULL;
    return place;
}
