/*
 * bmu.rating._batch: rate.rate_batch for the events that nothing odd is about, in a seventh of the time.
 *
 * It looks up what Route and GeoTree remember, and computes as price.py and tax.py do, in 128 bits. Whatever it
 * does not find or can't hold in 64 bits it leaves to the function it was given, which is rate.rate's own; so this
 * file decides nothing, and nothing needs it. tests/pure/rating/test_batch.py holds it to the plain functions.
 */
#include "_batch.h"

typedef long long i64;
typedef __int128 i128;

#define QUARTER_US 900000000LL
#define PPM 1000000
#define ROUTES_MAX 256
#define DRAWS_MAX 16

/* Where things stand in the tuples: usage.UDR, owner.Owner, route.Resolved, price.Price, outcome.Rated. */
enum { UDR_CLASS = 5, UDR_STARTED = 6, UDR_QUANTITY = 7, UDR_DESTINATION = 9, UDR_SIZE = 11 };
enum { OWNER_SERVICE = 4, OWNER_TERMS = 5, OWNER_SIZE = 7 };
enum { FOUND_GROUP, FOUND_RATE, FOUND_TAX, FOUND_PPM, FOUND_PRICE, FOUND_CODES, FOUND_NUMBERS, FOUND_SIZE };
/* As group.numbers_of packs them: the price's, then the tax in parts per million. */
enum { PRICE_MINIMUM, PRICE_INCREMENT, PRICE_SLOPE, PRICE_CONNECT, PRICE_FLOOR, PRICE_DENOMINATOR, PRICE_STEP,
       PRICE_LIFT, PRICE_PPM, PRICE_NUMBERS };
enum { RATED_SIZE = 16 };

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
} Batch;

static PyObject *name_balance, *name_from, *name_to, *name_code, *name_id;

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

static int
attribute(PyObject *bucket, PyObject *name, i64 *into)
{
    PyObject *value = PyObject_GetAttr(bucket, name);
    if (value == NULL)
        return 0;
    int done = number(value, into);
    Py_DECREF(value);
    return done;
}

/* bucket.draw: what was drawn, as a tuple of pairs; NULL with an exception. The rest is left in *quantity. */
static PyObject *
draw(PyObject *buckets, PyObject *codes, i64 started, i64 *quantity)
{
    PyObject *pairs[DRAWS_MAX];
    Py_ssize_t count = 0;
    for (Py_ssize_t n = 0; n < PyTuple_GET_SIZE(buckets) && *quantity && count < DRAWS_MAX; n++) {
        PyObject *bucket = PyTuple_GET_ITEM(buckets, n);
        i64 balance, from, to;
        if (!attribute(bucket, name_balance, &balance) || !attribute(bucket, name_from, &from)
            || !attribute(bucket, name_to, &to))
            goto failed;
        if (!balance || started < from || started >= to)
            continue;
        PyObject *code = PyObject_GetAttr(bucket, name_code);
        int may = code == NULL ? -1 : PySet_Contains(codes, code);
        Py_XDECREF(code);
        if (may < 0)
            goto failed;
        if (!may)
            continue;
        i64 taken = balance < *quantity ? balance : *quantity;
        PyObject *id = PyObject_GetAttr(bucket, name_id);
        PyObject *left = PyLong_FromLongLong(balance - taken);
        pairs[count] = id && left ? Py_BuildValue("(OL)", id, taken) : NULL;
        int set = pairs[count] ? PyObject_SetAttr(bucket, name_balance, left) : -1;
        Py_XDECREF(id);
        Py_XDECREF(left);
        if (pairs[count])
            count++;
        if (set < 0)
            goto failed;
        *quantity -= taken;
    }
    PyObject *drawn = PyTuple_New(count);
    if (drawn == NULL)
        goto failed;
    for (Py_ssize_t n = 0; n < count; n++)
        PyTuple_SET_ITEM(drawn, n, pairs[n]);
    return drawn;
failed:
    while (count--)
        Py_DECREF(pairs[count]);
    return NULL;
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
    PyObject *draws = NULL, *codes = PyTuple_GET_ITEM(found, FOUND_CODES);
    if (rounded && PySet_GET_SIZE(codes)) {
        PyObject *buckets = PyDict_GetItemWithError(batch->buckets, PyTuple_GET_ITEM(owner, OWNER_SERVICE));
        if (buckets != NULL) {
            if (!PyTuple_CheckExact(buckets) || PyTuple_GET_SIZE(buckets) > DRAWS_MAX)
                return NULL;
            draws = draw(buckets, codes, started, &billable);
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
    name_balance = PyUnicode_InternFromString("balance");
    name_from = PyUnicode_InternFromString("from_us");
    name_to = PyUnicode_InternFromString("to_us");
    name_code = PyUnicode_InternFromString("code");
    name_id = PyUnicode_InternFromString("id");
    if (!name_balance || !name_from || !name_to || !name_code || !name_id)
        return NULL;
    PyObject *made = index_type() ? PyModule_Create(&module) : NULL;
    if (made != NULL && PyModule_AddType(made, index_type()) < 0)
        Py_CLEAR(made);
    return made;
}
