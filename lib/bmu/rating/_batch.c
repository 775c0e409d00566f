/*
 * bmu.rating._batch: rate.rate_batch for the events that nothing odd is about, in a fraction of the time.
 *
 * It looks up what Route and GeoTree remember, and computes as price.py and tax.py do, in 128 bits. Whatever it
 * does not find or can't hold in 64 bits it leaves to the function it was given, which is rate.rate's own; so this
 * file decides nothing, and nothing needs it. tests/pure/rating/test_batch.py holds it to the plain functions.
 */
#include "_events.h"

#define PPM 1000000

const Known *
batch_route(Batch *batch, PyObject *terms, PyObject *usage_class, PyObject *plan)
{
    size_t slot = ((uintptr_t)terms * 31 + (uintptr_t)usage_class + (uintptr_t)plan * 7) >> 4 & (ROUTE_SLOTS - 1);
    Known *known = &batch->known[slot];
    for (; known->given != NULL; known = &batch->known[slot = (slot + 1) & (ROUTE_SLOTS - 1)])
        if (known->terms == terms && known->usage_class == usage_class && known->plan == plan)
            return known->memory != NULL ? known : NULL;
    if (batch->routes == ROUTES_MAX)
        return NULL;
    PyObject *given
        = PyObject_CallFunctionObjArgs(batch->known_of, terms, usage_class, plan ? plan : Py_None, NULL);
    if (given == NULL)
        return NULL;
    batch->routes++;
    *known = (Known){.terms = terms, .usage_class = usage_class, .plan = plan, .given = given};
    if (given == Py_None)
        return NULL;
    PyObject *memory;
    if (!PyArg_ParseTuple(given, "O!OOp", memory_type(), &memory, &known->rate_at, &known->place_of, &known->splits))
        return NULL;
    known->course = memory_course((Memory *)memory);
    if (known->course.index != NULL && batch->index == NULL)
        batch->index = known->course.index;
    if (known->course.index != NULL && batch->index != known->course.index)
        return NULL;
    known->memory = (Memory *)memory;
    return known;
}

/* First steps: have the events fetched, then see which routes they are of, and have their figures fetched. */
static void
step_events(Batch *batch, Py_ssize_t first, int count)
{
    for (int n = 0; n < count; n++) {
        Event *event = &batch->events[n];
        *event = (Event){.udr = PyList_GET_ITEM(batch->udrs, first + n), .owner = PyList_GET_ITEM(batch->owners, first + n)};
        AHEAD(event->udr, 0);
        AHEAD(event->udr, offsetof(PyTupleObject, ob_item[UDR_CLASS]));
        AHEAD(event->udr, offsetof(PyTupleObject, ob_item[UDR_SIZE - 1]));
        AHEAD(event->owner, 0);
        AHEAD(event->owner, offsetof(PyTupleObject, ob_item[OWNER_TERMS]));
    }
}

static int
step_fields(Batch *batch, int count)
{
    for (int n = 0; n < count; n++) {
        Event *event = &batch->events[n];
        PyObject *udr = event->udr, *owner = event->owner;
        if (!PyTuple_Check(udr) || PyTuple_GET_SIZE(udr) != UDR_SIZE || !PyTuple_Check(owner)
            || PyTuple_GET_SIZE(owner) != OWNER_SIZE)
            continue;
        event->known
            = batch_route(batch, PyTuple_GET_ITEM(owner, OWNER_TERMS), PyTuple_GET_ITEM(udr, UDR_CLASS), NULL);
        if (event->known == NULL) {
            if (PyErr_Occurred())
                return 0;
            continue;
        }
        PyObject *text = PyTuple_GET_ITEM(udr, event->known->course.number);
        AHEAD(PyTuple_GET_ITEM(udr, UDR_STARTED), 0);
        AHEAD(PyTuple_GET_ITEM(udr, UDR_STARTED), sizeof(PyVarObject));
        AHEAD(PyTuple_GET_ITEM(udr, UDR_QUANTITY), 0);
        AHEAD(PyTuple_GET_ITEM(udr, UDR_QUANTITY), sizeof(PyVarObject));
        AHEAD(PyTuple_GET_ITEM(owner, OWNER_SERVICE), 0);
        AHEAD(PyTuple_GET_ITEM(owner, OWNER_SERVICE), sizeof(PyVarObject));
        AHEAD(text, 0);
        AHEAD(text, sizeof(PyASCIIObject));
    }
    return 1;
}

/* Ask where an event took place, if the index does not tell; 0 when it has to be looked at slowly. */
static int
ask_place(const Event *event, Way *way)
{
    PyObject *place = PyObject_CallOneArg(event->known->place_of, event->udr);
    /* Why there is none is a named tuple. What the GeoTree keeps outlives the batch. */
    int good = place != NULL && PyTuple_CheckExact(place) && PyTuple_GET_SIZE(place) == 2
        && number(PyTuple_GET_ITEM(place, 1), &way->location);
    if (good)
        way->pattern = PyTuple_GET_ITEM(place, 0);
    Py_XDECREF(place);
    return good;
}

/* Read the figures, and follow the numbers to their places. */
static int
step_places(Batch *batch, int count)
{
    for (int n = 0; n < count; n++) {
        Event *event = &batch->events[n];
        Way *way = &batch->ways[n];
        *way = (Way){.location = -1};
        if (event->known == NULL)
            continue;
        if (!number(PyTuple_GET_ITEM(event->udr, UDR_STARTED), &event->started)
            || !number(PyTuple_GET_ITEM(event->udr, UDR_QUANTITY), &event->quantity) || event->started < 0
            || event->started >= batch->end_us || event->quantity < 0) {
            PyErr_Clear();
            event->known = NULL;
            continue;
        }
        if (event->known->place_of != Py_None && !ask_place(event, way)) {
            if (PyErr_Occurred())
                return 0;
            event->known = NULL;
            continue;
        }
        if (event->known->course.index == NULL)
            continue;
        PyObject *text = PyTuple_GET_ITEM(event->udr, event->known->course.number);
        if (PyUnicode_Check(text) && PyUnicode_IS_COMPACT_ASCII(text)) {
            way->text = PyUnicode_1BYTE_DATA(text);
            way->length = PyUnicode_GET_LENGTH(text);
        }
    }
    if (PyDict_GET_SIZE(batch->buckets)) {
        for (int n = 0; n < count; n++) {
            if (batch->events[n].known == NULL)
                continue;
            PyObject *service = PyTuple_GET_ITEM(batch->events[n].owner, OWNER_SERVICE);
            PyObject *buckets = PyDict_GetItemWithError(batch->buckets, service);
            if (buckets == NULL && PyErr_Occurred())
                return 0;
            batch->events[n].buckets = Py_XNewRef(buckets);
        }
    }
    if (batch->index != NULL)
        index_longest(batch->index, batch->ways, count);
    return 1;
}

/* Find the moments, and have rates and buckets fetched. */
static int
step_moments(Batch *batch, int count)
{
    for (int n = 0; n < count; n++) {
        Event *event = &batch->events[n];
        if (event->known == NULL)
            continue;
        if (event->known->course.index != NULL && batch->ways[n].pattern == NULL) {
            event->known = NULL;
            continue;
        }
        if (batch->ways[n].pattern != NULL)
            AHEAD(batch->ways[n].pattern, 0);
        event->moment = memory_moment(event->known->memory, event->started);
        if (event->moment >= 0)
            memory_ahead(event->known->memory, event->moment, batch->ways[n].location);
        else if (PyErr_Occurred())
            return 0;
    }
    for (int depth = 0; depth < SHELF_DEPTH; depth++)
        for (int n = 0; n < count; n++)
            if (batch->events[n].buckets != NULL)
                shelf_ahead(&batch->shelves, batch->events[n].buckets, depth);
    for (int n = 0; n < count; n++)
        if (batch->events[n].known != NULL && batch->events[n].moment >= 0)
            memory_further_ahead(batch->events[n].known->memory, batch->events[n].moment, batch->ways[n].location);
    return 1;
}

/* price.amount_of where 64 bits are too few; 0 when an amount is more than they hold. */
static int
wide_amount_of(const Shape *price, i64 slope, i64 quantity, i64 *into)
{
    i128 cost = (i128)slope * quantity;
    if (cost < price->floor)
        cost = price->floor;
    cost += price->connect;
    i128 denominator = price->denominator, steps;
    if (price->lift >= 0) {
        steps = (cost + price->lift) / denominator;
    } else { /* half even */
        i128 twice = cost % denominator * 2;
        steps = cost / denominator;
        if (twice > denominator || (twice == denominator && steps % 2))
            steps++;
    }
    if (steps > INT64_MAX)
        return 0;
    i128 amount = steps * price->step;
    *into = (i64)amount;
    return amount <= INT64_MAX;
}

int
batch_amount(const Shape *price, i64 slope, i64 quantity, i64 *into)
{
    i64 cost, lifted;
    if (quantity == 0) {
        *into = 0;
        return 1;
    }
    if (__builtin_mul_overflow(slope, quantity, &cost)
        || __builtin_add_overflow(cost < price->floor ? price->floor : cost, price->connect, &cost)
        || __builtin_add_overflow(cost, price->lift < 0 ? 0 : price->lift, &lifted))
        return wide_amount_of(price, slope, quantity, into);
    i64 steps = lifted / price->denominator;
    if (price->lift < 0) { /* half even */
        i64 rest = cost - steps * price->denominator, other = price->denominator - rest;
        steps += rest > other || (rest == other && steps % 2);
    }
    return !__builtin_mul_overflow(steps, price->step, into);
}

int
batch_tax(i64 amount, i64 ppm, i64 *into)
{
    i64 product;
    if (!__builtin_mul_overflow(amount, ppm, &product) && !__builtin_add_overflow(product, PPM / 2, &product)) {
        *into = product / PPM;
        return 1;
    }
    i128 tax = ((i128)amount * ppm + PPM / 2) / PPM;
    *into = (i64)tax;
    return tax <= INT64_MAX;
}

/* price.rounded_up; 0 when it is more than 64 bits hold. */
static int
rounded_up(const Shape *price, i64 quantity, i64 *into)
{
    *into = quantity ? price->minimum : 0;
    if (quantity <= price->minimum)
        return 1;
    i64 over = quantity - price->minimum, rest = over % price->increment;
    return !__builtin_add_overflow(quantity, rest ? price->increment - rest : 0, into);
}

PyObject *
batch_like(i64 value, i64 other, PyObject *object)
{
    return value == other ? Py_XNewRef(object) : PyLong_FromLongLong(value);
}

PyObject *
batch_tuple(PyTypeObject *type, PyObject *const *values, int count)
{
    PyTupleObject *made = PyObject_GC_NewVar(PyTupleObject, type, count);
    int good = made != NULL;
    for (int n = 0; n < count; n++) {
        good = good && values[n] != NULL;
        if (made != NULL)
            made->ob_item[n] = values[n];
        else
            Py_XDECREF(values[n]);
    }
    if (!good)
        Py_CLEAR(made);
    return (PyObject *)made;
}

/* The outcome of an event; takes over *draws*. */
static PyObject *
outcome_of(const Batch *batch, const Event *event, const Cell *cell, PyObject *pattern, const i64 *figures, PyObject *draws)
{
    enum { ROUNDED, BILLABLE, RATED, AMOUNT, TAX };
    PyObject *facts = event->known->course.facts, *quantity = PyTuple_GET_ITEM(event->udr, UDR_QUANTITY);
    const Shape *shape = cell->shape;
    PyObject *rounded = batch_like(figures[ROUNDED], event->quantity, quantity);
    PyObject *rated = PyLong_FromLongLong(figures[RATED]);
    PyObject *values[RATED_SIZE] = {
        Py_NewRef(PyTuple_GET_ITEM(facts, FACT_CLASS)), Py_NewRef(PyTuple_GET_ITEM(facts, FACT_LEVEL)),
        Py_NewRef(PyTuple_GET_ITEM(facts, FACT_PLAN)), Py_NewRef(shape->group), Py_NewRef(cell->rate), Py_NewRef(pattern),
        Py_NewRef(shape->tax), Py_NewRef(quantity), rounded, batch_like(figures[BILLABLE], figures[ROUNDED], rounded), rated,
        batch_like(figures[AMOUNT], figures[RATED], rated), PyLong_FromLongLong(figures[TAX]),
        Py_NewRef(PyTuple_GET_ITEM(facts, FACT_CURRENCY)), draws, Py_NewRef(Py_None),
    };
    return batch_tuple(batch->rated, values, RATED_SIZE);
}

int
batch_moment(const Known *known, i64 us, i64 location)
{
    int moment = memory_moment(known->memory, us);
    if (moment >= 0 || PyErr_Occurred())
        return moment;
    PyObject *found = PyObject_CallFunction(known->rate_at, "LL", us, location);
    Py_XDECREF(found);
    return found ? memory_moment(known->memory, us) : -1;
}

/* What prices an event; NULL with an exception. */
static const Cell *
cell_of(Event *event, i64 location)
{
    const Known *known = event->known;
    if (event->moment < 0)
        event->moment = batch_moment(known, event->started, location);
    if (event->moment >= 0)
        return memory_cell(known->memory, event->moment, location);
    PyObject *found = PyErr_Occurred() ? NULL : PyObject_CallFunction(known->rate_at, "LL", event->started, location);
    const Cell *cell = found ? memory_once(known->memory, location, found) : NULL;
    Py_XDECREF(found);
    return cell;
}

/* One event: its outcome; NULL without an exception when it has to be looked at slowly. */
static PyObject *
rate_one(Batch *batch, Event *event, const Way *way)
{
    const Cell *cell = event->known != NULL ? cell_of(event, way->location) : NULL;
    if (cell == NULL || (cell->shape == NULL && cell->laid == NULL))
        return NULL;
    if (cell->shape == NULL)
        return choice_rate(batch, event, way, cell->laid);
    const Shape *shape = cell->shape;
    i64 rounded, billable, rated, amount, tax;
    if (!rounded_up(shape, event->quantity, &rounded) || !batch_amount(shape, cell->slope, rounded, &rated)
        || !batch_tax(rated, shape->ppm, &tax))
        return NULL;
    billable = rounded;
    PyObject *draws = NULL;
    if (event->buckets != NULL && rounded && PyDict_GET_SIZE(shape->buckets)) {
        draws = shelf_draw(&batch->shelves, event->buckets, shape, event->started, &billable);
        if (draws == NULL)
            return NULL;
    }
    amount = rated;
    if (billable != rounded) { /* no more than for all of it */
        batch_amount(shape, cell->slope, billable, &amount);
        batch_tax(amount, shape->ppm, &tax);
    }
    i64 figures[] = {rounded, billable, rated, amount, tax};
    return outcome_of(batch, event, cell, way->pattern ? way->pattern : Py_None, figures, draws ? draws : PyTuple_New(0));
}

/* The next few events, abreast up to the last step: what one draws is no longer there for the next. */
static int
rate_some(Batch *batch, PyObject *outcomes, Py_ssize_t first, int count)
{
    step_events(batch, first, count);
    int good = step_fields(batch, count) && step_places(batch, count) && step_moments(batch, count);
    for (int n = 0; good && n < count; n++) {
        Event *event = &batch->events[n];
        PyObject *outcome = rate_one(batch, event, &batch->ways[n]);
        if (outcome == NULL && !PyErr_Occurred())
            outcome = PyObject_CallFunctionObjArgs(batch->rate_one, event->udr, event->owner, NULL);
        good = outcome != NULL;
        if (good)
            PyList_SET_ITEM(outcomes, first + n, outcome);
    }
    for (int n = 0; n < count; n++)
        Py_CLEAR(batch->events[n].buckets);
    return good;
}

static PyObject *
rate_batch(PyObject *module, PyObject *arguments)
{
    Batch batch = {.routes = 0};
    if (!PyArg_ParseTuple(arguments, "O!O!OO!O!OO!L", &PyList_Type, &batch.udrs, &PyList_Type, &batch.owners,
                          &batch.known_of, &PyDict_Type, &batch.buckets, &PyDict_Type, &batch.limits, &batch.rate_one,
                          &PyType_Type, &batch.rated, &batch.end_us)
        || !choice_begin())
        return NULL;
    Py_ssize_t count = PyList_GET_SIZE(batch.udrs);
    if (PyList_GET_SIZE(batch.owners) != count) {
        PyErr_SetString(PyExc_ValueError, "as many owners as events");
        return NULL;
    }
    PyObject *outcomes = PyList_New(count);
    for (Py_ssize_t first = 0; outcomes != NULL && first < count; first += ABREAST) {
        int some = count - first < ABREAST ? (int)(count - first) : ABREAST;
        if (!rate_some(&batch, outcomes, first, some))
            Py_CLEAR(outcomes);
    }
    for (int n = 0; n < ROUTE_SLOTS; n++)
        Py_XDECREF(batch.known[n].given);
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
    if (!shelf_begin() || index_type() == NULL || memory_type() == NULL)
        return NULL;
    PyObject *made = PyModule_Create(&module);
    if (made != NULL && (PyModule_AddType(made, index_type()) < 0 || PyModule_AddType(made, memory_type()) < 0))
        Py_CLEAR(made);
    return made;
}
