/* Drawing from plain buckets. bucket.draw is the plain form, and decides. */
#include "_shelf.h"
#include <structmember.h>

#define DRAWS_MAX 16

/* A bucket that an event may draw from. */
typedef struct {
    PyObject *bucket;
    i64 balance, to, nearness;
} There;

static PyObject *slot_names[BUCKET_SLOTS];

int
shelf_begin(void)
{
    static const char *const names[BUCKET_SLOTS] = {
        "balance", "from_us", "to_us", "code", "id", "granted", "share_id", "rank",
        "part", "tiers", "repeat_last", "since_us", "warned",
    };
    for (int n = 0; n < BUCKET_SLOTS; n++)
        if (slot_names[n] == NULL && (slot_names[n] = PyUnicode_InternFromString(names[n])) == NULL)
            return 0;
    return 1;
}

/* Whether a type keeps what drawing needs in slots, and where; an exception only where the type is broken. */
static int
find_slots(Shelves *shelves, PyTypeObject *type)
{
    for (int n = 0; n < BUCKET_SLOTS; n++) {
        PyObject *slot = PyObject_GetAttr((PyObject *)type, slot_names[n]);
        int is_slot = slot != NULL && Py_IS_TYPE(slot, &PyMemberDescr_Type);
        PyMemberDef *member = is_slot ? ((PyMemberDescrObject *)slot)->d_member : NULL;
        if (is_slot)
            shelves->slots[n] = member->offset;
        is_slot = is_slot && member->type == T_OBJECT_EX;
        Py_XDECREF(slot);
        if (!is_slot)
            return 0;
    }
    shelves->bucket = type;
    return 1;
}

int
shelf_knows(Shelves *shelves, PyObject *bucket)
{
    PyTypeObject *type = Py_TYPE(bucket);
    return type == shelves->bucket || (shelves->bucket == NULL && find_slots(shelves, type));
}

void
shelf_ahead(Shelves *shelves, PyObject *buckets, int depth)
{
    if (depth == 0) {
        AHEAD(buckets, 0);
        AHEAD(buckets, offsetof(PyTupleObject, ob_item[2]));
        return;
    }
    if (!PyTuple_CheckExact(buckets))
        return;
    for (Py_ssize_t n = 0; n < PyTuple_GET_SIZE(buckets) && n < DRAWS_MAX; n++) {
        PyObject *bucket = PyTuple_GET_ITEM(buckets, n);
        if (depth == 1) {
            AHEAD(bucket, 0);
            for (int which = 0; which < BUCKET_GRANTED; which++)
                AHEAD(bucket, shelves->slots[which]);
        } else if (Py_TYPE(bucket) == shelves->bucket) {
            for (int which = 0; which < BUCKET_GRANTED; which++) {
                PyObject *held = *shelf_slot(shelves, bucket, which);
                AHEAD(held, 0);
                AHEAD(held, sizeof(PyVarObject));
            }
            AHEAD(*shelf_slot(shelves, bucket, BUCKET_CODE), sizeof(PyASCIIObject));
        }
    }
}

/* How near the place of a type is, by its code: 1 where it is known, 0 where it is not drawn from, -1: an exception. */
static int
nearness_of(const Shape *shape, PyObject *code, i64 *nearness)
{
    if (shape->codes >= 0 && PyUnicode_CheckExact(code) && PyUnicode_IS_COMPACT_ASCII(code)) {
        const Py_UCS1 *text = PyUnicode_1BYTE_DATA(code);
        Py_ssize_t length = PyUnicode_GET_LENGTH(code);
        for (Py_ssize_t n = 0; n < shape->codes; n++) {
            if (shape->code[n].length == length && memcmp(shape->code[n].text, text, (size_t)length) == 0) {
                *nearness = shape->code[n].nearness;
                return 1;
            }
        }
        return 0;
    }
    PyObject *found = PyDict_GetItemWithError(shape->buckets, code);
    if (found == NULL)
        return PyErr_Occurred() ? -1 : 0;
    return number(found, nearness) ? 1 : -1;
}

/* The first half: what there is to draw from, in order; -1: to be looked at slowly. */
static Py_ssize_t
find_there(Shelves *shelves, PyObject *buckets, const Shape *shape, i64 started, There *there)
{
    Py_ssize_t count = 0;
    if (!PyTuple_CheckExact(buckets) || PyTuple_GET_SIZE(buckets) > DRAWS_MAX)
        return -1;
    for (Py_ssize_t n = 0; n < PyTuple_GET_SIZE(buckets); n++) {
        There found = {.bucket = PyTuple_GET_ITEM(buckets, n)};
        if (!shelf_knows(shelves, found.bucket))
            return -1;
        i64 from;
        PyObject *code = *shelf_slot(shelves, found.bucket, BUCKET_CODE);
        if (code == NULL || *shelf_slot(shelves, found.bucket, BUCKET_ID) == NULL
            || !shelf_number(shelves, found.bucket, BUCKET_BALANCE, &found.balance)
            || !shelf_number(shelves, found.bucket, BUCKET_FROM, &from)
            || !shelf_number(shelves, found.bucket, BUCKET_TO, &found.to))
            return -1;
        if (!found.balance || started < from || started >= found.to)
            continue;
        int known = nearness_of(shape, code, &found.nearness);
        if (known < 0)
            return -1;
        if (!known)
            continue;
        Py_ssize_t at = count++;
        for (; at && (there[at - 1].to > found.to
                      || (there[at - 1].to == found.to && there[at - 1].nearness > found.nearness)); at--)
            there[at] = there[at - 1];
        there[at] = found;
    }
    return count;
}

static PyObject *
draw(const Shelves *shelves, const There *there, i64 *quantity)
{
    i64 taken = there->balance < *quantity ? there->balance : *quantity;
    PyObject *pair = PyTuple_New(2), *part = PyLong_FromLongLong(taken);
    PyObject *left = PyLong_FromLongLong(there->balance - taken);
    if (pair == NULL || part == NULL || left == NULL) {
        Py_XDECREF(pair);
        Py_XDECREF(part);
        Py_XDECREF(left);
        return NULL;
    }
    PyTuple_SET_ITEM(pair, 0, Py_NewRef(*shelf_slot(shelves, there->bucket, BUCKET_ID)));
    PyTuple_SET_ITEM(pair, 1, part);
    PyObject_GC_UnTrack(pair); /* numbers lead nowhere */
    Py_SETREF(*shelf_slot(shelves, there->bucket, BUCKET_BALANCE), left);
    *quantity -= taken;
    return pair;
}

i64
shelf_leaves(Shelves *shelves, PyObject *buckets, const Shape *shape, i64 started, i64 quantity)
{
    There there[DRAWS_MAX];
    Py_ssize_t count = find_there(shelves, buckets, shape, started, there);
    for (Py_ssize_t n = 0; n < count && quantity; n++)
        quantity -= there[n].balance < quantity ? there[n].balance : quantity;
    return count < 0 ? -1 : quantity;
}

PyObject *
shelf_draw(Shelves *shelves, PyObject *buckets, const Shape *shape, i64 started, i64 *quantity)
{
    There there[DRAWS_MAX];
    Py_ssize_t count = find_there(shelves, buckets, shape, started, there), touched = 0;
    if (count < 0)
        return NULL;
    for (i64 wanted = *quantity; touched < count && wanted > 0; touched++)
        wanted -= there[touched].balance;
    PyObject *drawn = PyTuple_New(touched);
    for (Py_ssize_t n = 0; drawn != NULL && n < touched; n++) {
        PyObject *pair = draw(shelves, &there[n], quantity);
        if (pair == NULL)
            Py_CLEAR(drawn);
        else
            PyTuple_SET_ITEM(drawn, n, pair);
    }
    if (drawn != NULL && touched)
        PyObject_GC_UnTrack(drawn);
    return drawn;
}
