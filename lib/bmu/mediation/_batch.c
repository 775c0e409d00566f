/*
 * bmu.mediation._batch: Mediator.take and the glance for the delimited lines that nothing odd is about, in a fifth
 * of the time.
 *
 * It reads a line only in so far as its fields are plain text, its hours are known and no filter may drop it.
 * Whatever else there is it leaves to the function it was given, which is Mediator.take itself and makes all rejects;
 * so this file decides nothing, and nothing needs it. tests/pure/mediation/test_batch.py holds it to the plain one.
 */
#include "_batch.h"

static PyObject *name_digest;

/* What sha256 gives; 0 with an exception. */
static int
digest(const Batch *batch, Octets octets, unsigned char into[DIGEST_OCTETS])
{
    if (batch->native.init != NULL) {
        _Alignas(16) char state[STATE_OCTETS];
        if (batch->native.init(state) && batch->native.update(state, octets.at, octets.length)
            && batch->native.final(into, state))
            return 1;
        return refused("no digest");
    }
    PyObject *hash = PyObject_CallFunction(batch->sha256, "y#", octets.at, octets.length);
    PyObject *found = hash == NULL ? NULL : PyObject_CallMethodNoArgs(hash, name_digest);
    Py_XDECREF(hash);
    int whole = found != NULL && PyBytes_CheckExact(found) && PyBytes_GET_SIZE(found) == DIGEST_OCTETS;
    if (whole)
        memcpy(into, PyBytes_AS_STRING(found), DIGEST_OCTETS);
    else if (found != NULL)
        refused("no digest of 32 octets");
    Py_XDECREF(found);
    return whole;
}

static PyObject *
key_object(const Batch *batch, const Found *found)
{
    unsigned char octets[DIGEST_OCTETS];
    if (!digest(batch, (Octets){found->key, found->key_length}, octets))
        return NULL;
    return PyBytes_FromStringAndSize((char *)octets, 16);
}

static PyObject *
content_object(const Batch *batch, Octets record)
{
    unsigned char octets[DIGEST_OCTETS];
    if (!digest(batch, record, octets))
        return NULL;
    uint64_t bits = 0;
    for (int n = 0; n < 8; n++)
        bits = bits << 8 | octets[n];
    int64_t content;
    memcpy(&content, &bits, 8);
    return PyLong_FromLongLong(content);
}

static PyObject *
text_object(const Text *text)
{
    return PyUnicode_DecodeASCII(text->octets, text->length, NULL);
}

static PyObject *
udr_of(const Batch *batch, PyObject *line_no, Octets record, const Found *found)
{
    PyObject *extras = own_fields(batch);
    if (extras == NULL)
        return NULL;
    PyObject *key = key_object(batch, found), *content = key == NULL ? NULL : content_object(batch, record);
    if (content == NULL) {
        Py_DECREF(extras);
        Py_XDECREF(key);
        return NULL;
    }
    PyObject *uid = text_object(&found->uid);
    PyObject *values[UDR_SIZE] = {
        Py_NewRef(line_no),
        key,
        content,
        Py_NewRef(found->uid_type),
        uid,
        Py_NewRef(batch->plan->usage_class),
        PyLong_FromLongLong(found->started_us),
        PyLong_FromLongLong(found->quantity),
        found->origin_is_uid ? Py_XNewRef(uid) : text_object(&found->origin),
        text_object(&found->destination),
        extras,
    };
    int whole = 1;
    for (int n = 0; n < UDR_SIZE; n++)
        whole &= values[n] != NULL;
    PyObject *udr = whole ? batch->udr->tp_alloc(batch->udr, UDR_SIZE) : NULL;
    for (int n = 0; n < UDR_SIZE; n++) {
        if (udr != NULL)
            PyTuple_SET_ITEM(udr, n, values[n]);
        else
            Py_XDECREF(values[n]);
    }
    return udr;
}

/* One line: its UDR; NULL without an exception when it has to be looked at slowly. */
static PyObject *
take_one(Batch *batch, PyObject *line_no, PyObject *line)
{
    if (!PyBytes_CheckExact(line))
        return NULL;
    Octets octets = {PyBytes_AS_STRING(line), PyBytes_GET_SIZE(line)};
    octets.length -= octets.length && octets.at[octets.length - 1] == '\r';
    Found found;
    batch->plan = &batch->plans[0];
    if (!split(batch, octets) || !choose_plan(batch) || !read_fields(batch, &found))
        return NULL;
    return udr_of(batch, line_no, octets, &found);
}

/* A plan with those of the kinds of rows that are tried first; 0 with an exception. */
static int
read_plans(PyObject *tuple, Batch *batch)
{
    batch->plan = &batch->plans[0];
    if (!read_plan(tuple, &batch->plans[0]))
        return 0;
    PyObject *kinds = batch->plans[0].kinds;
    batch->plans_count = 1 + (int)PyTuple_GET_SIZE(kinds);
    if (PyTuple_GET_SIZE(kinds) > KINDS_MAX)
        return refused("too many kinds of rows");
    for (int n = 1; n < batch->plans_count; n++)
        if (!read_plan(PyTuple_GET_ITEM(kinds, n - 1), &batch->plans[n]))
            return 0;
        else if (batch->plans[n].fields != batch->plans[0].fields)
            return refused("rows of all kinds have the same fields");
    return 1;
}

static PyObject *
take_some(PyObject *module, PyObject *arguments)
{
    Batch batch;
    PyObject *plan, *lines, *line_nos, *take;
    memset(batch.hours, 0, sizeof batch.hours);
    batch.next_hour = 0;
    unsigned long long init = 0, update = 0, final = 0;
    if (!PyArg_ParseTuple(arguments, "OO!O!OO!O(KKK)", &plan, &PyTuple_Type, &lines, &PyTuple_Type, &line_nos, &take,
                          &PyType_Type, &batch.udr, &batch.sha256, &init, &update, &final)
        || !read_plans(plan, &batch))
        return NULL;
    if (batch.plan->quoting == JSON)
        know_names(&batch);
    batch.native = (Sha){(void *)(uintptr_t)init, (void *)(uintptr_t)update, (void *)(uintptr_t)final};
    Py_ssize_t count = PyTuple_GET_SIZE(lines);
    if (PyTuple_GET_SIZE(line_nos) != count) {
        refused("as many numbers as lines");
        return NULL;
    }
    if (!PyType_IsSubtype(batch.udr, &PyTuple_Type) || batch.udr->tp_basicsize != PyTuple_Type.tp_basicsize) {
        refused("a UDR is a tuple");
        return NULL;
    }
    PyObject *taken = PyList_New(count);
    for (Py_ssize_t n = 0; taken != NULL && n < count; n++) {
        PyObject *line_no = PyTuple_GET_ITEM(line_nos, n), *line = PyTuple_GET_ITEM(lines, n);
        PyObject *outcome = take_one(&batch, line_no, line);
        if (outcome == NULL && !PyErr_Occurred())
            outcome = PyObject_CallFunctionObjArgs(take, line_no, line, NULL);
        if (outcome == NULL)
            Py_CLEAR(taken);
        else
            PyList_SET_ITEM(taken, n, outcome);
    }
    return taken;
}

static PyObject *
uids_of(PyObject *module, PyObject *arguments)
{
    PyObject *tuple, *texts, *uid_of;
    Plan plan;
    if (!PyArg_ParseTuple(arguments, "OO!O", &tuple, &PyList_Type, &texts, &uid_of) || !read_plan(tuple, &plan))
        return NULL;
    Py_ssize_t count = PyTuple_GET_SIZE(plan.uids) ? PyList_GET_SIZE(texts) : 0;
    PyObject *uids = PyList_New(count);
    for (Py_ssize_t n = 0; uids != NULL && n < count; n++) {
        PyObject *text = PyList_GET_ITEM(texts, n), *uid;
        Text value;
        if (PyBytes_Check(text)
                 && read_uid(&plan, (Octets){PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text)}, &value))
            uid = Py_BuildValue("ON", PyTuple_GET_ITEM(PyTuple_GET_ITEM(plan.uids, 0), 0), text_object(&value));
        else
            uid = PyObject_CallOneArg(uid_of, text);
        if (uid == NULL)
            Py_CLEAR(uids);
        else
            PyList_SET_ITEM(uids, n, uid);
    }
    return uids;
}

static PyMethodDef methods[] = {
    {"take_some", take_some, METH_VARARGS, "Mediate lines as bmu.mediation.Mediator.take does."},
    {"uids_of", uids_of, METH_VARARGS, "Read identifiers as bmu.mediation.Mediator.uid_of does."},
    {"marks", marks, METH_VARARGS, "Glance at lines as bmu.mediation.glance does."},
    {NULL},
};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_batch", NULL, 0, methods};

PyMODINIT_FUNC
PyInit__batch(void)
{
    name_digest = PyUnicode_InternFromString("digest");
    return name_digest == NULL ? NULL : PyModule_Create(&module);
}
