/*
 * bmu.rating._batch: rate.rate_batch for the events that nothing odd is about, in a seventh of the time.
 *
 * It looks up what Route and GeoTree remember, and computes as price.py and tax.py do, in 128 bits. Whatever it
 * does not find or can't hold in 64 bits it leaves to the function it was given, which is rate.rate's own; so this
 * file decides nothing, and nothing needs it. tests/pure/rating/test_batch.py holds it to the plain functions.
 */
#include "_batch.h"
#include <structmember.h>

typedef long long i64;
typedef __int128 i128;

#define QUARTER_US 900000000LL
#define PPM 1000000
#define ROUTES_MAX 256
#define DRAWS_MAX 16

/* Where things stand in the tuples: usage.UDR, owner.Owner, route.Resolved, price.Price, outcome.Rated. */
enum { UDR_CLASS = 5, UDR_STARTED = 6, UDR_QUANTITY = 7, UDR_DESTINATION = 9, UDR_SIZE = 11 };
enum { OWNER_SERVICE = 4, OWNER_TERMS = 5, OWNER_SIZE = 7 };
enum { FOUND_GROUP, FOUND_RATE, FOUND_TAX, FOUND_PPM, FOUND_PRICE, FOUND_BUCKETS, FOUND_NUMBERS, FOUND_SIZE };
/* As group.numbers_of packs them: the price's, then the tax in parts per million. */
enum { PRICE_MINIMUM, PRICE_INCREMENT, PRICE_SLOPE, PRICE_CONNECT, PRICE_FLOOR, PRICE_DENOMINATOR, PRICE_STEP,
       PRICE_LIFT, PRICE_PPM, PRICE_NUMBERS };
enum { RATED_SIZE = 16 };
enum { BUCKET_BALANCE, BUCKET_FROM, BUCKET_TO, BUCKET_CODE, BUCKET_ID, BUCKET_SLOTS };

/* What a route remembers, as Route.memory() gives it; borrowed from there. */
typedef struct {
    PyObject *terms, *usage_class; /* which route: by identity, as routes are few and these are shared */
    PyObject *memory;              /* owned; None: no route, or one that is not remembered */
    PyObject *quarters, *index, *facts;
} Known;

typedef struct {
    PyObject *udrs, *owners, *memory_of, *buckets, *rate_one;
    PyTypeObject *rated, *resolved;
    Known known[ROUTES_MAX];
    Py_ssize_t routes;
    PyTypeObject *bucket;            /* borrowed; NULL before the first bucket */
    Py_ssize_t slots[BUCKET_SLOTS]; /* where its slots stand */
} Batch;

/* A bucket that an event may draw from. */
typedef struct {
    PyObject *bucket;
    i64 balance, to, nearness;
} There;

static PyObject *slot_names[BUCKET_SLOTS];

static int
number(PyObject *value, i64 *into)
{
    int overflow;
    *into = PyLong_AsLongLongAndOverflow(value, &overflow);
    return !overflow && !(*into == -1 && PyErr_Occurred());
}

/* The route of an event: 0 when it has to be looked at slowly, -1 with an exception. */
static int
route_of(Batch *batch, PyObject *terms, PyObject *usage_class, Known **into)
{
    for (Py_ssize_t n = 0; n < batch->routes; n++) {
        Known *known = &batch->known[n];
        if (known->terms == terms && known->usage_class == usage_class) {
            *into = known;
            return known->memory != Py_None;
        }
    }
    if (batch->routes == ROUTES_MAX)
        return 0;
    PyObject *memory = PyObject_CallFunctionObjArgs(batch->memory_of, terms, usage_class, NULL);
    if (memory == NULL)
        return -1;
    Known *known = &batch->known[batch->routes++];
    known->terms = terms;
    known->usage_class = usage_class;
    known->memory = memory;
    *into = known;
    if (memory == Py_None)
        return 0;
    if (!PyArg_ParseTuple(memory, "O!O!O!", &PyDict_Type, &known->quarters, index_type(), &known->index,
                          &PyTuple_Type, &known->facts))
        return -1;
    return 1;
}

/* price.amount_of; 0 when it is more than 64 bits hold. */
static int
amount_of(const i64 *price, i64 quantity, i64 *into)
{
    if (quantity == 0) {
        *into = 0;
        return 1;
    }
    i128 cost = (i128)price[PRICE_SLOPE] * quantity;
    if (cost < price[PRICE_FLOOR])
        cost = price[PRICE_FLOOR];
    cost += price[PRICE_CONNECT];
    i128 denominator = price[PRICE_DENOMINATOR], steps;
    if (price[PRICE_LIFT] >= 0) {
        steps = (cost + price[PRICE_LIFT]) / denominator;
    } else { /* half even */
        i128 twice = cost % denominator * 2;
        steps = cost / denominator;
        if (twice > denominator || (twice == denominator && steps % 2))
            steps++;
    }
    if (steps > INT64_MAX)
        return 0;
    i128 amount = steps * price[PRICE_STEP];
    *into = (i64)amount;
    return amount <= INT64_MAX;
}

/* Whether a type keeps what draw needs in slots, and where; an exception only where the type is broken. */
static int
find_slots(Batch *batch, PyTypeObject *type)
{
    for (int n = 0; n < BUCKET_SLOTS; n++) {
        PyObject *slot = PyObject_GetAttr((PyObject *)type, slot_names[n]);
        int is_slot = slot != NULL && Py_IS_TYPE(slot, &PyMemberDescr_Type);
        PyMemberDef *member = is_slot ? ((PyMemberDescrObject *)slot)->d_member : NULL;
        if (is_slot)
            batch->slots[n] = member->offset;
        is_slot = is_slot && member->type == T_OBJECT_EX;
        Py_XDECREF(slot);
        if (!is_slot)
            return 0;
    }
    batch->bucket = type;
    return 1;
}

static PyObject **
slot(const Batch *batch, PyObject *bucket, int which)
{
    return (PyObject **)((char *)bucket + batch->slots[which]);
}

static int
number_in(const Batch *batch, PyObject *bucket, int which, i64 *into)
{
    PyObject *value = *slot(batch, bucket, which);
    return value != NULL && number(value, into);
}

/* The first half of bucket.draw: what there is to draw from, in order; -1: to be looked at slowly. */
static Py_ssize_t
find_there(Batch *batch, PyObject *buckets, PyObject *places, i64 started, There *there)
{
    Py_ssize_t count = 0;
    if (!PyTuple_CheckExact(buckets) || PyTuple_GET_SIZE(buckets) > DRAWS_MAX)
        return -1;
    for (Py_ssize_t n = 0; n < PyTuple_GET_SIZE(buckets); n++) {
        There found = {.bucket = PyTuple_GET_ITEM(buckets, n)};
        PyTypeObject *type = Py_TYPE(found.bucket);
        if (type != batch->bucket && (batch->bucket != NULL || !find_slots(batch, type)))
            return -1;
        i64 from;
        PyObject *code = *slot(batch, found.bucket, BUCKET_CODE);
        if (code == NULL || !number_in(batch, found.bucket, BUCKET_BALANCE, &found.balance)
            || !number_in(batch, found.bucket, BUCKET_FROM, &from)
            || !number_in(batch, found.bucket, BUCKET_TO, &found.to))
            return -1;
        if (!found.balance || started < from || started >= found.to)
            continue;
        PyObject *nearness = PyDict_GetItemWithError(places, code);
        if (nearness == NULL && PyErr_Occurred())
            return -1;
        if (nearness == NULL)
            continue;
        if (!number(nearness, &found.nearness))
            return -1;
        Py_ssize_t at = count++;
        for (; at && (there[at - 1].to > found.to
                      || (there[at - 1].to == found.to && there[at - 1].nearness > found.nearness)); at--)
            there[at] = there[at - 1];
        there[at] = found;
    }
    return count;
}

/* The second half: what was drawn, as a tuple of pairs; NULL with an exception. The rest is left in *quantity. */
static PyObject *
draw(const Batch *batch, const There *there, Py_ssize_t count, i64 *quantity)
{
    Py_ssize_t touched = 0;
    for (i64 wanted = *quantity; touched < count && wanted > 0; touched++)
        wanted -= there[touched].balance;
    PyObject *drawn = PyTuple_New(touched);
    for (Py_ssize_t n = 0; drawn != NULL && n < touched; n++) {
        i64 balance = there[n].balance, taken = balance < *quantity ? balance : *quantity;
        PyObject *id = *slot(batch, there[n].bucket, BUCKET_ID), *pair = PyTuple_New(2);
        PyObject *left = PyLong_FromLongLong(balance - taken), *part = PyLong_FromLongLong(taken);
        if (id == NULL || pair == NULL || left == NULL || part == NULL) {
            Py_XDECREF(pair);
            Py_XDECREF(left);
            Py_XDECREF(part);
            Py_CLEAR(drawn);
            return id == NULL ? NULL : PyErr_NoMemory();
        }
        PyTuple_SET_ITEM(pair, 0, Py_NewRef(id));
        PyTuple_SET_ITEM(pair, 1, part);
        PyTuple_SET_ITEM(drawn, n, pair);
        Py_SETREF(*slot(batch, there[n].bucket, BUCKET_BALANCE), left);
        *quantity -= taken;
    }
    return drawn;
}

/* One event: its outcome; NULL without an exception when it has to be looked at slowly. */
static PyObject *
rate_one(Batch *batch, PyObject *udr, PyObject *owner)
{
    Known *known;
    int found_route = route_of(batch, PyTuple_GET_ITEM(owner, OWNER_TERMS), PyTuple_GET_ITEM(udr, UDR_CLASS), &known);
    i64 started, quantity;
    if (found_route <= 0 || !number(PyTuple_GET_ITEM(udr, UDR_STARTED), &started)
        || !number(PyTuple_GET_ITEM(udr, UDR_QUANTITY), &quantity) || started < 0 || quantity < 0)
        return NULL;
    PyObject *digits = PyTuple_GET_ITEM(udr, UDR_DESTINATION);
    PyObject *place = PyUnicode_Check(digits) ? index_longest(known->index, digits) : NULL;
    if (place == NULL)
        return NULL;
    PyObject *quarter = PyLong_FromLongLong(started / QUARTER_US);
    if (quarter == NULL)
        return NULL;
    PyObject *rates = PyDict_GetItemWithError(known->quarters, quarter);
    Py_DECREF(quarter);
    PyObject *found = rates ? PyDict_GetItemWithError(rates, PyTuple_GET_ITEM(place, 1)) : NULL;
    if (found == NULL || Py_TYPE(found) != batch->resolved)
        return NULL;

    i64 price[PRICE_NUMBERS];
    PyObject *numbers = PyTuple_GET_ITEM(found, FOUND_NUMBERS);
    if (!PyBytes_Check(numbers) || PyBytes_GET_SIZE(numbers) != sizeof(price))
        return NULL;
    memcpy(price, PyBytes_AS_STRING(numbers), sizeof(price));
    i128 rounded_wide = quantity ? price[PRICE_MINIMUM] : 0;
    if (quantity > price[PRICE_MINIMUM]) {
        i128 over = quantity - price[PRICE_MINIMUM];
        rounded_wide += (over + price[PRICE_INCREMENT] - 1) / price[PRICE_INCREMENT] * price[PRICE_INCREMENT];
    }
    i64 rounded = (i64)rounded_wide, rated, amount = 0;
    if (rounded_wide > INT64_MAX || !amount_of(price, rounded, &rated))
        return NULL;

    i64 billable = rounded;
    PyObject *draws = NULL, *places = PyTuple_GET_ITEM(found, FOUND_BUCKETS);
    if (!PyDict_Check(places))
        return NULL;
    if (rounded && PyDict_GET_SIZE(places)) {
        PyObject *buckets = PyDict_GetItemWithError(batch->buckets, PyTuple_GET_ITEM(owner, OWNER_SERVICE));
        if (buckets != NULL) {
            There there[DRAWS_MAX];
            Py_ssize_t count = find_there(batch, buckets, places, started, there);
            draws = count < 0 ? NULL : draw(batch, there, count, &billable);
            if (draws == NULL)
                return NULL;
        } else if (PyErr_Occurred()) {
            return NULL;
        }
    }
    if (draws == NULL)
        draws = PyTuple_New(0);
    amount_of(price, billable, &amount); /* no more than for all of it */
    i64 tax = (i64)(((i128)amount * price[PRICE_PPM] + PPM / 2) / PPM);

    PyObject *facts = known->facts;
    PyObject *values[RATED_SIZE] = {
        Py_NewRef(PyTuple_GET_ITEM(facts, 0)), Py_NewRef(PyTuple_GET_ITEM(facts, 1)),
        Py_NewRef(PyTuple_GET_ITEM(facts, 2)), Py_NewRef(PyTuple_GET_ITEM(found, FOUND_GROUP)),
        Py_NewRef(PyTuple_GET_ITEM(found, FOUND_RATE)), Py_NewRef(PyTuple_GET_ITEM(place, 0)),
        Py_NewRef(PyTuple_GET_ITEM(found, FOUND_TAX)), Py_NewRef(PyTuple_GET_ITEM(udr, UDR_QUANTITY)),
        PyLong_FromLongLong(rounded), PyLong_FromLongLong(billable), PyLong_FromLongLong(rated),
        PyLong_FromLongLong(amount), PyLong_FromLongLong(tax), Py_NewRef(PyTuple_GET_ITEM(facts, 3)), draws, Py_NewRef(Py_None),
    };
    PyObject *outcome = batch->rated->tp_alloc(batch->rated, RATED_SIZE);
    for (int n = 0; n < RATED_SIZE; n++) {
        if (outcome != NULL && values[n] != NULL)
            PyTuple_SET_ITEM(outcome, n, values[n]);
        else
            Py_XDECREF(values[n]);
    }
    if (outcome != NULL && PyErr_Occurred())
        Py_CLEAR(outcome);
    return outcome;
}

static PyObject *
rate_batch(PyObject *module, PyObject *arguments)
{
    Batch batch = {.routes = 0};
    if (!PyArg_ParseTuple(arguments, "O!O!OO!OO!O!", &PyList_Type, &batch.udrs, &PyList_Type, &batch.owners,
                          &batch.memory_of, &PyDict_Type, &batch.buckets, &batch.rate_one, &PyType_Type, &batch.rated,
                          &PyType_Type, &batch.resolved))
        return NULL;
    Py_ssize_t count = PyList_GET_SIZE(batch.udrs);
    if (PyList_GET_SIZE(batch.owners) != count) {
        PyErr_SetString(PyExc_ValueError, "as many owners as events");
        return NULL;
    }
    PyObject *outcomes = PyList_New(count);
    for (Py_ssize_t n = 0; outcomes != NULL && n < count; n++) {
        PyObject *udr = PyList_GET_ITEM(batch.udrs, n), *owner = PyList_GET_ITEM(batch.owners, n), *outcome = NULL;
        if (PyTuple_Check(udr) && PyTuple_GET_SIZE(udr) == UDR_SIZE && PyTuple_Check(owner)
            && PyTuple_GET_SIZE(owner) == OWNER_SIZE)
            outcome = rate_one(&batch, udr, owner);
        if (outcome == NULL && !PyErr_Occurred())
            outcome = PyObject_CallFunctionObjArgs(batch.rate_one, udr, owner, NULL);
        if (outcome == NULL)
            Py_CLEAR(outcomes);
        else
            PyList_SET_ITEM(outcomes, n, outcome);
    }
    for (Py_ssize_t n = 0; n < batch.routes; n++)
        Py_DECREF(batch.known[n].memory);
    return outcomes;
}

static PyMethodDef methods[] = {
    {"rate_batch", rate_batch, METH_VARARGS, "Rate events as bmu.rating.rate_batch does."},
    {NULL},
};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_batch", NULL, 0, methods};

PyMODINIT_FUNC
PyInit__batch(void)
{
    static const char *const names[BUCKET_SLOTS] = {"balance", "from_us", "to_us", "code", "id"};
    for (int n = 0; n < BUCKET_SLOTS; n++)
        if ((slot_names[n] = PyUnicode_InternFromString(names[n])) == NULL)
            return NULL;
    PyObject *made = index_type() ? PyModule_Create(&module) : NULL;
    if (made != NULL && PyModule_AddType(made, index_type()) < 0)
        Py_CLEAR(made);
    return made;
}
