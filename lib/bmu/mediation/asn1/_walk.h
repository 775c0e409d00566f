/* What the files of bmu.mediation.asn1._walk share; its law stands in _walk.c. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

#define LINE_MAX_OCTETS 60000 /* so that sums have room behind it: rows.LINE_OCTETS_MAX is 65536 */
#define NAME_MAX_OCTETS 1024
#define FIELDS_MAX 5000 /* fields.FIELDS_MAX */
#define DEPTH_MAX 12    /* what nests deeper is looked at slowly */
#define FIELDS_OF_ONE 256
#define UNKNOWN_MAX 16
#define HEX_MAX 256 /* leaf.HEX_OCTETS_MAX */
#define CLASS_SHIFT 24

typedef struct {
    const unsigned char *at;
    Py_ssize_t length;
} Octets;

typedef struct {
    char *at;
    Py_ssize_t length;
} Name;

/* How a content is read; the order is that of quick.KINDS. */
enum {
    STRUCTURE, MANY, CHOICES, WORD, INT, BOOL, NONE, TEXT, HEX, TBCD, BCD, FULL_NUMBER, TIME, IP, NETWORK, BITS,
    NUMBER, MESSAGE_ADDRESS, KINDS
};

typedef struct {
    int64_t value;
    Octets text;
} Said;

typedef struct Kind {
    int how;
    int of;      /* the kind of the elements of MANY; the structure of STRUCTURE and CHOICES */
    int words;   /* of WORD, how many */
    Said *said;
} Kind;

typedef struct {
    uint32_t tag;
    int kind;
    Octets name; /* empty: that of the whole */
} Field;

typedef struct {
    Field *fields; /* by tag, ascending */
    int count;
} Structure;

typedef struct {
    Kind *kinds;
    Structure *structures;
    int kinds_count, structures_count, records; /* the structure whose fields are the records */
    PyObject *held;                             /* what owns the texts */
} Map;

/* A line that grows. */
typedef struct {
    char octets[LINE_MAX_OCTETS + 64];
    Py_ssize_t length;
    char name[NAME_MAX_OCTETS];
    Py_ssize_t name_length;
    int fields;
} Line;

/* An element: its tag, whether it is made of elements, its content. */
typedef struct {
    uint32_t tag;
    int constructed;
    Octets content;
} Element;

/* Nothing here is for other libraries of the process. */
#pragma GCC visibility push(hidden)

/* The element at a place, and what is behind it; 0 when it has to be looked at slowly. */
int read_element(Octets *from, Element *into);

/* A single value under the name of the line; 0 when it has to be looked at slowly. */
int put_value(Line *line, const Kind *kind, Octets content);

/* Octets in hexadecimal under the name of the line; 0 when there are too many. */
int put_hex(Line *line, Octets content);

#pragma GCC visibility pop
