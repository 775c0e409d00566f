/*
 * The glance, as glance.py does it, at all lines of octets that lie in memory: where each line stands, and in it the
 * text that its identifier is made of. No object is made of a line.
 */
#define _GNU_SOURCE
#include "_batch.h"

#define NOT_TOLD UINT32_MAX

/* mediator.MARK; all are counted from the first of the octets. */
typedef struct {
    uint32_t line, end, text, text_end;
} Mark;

static int
glance_csv(Octets line, Py_ssize_t place, char delimiter, Octets *into)
{
    const char *at = line.at, *end = at + line.length;
    for (;; place--) {
        const char *stop;
        int quoted = at < end && *at == '"';
        at += quoted;
        if (quoted)
            stop = memchr(at, '"', end - at);
        else
            for (stop = at; stop < end && *stop != '"' && *stop != '\r' && *stop != delimiter;)
                stop++;
        if (stop == NULL)
            return 0;
        *into = (Octets){at, stop - at};
        at = stop + quoted;
        if (!place)
            return at == end || *at == delimiter || (*at == '\r' && end - at == 1);
        if (at == end || *at++ != delimiter)
            return 0;
    }
}

static int
glance_bare(Octets line, Py_ssize_t place, char delimiter, Octets *into)
{
    line.length -= line.length && line.at[line.length - 1] == '\r';
    const char *at = line.at + (line.length > 0), *end = line.length > 2 ? line.at + line.length - 1 : at;
    for (;; place--) {
        const char *stop = bare_end(at, end, delimiter);
        *into = (Octets){at, stop - at};
        if (!place)
            return 1;
        if (stop == end)
            return 0;
        at = stop + 3;
    }
}

static int
glance_plain(Octets line, Py_ssize_t place, char delimiter, Octets *into)
{
    line.length -= line.length && line.at[line.length - 1] == '\r';
    const char *at = line.at, *end = at + line.length;
    for (;; place--) {
        const char *stop = memchr(at, delimiter, end - at);
        if (stop == NULL)
            stop = end;
        *into = (Octets){at, stop - at};
        if (!place)
            return 1;
        if (stop == end)
            return 0;
        at = stop + 1;
    }
}

static int
glance_json(Octets line, Octets name, Octets *into)
{
    const char *end = line.at + line.length, *brace = memchr(line.at, '{', line.length);
    const char *at = memmem(line.at, line.length, name.at, name.length);
    if (at == NULL || brace == NULL || memchr(brace + 1, '{', end - brace - 1) != NULL)
        return 0;
    at += name.length;
    if (memmem(at, end - at, name.at, name.length) != NULL)
        return 0;
    const char *stop = memchr(at, '"', end - at);
    *into = (Octets){at, (stop == NULL ? end : stop) - at};
    return memchr(at, '\\', into->length) == NULL;
}


/* The one field that says whose a line is; not there: no line is told. */
typedef struct {
    int is_there, quoting;
    char delimiter;
    Py_ssize_t place;
    char name[GLANCED_MAX + 4]; /* of a value in JSON, with what stands around it */
    Py_ssize_t name_length;
} Where;

static int
is_told(const Where *where, Octets line, Octets *text)
{
    if (!where->is_there)
        return 0;
    switch (where->quoting) {
    case DOUBLED:
        return glance_csv(line, where->place, where->delimiter, text);
    case ALL_BARE:
        return glance_bare(line, where->place, where->delimiter, text);
    case NONE:
        return glance_plain(line, where->place, where->delimiter, text);
    }
    return glance_json(line, (Octets){where->name, where->name_length}, text);
}

static Where
where_of(const Plan *plan, int is_there)
{
    Where where = {.is_there = is_there && PyTuple_GET_SIZE(plan->uids) == 1, .quoting = plan->quoting, .delimiter = plan->delimiter};
    if (!where.is_there)
        return where;
    where.place = place_in(PyTuple_GET_ITEM(plan->uids, 0), 1);
    if (plan->quoting == JSON) {
        PyObject *name = PyTuple_GET_ITEM(plan->names, where.place);
        Py_ssize_t length = PyBytes_GET_SIZE(name);
        where.is_there = length <= GLANCED_MAX;
        if (where.is_there) {
            where.name[0] = '"';
            memcpy(where.name + 1, PyBytes_AS_STRING(name), length);
            memcpy(where.name + 1 + length, "\":\"", 3);
            where.name_length = length + 4;
        }
    }
    return where;
}

/* Marks of lines, in an object that grows with them; the number of octets up to the end of the last line, or -1. */
static Py_ssize_t
mark_all(const Where *where, Octets octets, Py_ssize_t lines_max, Py_ssize_t octets_max, PyObject **into)
{
    Py_ssize_t count = 0, room = 0;
    const char *at = octets.at, *end = octets.at + octets.length, *stop;
    while (count < lines_max && (stop = memchr(at, '\n', end - at)) != NULL) {
        if (count == room) {
            room = room * 2 + 1024;
            if (_PyBytes_Resize(into, room * (Py_ssize_t)sizeof(Mark)) < 0)
                return -1;
        }
        Octets line = {at, stop - at < octets_max ? stop - at : octets_max}, text;
        int told = is_told(where, line, &text);
        uint32_t first = (uint32_t)(at - octets.at), from = told ? (uint32_t)(text.at - octets.at) : NOT_TOLD;
        ((Mark *)PyBytes_AS_STRING(*into))[count++]
            = (Mark){first, first + (uint32_t)line.length, from, told ? from + (uint32_t)text.length : NOT_TOLD};
        at = stop + 1;
    }
    return _PyBytes_Resize(into, count * (Py_ssize_t)sizeof(Mark)) < 0 ? -1 : at - octets.at;
}

PyObject *
marks(PyObject *module, PyObject *arguments)
{
    PyObject *tuple, *found = NULL;
    Plan plan;
    Py_buffer buffer;
    Py_ssize_t end, lines_max, octets_max, taken = -1;
    int is_there;
    if (!PyArg_ParseTuple(arguments, "Oy*nnnp", &tuple, &buffer, &end, &lines_max, &octets_max, &is_there))
        return NULL;
    if (end < 0 || end > buffer.len || end >= NOT_TOLD || octets_max < 0)
        refused("no such octets");
    else if (read_plan(tuple, &plan)) {
        Where where = where_of(&plan, is_there);
        found = PyBytes_FromStringAndSize(NULL, 1);
        taken = found ? mark_all(&where, (Octets){buffer.buf, end}, lines_max, octets_max, &found) : -1;
    }
    PyBuffer_Release(&buffer);
    if (taken < 0) {
        Py_XDECREF(found);
        return NULL;
    }
    return Py_BuildValue("Nn", found, taken);
}
