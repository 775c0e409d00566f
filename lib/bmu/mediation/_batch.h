/* What the files of bmu.mediation._batch share; its law stands in _batch.c. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

typedef long long i64;

#define FIELDS_MAX 64
#define PREFIX_MAX 16     /* of what stands before a number */
#define CHARACTERS_MAX 64 /* number.CHARACTERS_MAX */
#define SHORT_DIGITS_MAX 6
#define EXTRA_MAX 256 /* extras.EXTRA_CHARACTERS_MAX */
#define QUANTITY_DIGITS_MAX 15
#define RECORD_MAX 65536
#define KEY_MAX 1024
#define HOUR_LENGTH 14 /* "2026-08-03 09:" */
#define TIME_LENGTH 19
#define HOURS_MAX 8
#define KINDS_MAX 16 /* of rows */
#define NAME_SLOTS 512
#define GLANCED_MAX 256 /* of a field's name at a glance */
#define NAMES_MAX 256 /* in a line; the slots never fill up */
#define SECOND_US 1000000LL
#define DIGEST_OCTETS 32
#define STATE_OCTETS 256 /* digest.STATE_OCTETS */

enum { UDR_SIZE = 11 }; /* usage.UDR */

enum { DOUBLED, ALL_BARE, NONE, JSON }; /* plan._QUOTINGS, and lines of JSON objects */

typedef struct {
    const char *at;
    Py_ssize_t length;
} Octets;

/* plan.Plan; what is an object there is borrowed, and was looked at. */
typedef struct {
    int utf8, quoting;
    char delimiter;
    Py_ssize_t fields, started, quantity, origin, destination, international_min, trunk_min;
    PyObject *widths, *marks, *filters, *identities, *uids, *times, *usage_class, *hours, *routing, *extras;
    PyObject *names, *only, *kinds;
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

/* digest.Addresses. */
typedef struct {
    int (*init)(void *state);
    int (*update)(void *state, const void *octets, size_t length);
    int (*final)(unsigned char *digest, void *state);
} Sha;

/* A name of a line of JSON, where its field is, and when it was put there. */
typedef struct {
    Octets name;
    Py_ssize_t place;
    unsigned turn;
} Slot;

typedef struct {
    const Plan *plan;           /* of the row at hand */
    Plan plans[1 + KINDS_MAX];  /* the first is of rows of no kind */
    int plans_count;
    Slot known[NAME_SLOTS], seen[NAME_SLOTS];
    unsigned turn;
    PyTypeObject *udr;
    PyObject *sha256;
    Sha native; /* sha256 itself; init is NULL where it isn't to be had */
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

/* Nothing here is for other libraries of the process. */
#pragma GCC visibility push(hidden)

/* Give 0, with a ValueError. */
int refused(const char *why);

/* A plan.Plan, as it is handed in; 0 with an exception when something is wrong with it. */
int read_plan(PyObject *tuple, Plan *plan);

/* A line to its fields; 0 when it is odd, or with an exception. */
int split(Batch *batch, Octets record);

/* Lines of JSON objects: the names of the plan's fields, once; then a line, as split() does. */
void know_names(Batch *batch);
int split_json(Batch *batch, Octets record);

/* The plan by which a row is read; 0 when that has to be found slowly. */
int choose_plan(Batch *batch);

/* Lines and what says whose they are, as Mediator.marks has it. */
PyObject *marks(PyObject *module, PyObject *arguments);

/* Up to the next quote, delimiter and quote, or to the end. */
const char *bare_end(const char *at, const char *end, char delimiter);

/* A field that is needed; 0 when its octets are not its text. */
int text_of(const Batch *batch, Py_ssize_t place, Octets *into);

/* Fields that are kept as they stand, as a dict, or None; NULL when one has to be looked at slowly, or with an exception. */
PyObject *own_fields(const Batch *batch);

/* The first kind of identifier, of its field's octets; 0 when that has to be looked at slowly. */
int read_uid(const Plan *plan, Octets text, Text *into);

/* What the fields say; 0 when that has to be looked at slowly, or with an exception. */
int read_fields(Batch *batch, Found *found);

#pragma GCC visibility pop

static inline Py_ssize_t
place_in(PyObject *tuple, Py_ssize_t n)
{
    return PyLong_AsSsize_t(PyTuple_GET_ITEM(tuple, n));
}
