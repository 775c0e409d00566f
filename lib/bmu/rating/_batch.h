/* What the parts of bmu.rating._batch know of each other. */
#ifndef BMU_RATING_BATCH_H
#define BMU_RATING_BATCH_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef long long i64;

/* Memory is slow, and many fetches take hardly longer than one: what will be looked at is asked for beforehand. */
#define LINE_OCTETS 64
#define AHEAD(object, octet) __builtin_prefetch((const char *)(object) + (octet))

/* How many events go abreast, step by step, so that their fetches do. */
#define ABREAST 64

/* A whole number of 64 bits; 0 when it is none, perhaps with an exception. */
static inline int
number(PyObject *value, i64 *into)
{
    int overflow;
    *into = PyLong_AsLongLongAndOverflow(value, &overflow);
    return !overflow && !(*into == -1 && PyErr_Occurred());
}

/* _index.c: patterns of digits. */
PyTypeObject *index_type(void);

/* A text on its way down the tree, and the longest pattern that it has met. */
typedef struct {
    const Py_UCS1 *text; /* NULL: none */
    Py_ssize_t length;
    PyObject *pattern; /* its id, borrowed; NULL: none */
    i64 location;
} Way;

/* Find the longest pattern that each text begins with. */
void index_longest(PyObject *index, Way *ways, int count);

/* _memory.c: what routes remember. */
#define CODES_MAX 8

/* All of a remembered rate that many rates have in common; borrowed from the shape's owner. */
typedef struct {
    i64 minimum, increment, connect, floor, denominator, step, lift, ppm;
    PyObject *group, *tax, *buckets;
    Py_ssize_t codes; /* of the types of buckets it may draw from; -1: more than fit here */
    struct {
        const char *text;
        Py_ssize_t length;
        i64 nearness;
    } code[CODES_MAX];
} Shape;

/* More than one plain rate, see _laid.h. */
typedef struct Laid Laid;

/* Make of what layout.laid_out gave; NULL where 64 bits are too few, or with an exception. */
Laid *laid_of(PyObject *given);
void laid_free(Laid *laid);
/* Plain buckets that it may draw from. */
void laid_plain(Laid *laid, const Shape *plain);

/* What prices events at a moment and place: a plain rate has a shape; *laid* may be NULL, if it is for the plain form. */
typedef struct {
    i64 place; /* 0: an empty slot */
    union {
        i64 slope;
        Laid *laid;
    };
    PyObject *rate;
    const Shape *shape;
} Cell;

typedef struct Memory Memory;
PyTypeObject *memory_type(void);

/* What all events of a route have in common; borrowed. NULL as index: no number decides. */
typedef struct {
    PyObject *facts, *index;
    int number; /* where in a UDR the number stands */
} Course;

Course memory_course(Memory *memory);

/* The moment of an instant; negative: none that is remembered. */
int memory_moment(Memory *memory, i64 us);

/* Have fetched what memory_cell will look at. */
void memory_ahead(Memory *memory, int moment, i64 location);

/* When that has come, what it leads to. */
void memory_further_ahead(Memory *memory, int moment, i64 location);

/* The rate of a moment at a location, found now if need be; NULL with an exception. */
const Cell *memory_cell(Memory *memory, int moment, i64 location);

/* Lay out a rate that was just found; NULL with an exception. */
const Cell *memory_once(Memory *memory, i64 location, PyObject *found);

#endif
