/*
 * bmu.mediation.asn1._walk: lines of the records that nothing odd is about, in a fiftieth of the time.
 *
 * It makes a line only of a record whose octets are all there, whose lengths are announced and whose values are what
 * the map says. At any other it stops, and leaves it to the plain functions (framing.py, fields.py, leaf.py), which
 * make all faults; so this file decides nothing, and nothing needs it. tests/pure/mediation/test_quick.py holds it to
 * the plain ones.
 */
#include "_walk.h"

int
read_element(Octets *from, Element *into)
{
    const unsigned char *at = from->at, *stop = at + from->length;
    if (from->length < 2)
        return 0;
    uint32_t number = *at & 0x1F;
    uint32_t class = *at >> 6;
    into->constructed = *at++ & 0x20;
    if (number == 0x1F) {
        number = 0;
        for (int n = 0;; n++) {
            if (n == 3 || at == stop)
                return 0;
            number = number << 7 | (*at & 0x7F);
            if (*at++ < 0x80)
                break;
        }
    }
    if (at == stop)
        return 0;
    uint32_t length = *at++;
    if (length >= 0x80) {
        uint32_t count = length & 0x7F;
        if (count < 1 || count > 4 || stop - at < (Py_ssize_t)count)
            return 0;
        for (length = 0; count--;)
            length = length << 8 | *at++;
    }
    if ((Py_ssize_t)length > stop - at)
        return 0;
    into->tag = class << CLASS_SHIFT | number;
    into->content = (Octets){at, length};
    *from = (Octets){at + length, stop - at - (Py_ssize_t)length};
    return 1;
}

static const Field *
field_of(const Structure *structure, uint32_t tag, int hint)
{
    /* Elements mostly come in the order of their tags. */
    if (hint < structure->count && structure->fields[hint].tag == tag)
        return &structure->fields[hint];
    int low = 0, high = structure->count;
    while (low < high) {
        int middle = (low + high) / 2;
        if (structure->fields[middle].tag < tag)
            low = middle + 1;
        else
            high = middle;
    }
    return low < structure->count && structure->fields[low].tag == tag ? &structure->fields[low] : NULL;
}

/* The line's name with a further one behind it; 0 when there is no room. */
static int
under(Line *line, Octets name)
{
    if (!name.length)
        return 1;
    if (line->name_length + name.length + 1 > NAME_MAX_OCTETS)
        return 0;
    if (line->name_length)
        line->name[line->name_length++] = '.';
    memcpy(line->name + line->name_length, name.at, name.length);
    line->name_length += name.length;
    return 1;
}

static int walk(const Map *map, Line *line, const Kind *kind, const Element *element, int depth);

/* An element that the map does not know, under its tag. */
static int
put_unknown(Line *line, const Element *element)
{
    static const char *const CLASSES[] = {"universal", "application", "tag", "private"};
    char name[32];
    int length = PyOS_snprintf(name, sizeof name, "%s%u", CLASSES[element->tag >> CLASS_SHIFT],
                               (unsigned)(element->tag & ((1u << CLASS_SHIFT) - 1)));
    return under(line, (Octets){(unsigned char *)name, length}) && put_hex(line, element->content);
}

/* Elements by their tags; a name that would be there twice is left to the plain functions. */
static int
walk_structure(const Map *map, Line *line, const Structure *structure, Octets content, int depth)
{
    unsigned char seen[FIELDS_OF_ONE] = {0};
    uint32_t unknown[UNKNOWN_MAX];
    int unknown_count = 0, nameless = 0, hint = 0;
    Py_ssize_t name_length = line->name_length;
    if (structure->count > FIELDS_OF_ONE)
        return 0;
    while (content.length) {
        Element element;
        if (!read_element(&content, &element))
            return 0;
        const Field *field = field_of(structure, element.tag, hint);
        if (field == NULL) {
            for (int n = 0; n < unknown_count; n++)
                if (unknown[n] == element.tag)
                    return 0;
            if (unknown_count == UNKNOWN_MAX || !put_unknown(line, &element))
                return 0;
            unknown[unknown_count++] = element.tag;
        } else {
            int place = (int)(field - structure->fields);
            hint = place + 1;
            if (seen[place]++ || (!field->name.length && nameless++) || !under(line, field->name)
                || !walk(map, line, &map->kinds[field->kind], &element, depth))
                return 0;
        }
        line->name_length = name_length;
    }
    return 1;
}

/* Elements that are numbered from 0. */
static int
walk_list(const Map *map, Line *line, const Kind *kind, Octets content, int depth)
{
    Py_ssize_t name_length = line->name_length;
    for (unsigned number = 0; content.length; number++) {
        Element element;
        char text[16];
        int length = PyOS_snprintf(text, sizeof text, "%u", number);
        if (!read_element(&content, &element) || !under(line, (Octets){(unsigned char *)text, length}))
            return 0;
        if (kind->how == MANY) {
            if (!walk(map, line, &map->kinds[kind->of], &element, depth))
                return 0;
        } else {
            const Field *field = field_of(&map->structures[kind->of], element.tag, 0);
            if (field == NULL ? !put_unknown(line, &element)
                              : !under(line, field->name)
                                    || !walk(map, line, &map->kinds[field->kind], &element, depth))
                return 0;
        }
        line->name_length = name_length;
    }
    return 1;
}

static int
walk(const Map *map, Line *line, const Kind *kind, const Element *element, int depth)
{
    if (depth > DEPTH_MAX)
        return 0;
    if (kind->how == STRUCTURE)
        return element->constructed
               && walk_structure(map, line, &map->structures[kind->of], element->content, depth + 1);
    if (kind->how == MANY || kind->how == CHOICES)
        return element->constructed && walk_list(map, line, kind, element->content, depth + 1);
    return !element->constructed && put_value(line, kind, element->content);
}

/* The line of the record at a place; 0 when it has to be looked at slowly. */
static int
line_of(const Map *map, Line *line, Octets *from)
{
    Element element;
    Octets rest = *from;
    if (!read_element(&rest, &element) || !element.constructed)
        return 0;
    const Field *field = field_of(&map->structures[map->records], element.tag, 0);
    if (field == NULL)
        return 0;
    static const char BEGIN[] = "{\"record\":\"";
    memcpy(line->octets, BEGIN, sizeof BEGIN - 1);
    memcpy(line->octets + sizeof BEGIN - 1, field->name.at, field->name.length);
    line->length = (Py_ssize_t)sizeof BEGIN - 1 + field->name.length;
    line->octets[line->length++] = '"';
    line->name_length = line->fields = 0;
    if (!walk(map, line, &map->kinds[field->kind], &element, 0))
        return 0;
    line->octets[line->length++] = '}';
    *from = rest;
    return line->length <= LINE_MAX_OCTETS;
}

/* What stands before a record; 0 when it has to be looked at slowly. */
enum { BARE, PADDED, HEADED };

static int
to_record(int framing, Octets *from, Octets *record)
{
    if (framing == PADDED)
        for (; from->length && (from->at[0] == 0 || from->at[0] == 0xFF); from->length--)
            from->at++;
    *record = *from;
    if (framing != HEADED)
        return from->length > 0;
    if (from->length < 4)
        return 0;
    Py_ssize_t before = 4 + (from->at[2] >> 5 == 7), length = from->at[0] << 8 | from->at[1];
    if (from->at[3] >> 5 != 1 || from->length < before + length)
        return 0;
    *record = (Octets){from->at + before, length};
    return 1;
}

static PyObject *
lines_of(const Map *map, Line *line, int framing, Octets *from)
{
    PyObject *lines = PyList_New(0);
    Octets rest = *from, record;
    while (lines != NULL && to_record(framing, &rest, &record)) {
        if (!line_of(map, line, &record))
            break;
        if (framing == HEADED && record.length)
            break; /* more octets than the record has */
        rest = (Octets){record.at, rest.length - (record.at - rest.at)};
        PyObject *octets = PyBytes_FromStringAndSize(line->octets, line->length);
        if (octets == NULL || PyList_Append(lines, octets) < 0)
            Py_CLEAR(lines);
        Py_XDECREF(octets);
        *from = rest;
    }
    return lines;
}

/* ---- The map, as quick.py hands it in: all of it is looked at once ---- */

static int
refused(const char *why)
{
    PyErr_SetString(PyExc_ValueError, why);
    return 0;
}

static int
octets_of(PyObject *text, Octets *into)
{
    if (!PyBytes_CheckExact(text) || PyBytes_GET_SIZE(text) > 200)
        return refused("a name is octets, and short");
    *into = (Octets){(const unsigned char *)PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text)};
    return 1;
}

/* (how, of, ((value, text), ...)) */
static int
read_kind(const Map *map, PyObject *tuple, Kind *kind)
{
    PyObject *words;
    if (!PyTuple_CheckExact(tuple) || !PyArg_ParseTuple(tuple, "iiO!", &kind->how, &kind->of, &PyTuple_Type, &words))
        return PyErr_Occurred() ? 0 : refused("a kind is a tuple");
    int most = kind->how == MANY ? map->kinds_count : map->structures_count;
    if (kind->how < 0 || kind->how >= KINDS || kind->of < 0 || (kind->how <= CHOICES && kind->of >= most))
        return refused("no such kind");
    kind->said = PyMem_Calloc((size_t)PyTuple_GET_SIZE(words) + 1, sizeof *kind->said);
    if (kind->said == NULL)
        return PyErr_NoMemory() != NULL;
    kind->words = (int)PyTuple_GET_SIZE(words);
    for (int n = 0; n < kind->words; n++) {
        PyObject *text;
        long long value;
        if (!PyTuple_CheckExact(PyTuple_GET_ITEM(words, n))
            || !PyArg_ParseTuple(PyTuple_GET_ITEM(words, n), "LO", &value, &text)
            || !octets_of(text, &kind->said[n].text))
            return PyErr_Occurred() ? 0 : refused("a word is its number and text");
        kind->said[n].value = value;
    }
    return 1;
}

/* ((tag, kind, name), ...), by tag */
static int
read_structure(const Map *map, PyObject *fields, Structure *structure)
{
    if (!PyTuple_CheckExact(fields))
        return refused("a structure is a tuple");
    structure->fields = PyMem_Calloc((size_t)PyTuple_GET_SIZE(fields) + 1, sizeof *structure->fields);
    if (structure->fields == NULL)
        return PyErr_NoMemory() != NULL;
    structure->count = (int)PyTuple_GET_SIZE(fields);
    for (int n = 0; n < structure->count; n++) {
        Field *field = &structure->fields[n];
        PyObject *name;
        if (!PyTuple_CheckExact(PyTuple_GET_ITEM(fields, n))
            || !PyArg_ParseTuple(PyTuple_GET_ITEM(fields, n), "IiO", &field->tag, &field->kind, &name)
            || !octets_of(name, &field->name))
            return PyErr_Occurred() ? 0 : refused("a field is a tuple");
        if (field->kind < 0 || field->kind >= map->kinds_count || (n && field->tag <= field[-1].tag))
            return refused("no such kind, or tags out of order");
    }
    return 1;
}

static void
forget(PyObject *capsule)
{
    Map *map = PyCapsule_GetPointer(capsule, "map");
    if (map == NULL)
        return;
    for (int n = 0; map->kinds != NULL && n < map->kinds_count; n++)
        PyMem_Free(map->kinds[n].said);
    for (int n = 0; map->structures != NULL && n < map->structures_count; n++)
        PyMem_Free(map->structures[n].fields);
    PyMem_Free(map->kinds);
    PyMem_Free(map->structures);
    Py_XDECREF(map->held);
    PyMem_Free(map);
}

static PyObject *
prepare(PyObject *module, PyObject *arguments)
{
    PyObject *kinds, *structures;
    int records;
    if (!PyArg_ParseTuple(arguments, "O!O!i", &PyTuple_Type, &kinds, &PyTuple_Type, &structures, &records))
        return NULL;
    Map *map = PyMem_Calloc(1, sizeof *map);
    PyObject *capsule = map == NULL ? PyErr_NoMemory() : PyCapsule_New(map, "map", forget);
    if (capsule == NULL) {
        PyMem_Free(map);
        return NULL;
    }
    map->held = Py_NewRef(arguments);
    map->kinds = PyMem_Calloc((size_t)PyTuple_GET_SIZE(kinds) + 1, sizeof *map->kinds);
    map->structures = PyMem_Calloc((size_t)PyTuple_GET_SIZE(structures) + 1, sizeof *map->structures);
    map->records = records;
    int good = map->kinds != NULL && map->structures != NULL;
    if (!good)
        PyErr_NoMemory();
    if (good) {
        map->kinds_count = (int)PyTuple_GET_SIZE(kinds);
        map->structures_count = (int)PyTuple_GET_SIZE(structures);
    }
    for (int n = 0; good && n < map->kinds_count; n++)
        good = read_kind(map, PyTuple_GET_ITEM(kinds, n), &map->kinds[n]);
    for (int n = 0; good && n < map->structures_count; n++)
        good = read_structure(map, PyTuple_GET_ITEM(structures, n), &map->structures[n]);
    if (good && (records < 0 || records >= map->structures_count))
        good = refused("no such structure");
    if (!good)
        Py_CLEAR(capsule);
    return capsule;
}

static PyObject *
lines(PyObject *module, PyObject *arguments)
{
    PyObject *capsule, *octets;
    Py_ssize_t at, end;
    int framing;
    if (!PyArg_ParseTuple(arguments, "OSnni", &capsule, &octets, &at, &end, &framing))
        return NULL;
    const Map *map = PyCapsule_GetPointer(capsule, "map");
    if (map == NULL)
        return NULL;
    if (at < 0 || at > end || end > PyBytes_GET_SIZE(octets) || framing < BARE || framing > HEADED) {
        refused("no place in the octets");
        return NULL;
    }
    Line *line = PyMem_Malloc(sizeof *line);
    if (line == NULL)
        return PyErr_NoMemory();
    Octets from = {(const unsigned char *)PyBytes_AS_STRING(octets) + at, end - at};
    PyObject *made = lines_of(map, line, framing, &from);
    PyMem_Free(line);
    if (made == NULL)
        return NULL;
    return Py_BuildValue("Nn", made, end - from.length);
}

static PyMethodDef methods[] = {
    {"prepare", prepare, METH_VARARGS, "Make of a map what lines() walks by."},
    {"lines", lines, METH_VARARGS, "Make lines of the records from a place on, up to one that is odd."},
    {NULL},
};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_walk", NULL, 0, methods};

PyMODINIT_FUNC
PyInit__walk(void)
{
    return PyModule_Create(&module);
}
