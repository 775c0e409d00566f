/*
 * bmuid.intake._loops: the loops of loops.py, in a tenth of the time. Whatever is odd is left to the functions
 * they are given, as there; nothing needs this, and tests/store/test_loops.py holds it to the plain forms.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

typedef long long i64;

#define US_A_DAY 86400000000LL
#define LINE_OCTETS_MAX (1 << 16)
#define LOOK_CLOSER (-1)

static PyTypeObject *udr_type, *owner_type, *rated_type;
/* Where things stand in these tuples. */
static Py_ssize_t udr_line, udr_uid_type, udr_uid, udr_began, owner_from, owner_to, owner_account, owner_service;

/* A whole number; 0 when it does not fit or is none, with an exception. */
static int
number(PyObject *value, i64 *into)
{
    *into = PyLong_AsLongLong(value);
    return !(*into == -1 && PyErr_Occurred());
}

static i64
day_of(i64 began)
{
    return began / US_A_DAY - (began % US_A_DAY < 0);
}

static int
append_number(PyObject *list, Py_ssize_t value)
{
    PyObject *item = PyLong_FromSsize_t(value);
    int failed = item == NULL || PyList_Append(list, item) < 0;
    Py_XDECREF(item);
    return !failed;
}

static int
as_many(PyObject *these, PyObject *those)
{
    if (PyList_GET_SIZE(these) == PyList_GET_SIZE(those))
        return 1;
    PyErr_SetString(PyExc_ValueError, "the lists are not parallel");
    return 0;
}

/* Whether all are of the type, so that their fields may be read; else with an exception. */
static int
all_are(PyObject *list, PyTypeObject *type)
{
    for (Py_ssize_t n = 0; n < PyList_GET_SIZE(list); n++) {
        if (!PyObject_TypeCheck(PyList_GET_ITEM(list, n), type)) {
            PyErr_Format(PyExc_TypeError, "not a %s", type->tp_name);
            return 0;
        }
    }
    return 1;
}

/* The part of a text. */
static int
home(PyObject *known, PyObject *home_of, PyObject *text, i64 *into)
{
    PyObject *found = PyDict_GetItemWithError(known, text);
    if (found != NULL)
        return number(found, into);
    if (PyErr_Occurred())
        return 0;
    found = PyObject_CallOneArg(home_of, text);
    int done = found != NULL && number(found, into);
    Py_XDECREF(found);
    return done;
}

static PyObject *
glance(PyObject *module, PyObject *arguments)
{
    PyObject *lines, *texts, *known, *home_of;
    i64 part, at;
    if (!PyArg_ParseTuple(arguments, "O!O!O!OL", &PyList_Type, &lines, &PyList_Type, &texts, &PyDict_Type, &known,
                          &home_of, &part)
        || !as_many(lines, texts))
        return NULL;
    PyObject *mine = PyList_New(0), *places = PyList_New(0), *closer = PyList_New(0);
    PyObject *empty = PyBytes_FromStringAndSize(NULL, 0);
    int good = mine && places && closer && empty;
    for (Py_ssize_t place = 0; good && place < PyList_GET_SIZE(texts); place++) {
        good = home(known, home_of, PyList_GET_ITEM(texts, place), &at);
        if (!good || (at != part && at != LOOK_CLOSER))
            continue;
        PyObject *line = PyList_GET_ITEM(lines, place);
        Py_ssize_t octets = PyBytes_Check(line) ? PyBytes_GET_SIZE(line) : LINE_OCTETS_MAX + 1;
        good = PyList_Append(mine, octets <= LINE_OCTETS_MAX ? line : empty) == 0 && append_number(places, place)
            && (at != LOOK_CLOSER || append_number(closer, place));
    }
    PyObject *found = good ? PyTuple_Pack(3, mine, places, closer) : NULL;
    Py_XDECREF(mine);
    Py_XDECREF(places);
    Py_XDECREF(closer);
    Py_XDECREF(empty);
    return found;
}

/* What own() is given. */
typedef struct {
    PyObject *owners, *shared, *owner_of;
    i64 oldest, newest;
} Owning;

/* The one owner of an event that nothing odd is about, borrowed; NULL without an exception for any other. */
static PyObject *
plain_owner(Owning *all, PyObject *udr)
{
    PyObject *owners = PyDict_GetItemWithError(all->owners, PyTuple_GET_ITEM(udr, udr_uid_type));
    PyObject *owner = NULL;
    if (owners != NULL && PyDict_Check(owners))
        owner = PyDict_GetItemWithError(owners, PyTuple_GET_ITEM(udr, udr_uid));
    if (owner == NULL || !PyObject_TypeCheck(owner, owner_type))
        return NULL;
    i64 began, from, to;
    int much, early, late;
    began = PyLong_AsLongLongAndOverflow(PyTuple_GET_ITEM(udr, udr_began), &much);
    from = PyLong_AsLongLongAndOverflow(PyTuple_GET_ITEM(owner, owner_from), &early);
    to = PyLong_AsLongLongAndOverflow(PyTuple_GET_ITEM(owner, owner_to), &late);
    if (much || early || late || PyErr_Occurred() || began < from || began >= to || began < all->oldest
        || began > all->newest)
        return NULL;
    if (PySet_GET_SIZE(all->shared) && PySet_Contains(all->shared, PyTuple_GET_ITEM(udr, udr_line)))
        return NULL;
    return owner;
}

static PyObject *
own(PyObject *module, PyObject *arguments)
{
    Owning all;
    PyObject *taken;
    if (!PyArg_ParseTuple(arguments, "O!O!(LL)O!O", &PyList_Type, &taken, &PyDict_Type, &all.owners, &all.oldest,
                          &all.newest, &PySet_Type, &all.shared, &all.owner_of))
        return NULL;
    PyObject *udrs = PyList_New(0), *found = PyList_New(0), *rejects = PyList_New(0);
    int good = udrs && found && rejects;
    for (Py_ssize_t n = 0; good && n < PyList_GET_SIZE(taken); n++) {
        PyObject *udr = PyList_GET_ITEM(taken, n);
        if (!PyObject_TypeCheck(udr, udr_type)) {
            good = PyList_Append(rejects, udr) == 0;
            continue;
        }
        PyObject *owner = Py_XNewRef(plain_owner(&all, udr));
        if (owner == NULL && !PyErr_Occurred())
            owner = PyObject_CallOneArg(all.owner_of, udr);
        good = owner != NULL
            && (owner == Py_None || (PyList_Append(udrs, udr) == 0 && PyList_Append(found, owner) == 0));
        Py_XDECREF(owner);
    }
    PyObject *result = good ? PyTuple_Pack(3, udrs, found, rejects) : NULL;
    Py_XDECREF(udrs);
    Py_XDECREF(found);
    Py_XDECREF(rejects);
    return result;
}

/* Whether a month of the service is known that holds the instant; -1 with an exception. */
static int
is_granted(PyObject *granted, PyObject *service, i64 began)
{
    i64 from, to;
    PyObject *month = PyDict_GetItemWithError(granted, service);
    if (month == NULL)
        return PyErr_Occurred() ? -1 : 0;
    if (!PyArg_ParseTuple(month, "LL", &from, &to))
        return -1;
    return from <= began && began < to;
}

static int
add_day(PyObject *days, i64 day)
{
    PyObject *item = PyLong_FromLongLong(day);
    int failed = item == NULL || PySet_Add(days, item) < 0;
    Py_XDECREF(item);
    return !failed;
}

static PyObject *
survey(PyObject *module, PyObject *arguments)
{
    PyObject *udrs, *owners, *granted;
    if (!PyArg_ParseTuple(arguments, "O!O!O!", &PyList_Type, &udrs, &PyList_Type, &owners, &PyDict_Type, &granted)
        || !as_many(udrs, owners) || !all_are(udrs, udr_type))
        return NULL;
    PyObject *days = PySet_New(NULL), *due = PyList_New(0);
    i64 began, first = 0, last = 0, day = 0;
    int good = days && due, any = 0;
    for (Py_ssize_t n = 0; good && n < PyList_GET_SIZE(udrs); n++) {
        PyObject *owner = PyList_GET_ITEM(owners, n);
        if (!PyObject_TypeCheck(owner, owner_type))
            continue;
        good = number(PyTuple_GET_ITEM(PyList_GET_ITEM(udrs, n), udr_began), &began);
        if (!good)
            break;
        if (!any || day_of(began) != day)
            good = add_day(days, day = day_of(began));
        first = any && first < began ? first : began;
        last = any && last > began ? last : began;
        any = 1;
        int held = is_granted(granted, PyTuple_GET_ITEM(owner, owner_service), began);
        good = good && held >= 0 && (held || append_number(due, n));
    }
    PyObject *result = good ? Py_BuildValue("OLLO", days, first, last, due) : NULL;
    Py_XDECREF(days);
    Py_XDECREF(due);
    return result;
}

typedef struct {
    i64 account;
    Py_ssize_t place;
} Place;

static int
compare(const void *one, const void *other)
{
    const Place *a = one, *b = other;
    if (a->account != b->account)
        return a->account < b->account ? -1 : 1;
    return a->place < b->place ? -1 : a->place > b->place;
}

static PyObject *
permuted(PyObject *list, const Place *order)
{
    PyObject *found = PyList_New(PyList_GET_SIZE(list));
    for (Py_ssize_t n = 0; found != NULL && n < PyList_GET_SIZE(list); n++)
        PyList_SET_ITEM(found, n, Py_NewRef(PyList_GET_ITEM(list, order[n].place)));
    return found;
}

static PyObject *
by_account(PyObject *module, PyObject *arguments)
{
    PyObject *udrs, *owners;
    if (!PyArg_ParseTuple(arguments, "O!O!", &PyList_Type, &udrs, &PyList_Type, &owners) || !as_many(udrs, owners)
        || !all_are(owners, owner_type))
        return NULL;
    Py_ssize_t count = PyList_GET_SIZE(owners);
    Place *order = PyMem_New(Place, count);
    if (order == NULL)
        return PyErr_NoMemory();
    int good = 1;
    for (Py_ssize_t n = 0; good && n < count; n++) {
        order[n].place = n;
        good = number(PyTuple_GET_ITEM(PyList_GET_ITEM(owners, n), owner_account), &order[n].account);
    }
    PyObject *result = NULL;
    if (good) {
        qsort(order, count, sizeof(Place), compare);
        PyObject *these = permuted(udrs, order), *those = permuted(owners, order);
        result = these && those ? PyTuple_Pack(2, these, those) : NULL;
        Py_XDECREF(these);
        Py_XDECREF(those);
    }
    PyMem_Free(order);
    return result;
}

/* The lists of a day, made when it is the first time, borrowed. */
static PyObject *
of_day(PyObject *days, i64 day)
{
    PyObject *key = PyLong_FromLongLong(day), *found = NULL;
    if (key != NULL)
        found = PyDict_GetItemWithError(days, key);
    if (found == NULL && !PyErr_Occurred()) {
        found = Py_BuildValue("O[][][]", key);
        if (found != NULL && PyDict_SetItem(days, key, found) < 0)
            Py_CLEAR(found);
        Py_XDECREF(found);
    }
    Py_XDECREF(key);
    return found;
}

static PyObject *
by_day(PyObject *module, PyObject *arguments)
{
    PyObject *udrs, *owners, *outcomes;
    if (!PyArg_ParseTuple(arguments, "O!O!O!", &PyList_Type, &udrs, &PyList_Type, &owners, &PyList_Type, &outcomes)
        || !as_many(udrs, owners) || !as_many(udrs, outcomes) || !all_are(udrs, udr_type))
        return NULL;
    PyObject *days = PyDict_New(), *lost = PyList_New(0), *result = NULL;
    int good = days && lost;
    for (Py_ssize_t n = 0; good && n < PyList_GET_SIZE(udrs); n++) {
        PyObject *udr = PyList_GET_ITEM(udrs, n), *outcome = PyList_GET_ITEM(outcomes, n);
        i64 began;
        if (!PyObject_TypeCheck(outcome, rated_type)) {
            PyObject *pair = PyTuple_Pack(2, udr, outcome);
            good = pair != NULL && PyList_Append(lost, pair) == 0;
            Py_XDECREF(pair);
            continue;
        }
        PyObject *lists = number(PyTuple_GET_ITEM(udr, udr_began), &began) ? of_day(days, day_of(began)) : NULL;
        good = lists != NULL && PyList_Append(PyTuple_GET_ITEM(lists, 1), udr) == 0
            && PyList_Append(PyTuple_GET_ITEM(lists, 2), PyList_GET_ITEM(owners, n)) == 0
            && PyList_Append(PyTuple_GET_ITEM(lists, 3), outcome) == 0;
    }
    if (good) {
        PyObject *values = PyDict_Values(days);
        result = values ? PyTuple_Pack(2, values, lost) : NULL;
        Py_XDECREF(values);
    }
    Py_XDECREF(days);
    Py_XDECREF(lost);
    return result;
}

static PyMethodDef methods[] = {
    {"glance", glance, METH_VARARGS, "Do as loops.glance_plainly does."},
    {"own", own, METH_VARARGS, "Do as loops.own_plainly does."},
    {"survey", survey, METH_VARARGS, "Do as loops.survey_plainly does."},
    {"by_account", by_account, METH_VARARGS, "Do as loops.by_account_plainly does."},
    {"by_day", by_day, METH_VARARGS, "Do as loops.by_day_plainly does."},
    {NULL},
};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_loops", NULL, 0, methods};

static PyTypeObject *
type_of(const char *from, const char *name)
{
    PyObject *holder = PyImport_ImportModule(from);
    PyObject *type = holder ? PyObject_GetAttrString(holder, name) : NULL;
    Py_XDECREF(holder);
    if (type != NULL && !PyType_Check(type)) {
        PyErr_Format(PyExc_TypeError, "%s is no type", name);
        Py_CLEAR(type);
    }
    return (PyTypeObject *)type;
}

/* The place of a field in a named tuple; -1 with an exception. */
static Py_ssize_t
at(PyTypeObject *type, const char *name)
{
    PyObject *fields = PyObject_GetAttrString((PyObject *)type, "_fields"), *field = PyUnicode_FromString(name);
    Py_ssize_t place = fields && field ? PySequence_Index(fields, field) : -1;
    Py_XDECREF(fields);
    Py_XDECREF(field);
    return place;
}

PyMODINIT_FUNC
PyInit__loops(void)
{
    udr_type = type_of("bmu.usage", "UDR");
    owner_type = udr_type ? type_of("bmu.rating", "Owner") : NULL;
    rated_type = owner_type ? type_of("bmu.rating", "Rated") : NULL;
    if (rated_type == NULL || (udr_line = at(udr_type, "line_no")) < 0
        || (udr_uid_type = at(udr_type, "uid_type")) < 0 || (udr_uid = at(udr_type, "uid")) < 0
        || (udr_began = at(udr_type, "started_us")) < 0 || (owner_from = at(owner_type, "from_us")) < 0
        || (owner_to = at(owner_type, "to_us")) < 0 || (owner_account = at(owner_type, "account_id")) < 0
        || (owner_service = at(owner_type, "account_service_id")) < 0)
        return NULL;
    return PyModule_Create(&module);
}
