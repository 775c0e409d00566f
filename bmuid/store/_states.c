/*
 * bmuid.store._states: buckets as buckets.lock reads them, made in a tenth of the time. Nothing needs it;
 * tests/store/test_states.py holds it to the plain form.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>
#include <structmember.h>

#define POSTGRES_EPOCH_US 946684800000000LL
#define SLOTS_MAX 32
/* buckets.ROW: two octets of fields, and before each field its length. */
#define ROW_OCTETS (2 + 6 * 4 + 5 * 8 + 4)

enum { ID, SERVICE, CODE, FROM, TO, BALANCE, READ };
static const char *const names[READ] = {"id", "account_service_id", "code", "from_us", "to_us", "balance"};

/* What is made: its type, where its slots stand, and a sample of what they hold. */
typedef struct {
    PyTypeObject *type;
    Py_ssize_t slots[SLOTS_MAX], count, read[READ];
    PyObject *sample;
} Form;

static PyObject **
slot(PyObject *object, Py_ssize_t offset)
{
    return (PyObject **)((char *)object + offset);
}

/* Where a slot of a type stands; -1 with an exception where it is none. */
static Py_ssize_t
offset_of(PyTypeObject *type, PyObject *name)
{
    PyObject *member = PyObject_GetAttr((PyObject *)type, name);
    Py_ssize_t offset = -1;
    if (member != NULL && Py_IS_TYPE(member, &PyMemberDescr_Type)
        && ((PyMemberDescrObject *)member)->d_member->type == T_OBJECT_EX)
        offset = ((PyMemberDescrObject *)member)->d_member->offset;
    else if (member != NULL)
        PyErr_SetString(PyExc_TypeError, "a sample keeps all it has in slots");
    Py_XDECREF(member);
    return offset;
}

static int
read_form(PyObject *sample, Form *form)
{
    form->type = Py_TYPE(sample);
    form->sample = sample;
    PyObject *all = PyObject_GetAttrString((PyObject *)form->type, "__slots__");
    form->count = all != NULL && PyTuple_Check(all) ? PyTuple_GET_SIZE(all) : -1;
    int good = form->count >= 0 && form->count <= SLOTS_MAX && form->type->tp_dictoffset == 0;
    for (Py_ssize_t n = 0; good && n < form->count; n++)
        good = (form->slots[n] = offset_of(form->type, PyTuple_GET_ITEM(all, n))) >= 0;
    for (int n = 0; good && n < READ; n++) {
        PyObject *name = PyUnicode_FromString(names[n]);
        good = name != NULL && (form->read[n] = offset_of(form->type, name)) >= 0;
        Py_XDECREF(name);
    }
    Py_XDECREF(all);
    if (!good && !PyErr_Occurred())
        PyErr_SetString(PyExc_TypeError, "a sample keeps all it has in slots");
    return good;
}

/* The field at *at, of so many octets, which is moved behind it. */
static int64_t
number_at(const unsigned char **at, int octets)
{
    uint64_t found = 0;
    memcpy(&found, *at + 4, octets);
    *at += 4 + octets;
    return (int64_t)__builtin_bswap64(found) >> (64 - 8 * octets);
}

static void
set(PyObject *object, Py_ssize_t offset, PyObject *value)
{
    Py_XSETREF(*slot(object, offset), value);
}

/* From one epoch to the other; the end of what has none is the highest number there is already. */
static PyObject *
instant_of(int64_t us)
{
    if (us <= INT64_MAX - POSTGRES_EPOCH_US)
        return PyLong_FromLongLong(us + POSTGRES_EPOCH_US);
    PyObject *here = PyLong_FromLongLong(us), *epoch = PyLong_FromLongLong(POSTGRES_EPOCH_US);
    PyObject *found = here && epoch ? PyNumber_Add(here, epoch) : NULL;
    Py_XDECREF(here);
    Py_XDECREF(epoch);
    return found;
}

static PyObject *
state_of(const Form *form, const unsigned char *at, PyObject *codes)
{
    PyObject *state = form->type->tp_alloc(form->type, 0);
    if (state == NULL)
        return NULL;
    for (Py_ssize_t n = 0; n < form->count; n++)
        *slot(state, form->slots[n]) = Py_XNewRef(*slot(form->sample, form->slots[n]));
    at += 2;
    set(state, form->read[ID], PyLong_FromLongLong(number_at(&at, 8)));
    set(state, form->read[SERVICE], PyLong_FromLongLong(number_at(&at, 8)));
    int64_t place = number_at(&at, 4);
    if (place < 1 || place > PyTuple_GET_SIZE(codes)) {
        PyErr_SetString(PyExc_ValueError, "a bucket of none of the types");
        Py_DECREF(state);
        return NULL;
    }
    set(state, form->read[CODE], Py_NewRef(PyTuple_GET_ITEM(codes, place - 1)));
    int64_t from = number_at(&at, 8), to = number_at(&at, 8);
    set(state, form->read[FROM], instant_of(from));
    set(state, form->read[TO], instant_of(to));
    set(state, form->read[BALANCE], PyLong_FromLongLong(number_at(&at, 8)));
    if (PyErr_Occurred())
        Py_CLEAR(state);
    return state;
}

static PyObject *
states(PyObject *module, PyObject *arguments)
{
    Py_buffer octets;
    PyObject *codes, *sample, *found = NULL;
    Form form;
    if (!PyArg_ParseTuple(arguments, "y*O!O", &octets, &PyTuple_Type, &codes, &sample))
        return NULL;
    if (octets.len % ROW_OCTETS)
        PyErr_SetString(PyExc_ValueError, "a row is cut");
    else if (read_form(sample, &form))
        found = PyList_New(octets.len / ROW_OCTETS);
    for (Py_ssize_t n = 0; found != NULL && n < PyList_GET_SIZE(found); n++) {
        PyObject *state = state_of(&form, (const unsigned char *)octets.buf + n * ROW_OCTETS, codes);
        if (state == NULL)
            Py_CLEAR(found);
        else
            PyList_SET_ITEM(found, n, state);
    }
    PyBuffer_Release(&octets);
    return found;
}

static PyMethodDef methods[] = {
    {"states", states, METH_VARARGS, "Do as bmuid.store.buckets.states_plainly does."},
    {NULL},
};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_states", NULL, 0, methods};

PyMODINIT_FUNC
PyInit__states(void)
{
    return PyModule_Create(&module);
}
