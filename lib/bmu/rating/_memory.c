/*
 * What a route remembers, as Route.memory gives it: the rates of moments by location, laid out so that one line of
 * memory tells a rate. Route.rate_at is the plain form, and decides: what it has not found is not here.
 */
#include "_batch.h"

#define QUARTER_US 900000000LL
#define QUARTERS_MAX 65536

/* Where things stand in group.Resolved and price.Price. */
enum { FOUND_GROUP, FOUND_RATE, FOUND_TAX, FOUND_PPM, FOUND_PRICE, FOUND_BUCKETS, FOUND_SIZE };
enum { PRICE_MINIMUM, PRICE_INCREMENT, PRICE_SLOPE, PRICE_CONNECT, PRICE_FLOOR, PRICE_DENOMINATOR, PRICE_STEP,
       PRICE_LIFT, PRICE_MODE, PRICE_SIZE };

/* A moment.Moment, and the cells that were asked for. */
typedef struct {
    PyObject *rates; /* owned; it owns what the cells point to, as nothing is ever taken out of it */
    Cell *cells;     /* of a power of two, never full */
    size_t mask, used;
} Moment;

struct Memory {
    PyObject_HEAD
    PyObject *quarters, *facts, *index, *resolved, *choice, *laid_out, *is_moved; /* owned */
    int number;
    Moment *moments;
    int moments_count;
    i64 first_quarter; /* from which on *of_quarter* counts */
    Py_ssize_t quarters_count;
    uint16_t *of_quarter; /* the number of a quarter's moment, plus one; 0: not asked for yet */
    Shape **shapes;      /* hashed, of a power of two, never full */
    size_t shapes_mask, shapes_used;
    PyObject *once; /* what *passing* is of; owned, or NULL */
    Cell passing;
};

static size_t
mixed(uint64_t value)
{
    value *= 0x9E3779B97F4A7C15ULL;
    return (size_t)(value ^ value >> 32);
}

static int
lay_codes(Shape *shape)
{
    PyObject *code, *nearness;
    Py_ssize_t at = 0;
    shape->codes = PyDict_GET_SIZE(shape->buckets) > CODES_MAX ? -1 : 0;
    while (shape->codes >= 0 && PyDict_Next(shape->buckets, &at, &code, &nearness)) {
        Py_ssize_t n = shape->codes++;
        if (!PyUnicode_Check(code)
            || (shape->code[n].text = PyUnicode_AsUTF8AndSize(code, &shape->code[n].length)) == NULL)
            return 0;
        if (!number(nearness, &shape->code[n].nearness))
            return 0;
    }
    return 1;
}

static size_t
shape_slot(const Memory *memory, const Shape *shape)
{
    uint64_t hash = 0;
    const uint64_t *words = (const uint64_t *)shape;
    for (size_t n = 0; n < offsetof(Shape, codes) / sizeof(uint64_t); n++)
        hash = mixed(hash ^ words[n]);
    size_t slot = hash & memory->shapes_mask;
    while (memory->shapes[slot] != NULL && memcmp(memory->shapes[slot], shape, offsetof(Shape, codes)) != 0)
        slot = (slot + 1) & memory->shapes_mask;
    return slot;
}

static int
more_shapes(Memory *memory)
{
    size_t size = memory->shapes ? (memory->shapes_mask + 1) * 2 : 16, before = size / 2;
    Shape **old = memory->shapes, **shapes = PyMem_Calloc(size, sizeof(Shape *));
    if (shapes == NULL)
        return 0;
    memory->shapes = shapes;
    memory->shapes_mask = size - 1;
    for (size_t n = 0; old != NULL && n < before; n++)
        if (old[n] != NULL)
            shapes[shape_slot(memory, old[n])] = old[n];
    PyMem_Free(old);
    return 1;
}

/* The one shape that is like this one; NULL with an exception. */
static const Shape *
shape_like(Memory *memory, const Shape *wanted)
{
    if (memory->shapes_used * 2 >= memory->shapes_mask && !more_shapes(memory))
        return (const Shape *)PyErr_NoMemory();
    size_t slot = shape_slot(memory, wanted);
    if (memory->shapes[slot] != NULL)
        return memory->shapes[slot];
    Shape *shape = PyMem_Malloc(sizeof(Shape));
    if (shape == NULL)
        return (const Shape *)PyErr_NoMemory();
    *shape = *wanted;
    if (!lay_codes(shape)) {
        PyMem_Free(shape);
        return NULL;
    }
    Py_INCREF(shape->group);
    Py_INCREF(shape->tax);
    Py_INCREF(shape->buckets);
    memory->shapes_used++;
    return memory->shapes[slot] = shape;
}

/* Lay out all that may price an event; nothing where the plain form has to. */
static int
lay_choice(Memory *memory, PyObject *found, Cell *cell)
{
    PyObject *buckets = PyObject_GetAttrString(found, "buckets");
    PyObject *given = buckets ? PyObject_CallOneArg(memory->laid_out, found) : NULL;
    if (given != NULL && given != Py_None && PyDict_Check(buckets))
        cell->laid = laid_of(given);
    if (cell->laid != NULL) {
        Shape plain;
        memset(&plain, 0, sizeof(plain));
        plain.group = plain.tax = Py_None;
        plain.buckets = buckets;
        const Shape *shape = shape_like(memory, &plain);
        if (shape == NULL) {
            laid_free(cell->laid);
            cell->laid = NULL;
        } else {
            laid_plain(cell->laid, shape);
        }
    }
    Py_XDECREF(given);
    Py_XDECREF(buckets);
    return !PyErr_Occurred();
}

/* Lay out what a route has found; nothing where that is not for here. */
static int
lay(Memory *memory, PyObject *found, Cell *cell)
{
    cell->rate = NULL;
    cell->shape = NULL;
    cell->laid = NULL;
    if (Py_TYPE(found) == (PyTypeObject *)memory->choice)
        return lay_choice(memory, found, cell);
    if (Py_TYPE(found) != (PyTypeObject *)memory->resolved || PyTuple_GET_SIZE(found) != FOUND_SIZE)
        return 1;
    PyObject *price = PyTuple_GET_ITEM(found, FOUND_PRICE), *buckets = PyTuple_GET_ITEM(found, FOUND_BUCKETS);
    if (!PyTuple_Check(price) || PyTuple_GET_SIZE(price) != PRICE_SIZE || !PyDict_Check(buckets))
        return 1;
    i64 numbers[PRICE_MODE], ppm;
    for (int n = 0; n < PRICE_MODE; n++)
        if (!number(PyTuple_GET_ITEM(price, n), &numbers[n]))
            return !PyErr_Occurred();
    if (!number(PyTuple_GET_ITEM(found, FOUND_PPM), &ppm))
        return !PyErr_Occurred();
    Shape shape;
    memset(&shape, 0, sizeof(shape));
    shape.minimum = numbers[PRICE_MINIMUM];
    shape.increment = numbers[PRICE_INCREMENT];
    shape.connect = numbers[PRICE_CONNECT];
    shape.floor = numbers[PRICE_FLOOR];
    shape.denominator = numbers[PRICE_DENOMINATOR];
    shape.step = numbers[PRICE_STEP];
    shape.lift = numbers[PRICE_LIFT];
    shape.ppm = ppm;
    shape.group = PyTuple_GET_ITEM(found, FOUND_GROUP);
    shape.tax = PyTuple_GET_ITEM(found, FOUND_TAX);
    shape.buckets = buckets;
    cell->slope = numbers[PRICE_SLOPE];
    cell->rate = PyTuple_GET_ITEM(found, FOUND_RATE);
    cell->shape = shape_like(memory, &shape);
    return cell->shape != NULL;
}

/* A location's number in the table: EVERYWHERE is -1, and an empty slot 0. */
static i64
place_of(i64 location)
{
    return location + 2;
}

static Cell *
slot_of(const Moment *moment, i64 place)
{
    size_t slot = mixed((uint64_t)place) & moment->mask;
    while (moment->cells[slot].place && moment->cells[slot].place != place)
        slot = (slot + 1) & moment->mask;
    return &moment->cells[slot];
}

static int
more_cells(Moment *moment)
{
    size_t size = moment->cells ? (moment->mask + 1) * 2 : 64, before = size / 2;
    Cell *old = moment->cells, *cells = aligned_alloc(LINE_OCTETS, size * sizeof(Cell));
    if (cells == NULL) {
        PyErr_NoMemory();
        return 0;
    }
    memset(cells, 0, size * sizeof(Cell));
    moment->cells = cells;
    moment->mask = size - 1;
    for (size_t n = 0; old != NULL && n < before; n++)
        if (old[n].place)
            *slot_of(moment, old[n].place) = old[n];
    free(old);
    return 1;
}

/* Whether usage there may be of another class; negative with an exception. */
static int
is_moved(Memory *memory, i64 location)
{
    PyObject *answer = PyObject_CallFunction(memory->is_moved, "L", location);
    int moved = answer ? PyObject_IsTrue(answer) : -1;
    Py_XDECREF(answer);
    return moved;
}

static void
forget(Cell *cell)
{
    if (cell->shape == NULL)
        laid_free(cell->laid);
    cell->laid = NULL;
    cell->shape = NULL;
}

const Cell *
memory_cell(Memory *memory, int which, i64 location)
{
    Moment *moment = &memory->moments[which];
    Cell *cell = slot_of(moment, place_of(location));
    if (cell->place)
        return cell;
    PyObject *key = PyLong_FromLongLong(location), *rates = moment->rates;
    PyObject *found = key ? PyObject_GetItem(rates, key) : NULL; /* finds it now, if it was not there */
    Py_XDECREF(key);
    Cell made = {.place = place_of(location)};
    int moved = found != NULL && memory->is_moved != Py_None ? is_moved(memory, location) : 0;
    int good = found != NULL && moved >= 0 && (moved || lay(memory, found, &made));
    Py_XDECREF(found);
    moment = &memory->moments[which];
    cell = slot_of(moment, made.place);
    if (!good)
        return NULL;
    if (moment->used * 2 > moment->mask) {
        if (!more_cells(moment)) {
            forget(&made);
            return NULL;
        }
        cell = slot_of(moment, made.place);
    }
    *cell = made;
    moment->used++;
    return cell;
}

const Cell *
memory_once(Memory *memory, i64 location, PyObject *found)
{
    Py_XSETREF(memory->once, Py_NewRef(found));
    forget(&memory->passing);
    int moved = memory->is_moved != Py_None ? is_moved(memory, location) : 0;
    if (moved)
        return moved < 0 ? NULL : &memory->passing;
    return lay(memory, found, &memory->passing) ? &memory->passing : NULL;
}

void
memory_ahead(Memory *memory, int which, i64 location)
{
    const Moment *moment = &memory->moments[which];
    AHEAD(&moment->cells[mixed((uint64_t)place_of(location)) & moment->mask], 0);
}

void
memory_further_ahead(Memory *memory, int which, i64 location)
{
    const Cell *cell = slot_of(&memory->moments[which], place_of(location));
    if (cell->rate != NULL)
        AHEAD(cell->rate, 0);
}

/* The number of the moment with these rates; negative with an exception. */
static int
moment_of(Memory *memory, PyObject *rates)
{
    for (int n = 0; n < memory->moments_count; n++)
        if (memory->moments[n].rates == rates)
            return n;
    Moment *moments = memory->moments_count < UINT16_MAX - 1
        ? PyMem_Realloc(memory->moments, (size_t)(memory->moments_count + 1) * sizeof(Moment)) : NULL;
    if (moments == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    memory->moments = moments;
    Moment *moment = &moments[memory->moments_count];
    memset(moment, 0, sizeof(Moment));
    if (!more_cells(moment))
        return -1;
    moment->rates = Py_NewRef(rates);
    return memory->moments_count++;
}

/* Keep which moment a quarter of an hour is of, where all quarters kept lie near each other. */
static int
keep_quarter(Memory *memory, i64 quarter, int moment)
{
    i64 first = memory->first_quarter, end = first + memory->quarters_count;
    if (memory->quarters_count == 0)
        first = end = quarter;
    i64 new_first = quarter < first ? quarter - 96 : first, new_end = quarter >= end ? quarter + 96 : end;
    if (new_end - new_first > QUARTERS_MAX)
        return 1;
    if (new_first != first || new_end != end) {
        uint16_t *of_quarter = PyMem_Calloc((size_t)(new_end - new_first), sizeof(uint16_t));
        if (of_quarter == NULL) {
            PyErr_NoMemory();
            return 0;
        }
        if (memory->quarters_count)
            memcpy(of_quarter + (first - new_first), memory->of_quarter,
                   (size_t)memory->quarters_count * sizeof(uint16_t));
        PyMem_Free(memory->of_quarter);
        memory->of_quarter = of_quarter;
        memory->first_quarter = new_first;
        memory->quarters_count = (Py_ssize_t)(new_end - new_first);
    }
    memory->of_quarter[quarter - memory->first_quarter] = (uint16_t)(moment + 1);
    return 1;
}

int
memory_moment(Memory *memory, i64 us)
{
    i64 quarter = us / QUARTER_US, place = quarter - memory->first_quarter;
    if (place >= 0 && place < memory->quarters_count && memory->of_quarter[place])
        return memory->of_quarter[place] - 1;
    PyObject *key = PyLong_FromLongLong(quarter);
    PyObject *rates = key ? PyDict_GetItemWithError(memory->quarters, key) : NULL;
    Py_XDECREF(key);
    if (rates == NULL || !PyDict_Check(rates))
        return -1;
    int moment = moment_of(memory, rates);
    return moment >= 0 && keep_quarter(memory, quarter, moment) ? moment : -1;
}

Course
memory_course(Memory *memory)
{
    return (Course){memory->facts, memory->index == Py_None ? NULL : memory->index, memory->number};
}

/* Routes and what they remember hold each other. */
static int
memory_traverse(PyObject *self, visitproc visit, void *arg)
{
    Memory *memory = (Memory *)self;
    for (int n = 0; n < memory->moments_count; n++)
        Py_VISIT(memory->moments[n].rates);
    Py_VISIT(memory->once);
    Py_VISIT(memory->quarters);
    Py_VISIT(memory->facts);
    Py_VISIT(memory->index);
    Py_VISIT(memory->resolved);
    Py_VISIT(memory->choice);
    Py_VISIT(memory->laid_out);
    Py_VISIT(memory->is_moved);
    return 0;
}

static int
memory_clear(PyObject *self)
{
    Memory *memory = (Memory *)self;
    for (int n = 0; n < memory->moments_count; n++)
        Py_CLEAR(memory->moments[n].rates);
    Py_CLEAR(memory->once);
    Py_CLEAR(memory->quarters);
    Py_CLEAR(memory->laid_out);
    Py_CLEAR(memory->is_moved);
    return 0;
}

static void
memory_dealloc(PyObject *self)
{
    Memory *memory = (Memory *)self;
    PyObject_GC_UnTrack(self);
    memory_clear(self);
    for (size_t n = 0; memory->shapes != NULL && n <= memory->shapes_mask; n++) {
        if (memory->shapes[n] == NULL)
            continue;
        Py_DECREF(memory->shapes[n]->group);
        Py_DECREF(memory->shapes[n]->tax);
        Py_DECREF(memory->shapes[n]->buckets);
        PyMem_Free(memory->shapes[n]);
    }
    PyMem_Free(memory->shapes);
    for (int n = 0; n < memory->moments_count; n++) {
        for (size_t slot = 0; slot <= memory->moments[n].mask; slot++)
            if (memory->moments[n].cells[slot].place)
                forget(&memory->moments[n].cells[slot]);
        free(memory->moments[n].cells);
    }
    forget(&memory->passing);
    PyMem_Free(memory->moments);
    PyMem_Free(memory->of_quarter);
    Py_XDECREF(memory->facts);
    Py_XDECREF(memory->index);
    Py_XDECREF(memory->resolved);
    Py_XDECREF(memory->choice);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *
memory_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    PyObject *quarters, *index, *facts, *resolved, *choice, *laid_out, *is_moved;
    int number;
    if (!PyArg_ParseTuple(arguments, "O!OiO!O!O!OO", &PyDict_Type, &quarters, &index, &number, &PyTuple_Type, &facts,
                          &PyType_Type, &resolved, &PyType_Type, &choice, &laid_out, &is_moved))
        return NULL;
    if ((index != Py_None && Py_TYPE(index) != index_type()) || PyTuple_GET_SIZE(facts) != 4) {
        PyErr_SetString(PyExc_TypeError, "an index or None, and four facts");
        return NULL;
    }
    Memory *memory = (Memory *)type->tp_alloc(type, 0);
    if (memory == NULL)
        return NULL;
    memory->quarters = Py_NewRef(quarters);
    memory->index = Py_NewRef(index);
    memory->number = number;
    memory->facts = Py_NewRef(facts);
    memory->resolved = Py_NewRef(resolved);
    memory->choice = Py_NewRef(choice);
    memory->laid_out = Py_NewRef(laid_out);
    memory->is_moved = Py_NewRef(is_moved);
    return (PyObject *)memory;
}

static PyTypeObject type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "bmu.rating._batch.Memory",
    .tp_doc = "Rates by moment and location, laid side by side.",
    .tp_basicsize = sizeof(Memory),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = memory_new,
    .tp_dealloc = memory_dealloc,
    .tp_traverse = memory_traverse,
    .tp_clear = memory_clear,
};

PyTypeObject *
memory_type(void)
{
    return PyType_Ready(&type) < 0 ? NULL : &type;
}
