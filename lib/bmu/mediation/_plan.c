/* A plan.Plan taken apart: every place and form in it is looked at once, so that no line need be. */
#include "_batch.h"

int
refused(const char *why)
{
    PyErr_SetString(PyExc_ValueError, why);
    return 0;
}

/* Whether a number is the place of a field; anything else is refused. */
static int
is_place(const Plan *plan, PyObject *value)
{
    Py_ssize_t place = PyLong_Check(value) ? PyLong_AsSsize_t(value) : -1;
    return place >= 0 && place < plan->fields ? 1 : refused("not the place of a field");
}

static int
are_places(const Plan *plan, PyObject *places)
{
    if (!PyTuple_CheckExact(places))
        return refused("places are a tuple");
    for (Py_ssize_t n = 0; n < PyTuple_GET_SIZE(places); n++)
        if (!is_place(plan, PyTuple_GET_ITEM(places, n)))
            return 0;
    return 1;
}

/* A filter is a tuple of conditions (place, whether it has to be one of them, texts). */
static int
is_filter(const Plan *plan, PyObject *conditions)
{
    if (!PyTuple_CheckExact(conditions))
        return refused("a filter is a tuple");
    for (Py_ssize_t n = 0; n < PyTuple_GET_SIZE(conditions); n++) {
        PyObject *condition = PyTuple_GET_ITEM(conditions, n), *place, *texts;
        int one_of;
        if (!PyTuple_CheckExact(condition) || !PyArg_ParseTuple(condition, "OpO!", &place, &one_of, &PyTuple_Type, &texts))
            return PyErr_Occurred() ? 0 : refused("a condition is a tuple");
        if (!is_place(plan, place) || !PyBool_Check(PyTuple_GET_ITEM(condition, 1)))
            return PyErr_Occurred() ? 0 : refused("to be one of them, or not");
        for (Py_ssize_t t = 0; t < PyTuple_GET_SIZE(texts); t++)
            if (!PyBytes_CheckExact(PyTuple_GET_ITEM(texts, t)))
                return refused("a text is octets");
    }
    return 1;
}

/* A usage identifier is (its type, its place, whether it is a number). */
static int
is_uid(const Plan *plan, PyObject *uid)
{
    if (!PyTuple_CheckExact(uid) || PyTuple_GET_SIZE(uid) != 3 || !PyUnicode_Check(PyTuple_GET_ITEM(uid, 0))
        || !PyBool_Check(PyTuple_GET_ITEM(uid, 2)))
        return refused("an identifier is its type, place and form");
    return is_place(plan, PyTuple_GET_ITEM(uid, 1));
}

static int
each(const Plan *plan, PyObject *tuple, int (*is_good)(const Plan *, PyObject *))
{
    for (Py_ssize_t n = 0; n < PyTuple_GET_SIZE(tuple); n++)
        if (!is_good(plan, PyTuple_GET_ITEM(tuple, n)))
            return 0;
    return 1;
}

static int
is_identity(const Plan *plan, PyObject *places)
{
    return are_places(plan, places) && (PyTuple_GET_SIZE(places) || refused("an identity has a field"));
}

/* A field that is kept is (its name there, its place). */
static int
is_extra(const Plan *plan, PyObject *extra)
{
    if (!PyTuple_CheckExact(extra) || PyTuple_GET_SIZE(extra) != 2 || !PyUnicode_Check(PyTuple_GET_ITEM(extra, 0)))
        return refused("a field that is kept is its name and place");
    return is_place(plan, PyTuple_GET_ITEM(extra, 1));
}

static int
is_octets(const Plan *plan, PyObject *text)
{
    return PyBytes_CheckExact(text) ? 1 : refused("a prefix is octets");
}

static int
is_width(const Plan *plan, PyObject *width)
{
    Py_ssize_t value = PyLong_Check(width) ? PyLong_AsSsize_t(width) : -1;
    return value >= 1 && value <= plan->fields ? 1 : refused("no width of a line");
}

int
read_plan(PyObject *tuple, Plan *plan)
{
    if (!PyTuple_Check(tuple))
        return refused("a plan is a tuple");
    if (!PyArg_ParseTuple(tuple, "picnO!O!O!O!O!UOnO!nnny#y#y#ny#nO!O!O!O!O!;a plan", &plan->utf8, &plan->quoting, &plan->delimiter,
                          &plan->fields, &PyTuple_Type, &plan->widths, &PyTuple_Type, &plan->marks, &PyTuple_Type,
                          &plan->filters, &PyTuple_Type,
                          &plan->identities, &PyTuple_Type, &plan->uids, &plan->usage_class, &plan->hours,
                          &plan->started, &PyTuple_Type, &plan->times, &plan->quantity, &plan->origin,
                          &plan->destination, &plan->key_prefix.at, &plan->key_prefix.length, &plan->country.at,
                          &plan->country.length, &plan->international.at, &plan->international.length,
                          &plan->international_min, &plan->trunk.at, &plan->trunk.length, &plan->trunk_min,
                          &PyTuple_Type, &plan->routing, &PyTuple_Type, &plan->extras, &PyTuple_Type, &plan->names,
                          &PyTuple_Type, &plan->only, &PyTuple_Type, &plan->kinds))
        return 0;
    if (plan->quoting < DOUBLED || plan->quoting > JSON)
        return refused("no such quoting");
    if (plan->fields < 1 || plan->fields > FIELDS_MAX)
        return refused("too many fields");
    if (plan->quoting == JSON && PyTuple_GET_SIZE(plan->names) != plan->fields)
        return refused("as many names as fields");
    /* Without a quantity each row is one. */
    Py_ssize_t quantity = plan->quantity == -1 ? 0 : plan->quantity;
    Py_ssize_t places[] = {plan->started, quantity, plan->origin, plan->destination};
    for (int n = 0; n < 4; n++)
        if (places[n] < 0 || places[n] >= plan->fields)
            return refused("not the place of a field");
    if (plan->hours != Py_None && !PyDict_CheckExact(plan->hours))
        return refused("hours are a dict");
    if (plan->country.length > PREFIX_MAX)
        return refused("a country's code is short");
    return each(plan, plan->widths, is_width) && each(plan, plan->marks, is_octets) && each(plan, plan->filters, is_filter)
           && each(plan, plan->identities, is_identity) && each(plan, plan->uids, is_uid)
           && are_places(plan, plan->times) && each(plan, plan->routing, is_octets)
           && each(plan, plan->extras, is_extra) && each(plan, plan->names, is_octets) && is_filter(plan, plan->only);
}
