/*
 * Patterns of digits as a tree with ten branches a node: a number is followed digit by digit, in a tenth of the time
 * that asking for each of its beginnings takes. GeoTree.longest is the plain form, and decides.
 */
#include "_batch.h"

#define DIGITS 10

/* One line of memory each. */
typedef struct {
    int32_t next[DIGITS]; /* the nodes below; 0: none, as the root is below no other */
    int32_t location;
    PyObject *pattern; /* borrowed, or NULL */
} __attribute__((aligned(LINE_OCTETS))) Node;

typedef struct {
    PyObject_HEAD
    PyObject *found; /* owns the patterns */
    Node *nodes;
    int32_t count, size;
} Index;

static int32_t
add_node(Index *index)
{
    if (index->count == index->size) {
        size_t size = index->size ? (size_t)index->size * 2 : 1024;
        Node *nodes = size <= INT32_MAX ? aligned_alloc(LINE_OCTETS, size * sizeof(Node)) : NULL;
        if (nodes == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        if (index->count)
            memcpy(nodes, index->nodes, (size_t)index->count * sizeof(Node));
        free(index->nodes);
        index->nodes = nodes;
        index->size = (int32_t)size;
    }
    memset(&index->nodes[index->count], 0, sizeof(Node));
    return index->count++;
}

static int
add_place(Index *index, PyObject *code, PyObject *place)
{
    PyObject *pattern;
    int location;
    if (!PyUnicode_Check(code) || PyUnicode_READY(code) < 0 || !PyUnicode_IS_ASCII(code) || !PyTuple_Check(place)) {
        PyErr_SetString(PyExc_TypeError, "places by digits");
        return 0;
    }
    if (!PyArg_ParseTuple(place, "Oi", &pattern, &location))
        return 0;
    const Py_UCS1 *text = PyUnicode_1BYTE_DATA(code);
    int32_t node = 0;
    for (Py_ssize_t n = 0; n < PyUnicode_GET_LENGTH(code); n++) {
        unsigned digit = (unsigned)text[n] - '0';
        if (digit >= DIGITS) {
            PyErr_SetString(PyExc_ValueError, "a pattern is of digits only");
            return 0;
        }
        int32_t next = index->nodes[node].next[digit];
        if (next == 0) {
            next = add_node(index);
            if (next < 0)
                return 0;
            index->nodes[node].next[digit] = next;
        }
        node = next;
    }
    index->nodes[node].pattern = pattern;
    index->nodes[node].location = location;
    return PyList_Append(index->found, pattern) == 0;
}

static void
index_dealloc(PyObject *self)
{
    Index *index = (Index *)self;
    free(index->nodes);
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

/* Whether a text is an address: that is no number, whatever digits it begins with. */
static int
is_address(const Way *way)
{
    return memchr(way->text, '.', way->length) != NULL || memchr(way->text, ':', way->length) != NULL;
}

void
index_longest(PyObject *self, Way *ways, int count)
{
    const Node *nodes = ((const Index *)self)->nodes;
    int32_t at[ABREAST];
    int going[ABREAST], left = 0;
    for (int n = 0; n < count; n++) {
        at[n] = 0;
        if (ways[n].text != NULL)
            going[left++] = n;
    }
    /* All go down one digit, then all the next: meanwhile the nodes are fetched. */
    for (Py_ssize_t depth = 0; left; depth++) {
        int still = 0;
        for (int place = 0; place < left; place++) {
            int n = going[place];
            Way *way = &ways[n];
            const Node *node = &nodes[at[n]];
            if (node->pattern != NULL) {
                way->pattern = node->pattern;
                way->location = node->location;
            }
            unsigned digit = depth < way->length ? (unsigned)way->text[depth] - '0' : DIGITS;
            if (digit < DIGITS && node->next[digit]) {
                at[n] = node->next[digit];
                AHEAD(&nodes[at[n]], 0);
                going[still++] = n;
            } else if (depth < way->length && way->pattern != NULL && is_address(way)) {
                way->pattern = NULL;
            }
        }
        left = still;
    }
}
