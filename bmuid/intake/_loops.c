/*
 * bmuid.intake._loops: the loops of loops.py, in a tenth of the time. Whatever is odd is left to the functions
 * they are given, as there; nothing needs this, and tests/store/test_loops.py holds it to the plain forms.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

typedef long long i64;

#define US_A_DAY 86400000000LL
#define LINE_OCTETS_MAX (1 << 16)
#define LOOK_CLOSER (-1)
#define ASKED (-2) /* in place of a part that is being asked for */
#define NOT_TOLD UINT32_MAX
#define KNOWN_MAX 500000
#define SLOTS_FIRST 1024
#define TEXT_MAX 43
#define KEY_OCTETS 16
#define DAYS_SEEN 64
/* How many objects are fetched from memory before the first of them is looked at. */
#define AHEAD 16

static PyTypeObject *udr_type, *owner_type, *rated_type;
/* Where things stand in these tuples. */
static Py_ssize_t udr_began, udr_key, owner_from, owner_to, owner_account, owner_service;

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

/* Have an element of a list fetched that will be looked at soon. */
static void
ahead(PyObject *list, Py_ssize_t place)
{
    if (place + AHEAD < PyList_GET_SIZE(list)) {
        char *object = (char *)PyList_GET_ITEM(list, place + AHEAD);
        __builtin_prefetch(object);
        __builtin_prefetch(object + 64);
    }
}

/* The same for what an owner holds, which must have come itself. */
static void
held_ahead(PyObject *owners, Py_ssize_t place, Py_ssize_t item)
{
    if (place + AHEAD / 2 < PyList_GET_SIZE(owners)) {
        PyObject *owner = PyList_GET_ITEM(owners, place + AHEAD / 2);
        if (PyObject_TypeCheck(owner, owner_type))
            __builtin_prefetch(PyTuple_GET_ITEM(owner, item));
    }
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
        ahead(list, n);
        if (!PyObject_TypeCheck(PyList_GET_ITEM(list, n), type)) {
            PyErr_Format(PyExc_TypeError, "not a %s", type->tp_name);
            return 0;
        }
    }
    return 1;
}

/* One text with its home: a line of the processor's cache, so that all of a lookup is one access to memory. */
typedef struct {
    PyObject *owner; /* owned; NULL: the slot is free */
    uint64_t hash;
    int part;
    unsigned char length;
    char octets[TEXT_MAX];
} Slot;

typedef struct {
    PyObject_HEAD
    Slot *slots;
    size_t size, used; /* size: a power of two */
} Known;

/* What a line's identifier is made of. */
typedef struct {
    const char *at; /* NULL: it is not told */
    size_t length;
    uint64_t hash;
} Text;

/* Another one in each process, so that nobody who writes lines can have all of them meet in one place. */
static uint64_t seed;

static uint64_t
mixed(uint64_t one, uint64_t other)
{
    unsigned __int128 product = (unsigned __int128)one * other;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t
eight(const char *at)
{
    uint64_t found;
    memcpy(&found, at, 8);
    return found;
}

static uint64_t
hash_of(const char *at, size_t length)
{
    uint64_t hash = seed ^ length, tail = 0;
    for (; length >= 8; at += 8, length -= 8)
        hash = mixed(hash ^ eight(at), seed | 1);
    memcpy(&tail, at, length);
    return mixed(hash ^ tail, 0x9E3779B97F4A7C15u);
}

static Slot *
slot_of(Slot *slots, size_t size, const Text *text)
{
    size_t place = text->hash & (size - 1);
    for (;; place = (place + 1) & (size - 1)) {
        Slot *slot = &slots[place];
        if (slot->owner == NULL
            || (slot->hash == text->hash && slot->length == text->length
                && memcmp(slot->octets, text->at, text->length) == 0))
            return slot;
    }
}

static Slot *
slots_of(size_t size)
{
    Slot *slots = size ? aligned_alloc(sizeof(Slot), size * sizeof(Slot)) : NULL;
    if (slots == NULL)
        PyErr_NoMemory();
    else
        memset(slots, 0, size * sizeof(Slot));
    return slots;
}

static void
forget(Known *known)
{
    for (size_t n = 0; n < known->size; n++)
        Py_CLEAR(known->slots[n].owner);
    known->used = 0;
}

/* Twice the room. */
static int
grow(Known *known)
{
    size_t size = known->size * 2;
    Slot *slots = slots_of(size);
    if (slots == NULL)
        return 0;
    for (size_t n = 0; n < known->size; n++) {
        Slot *slot = &known->slots[n];
        size_t place = slot->hash & (size - 1);
        if (slot->owner == NULL)
            continue;
        while (slots[place].owner != NULL)
            place = (place + 1) & (size - 1);
        slots[place] = *slot;
    }
    free(known->slots);
    known->slots = slots;
    known->size = size;
    return 1;
}

/* mediator.MARK; all are counted from the first of the octets. */
typedef struct {
    uint32_t line, end, text, text_end;
} Mark;

/* A glance under way; asked: the texts that homes are asked for, those that are not kept at the end, from odd on. */
typedef struct {
    Py_buffer octets, marks;
    PyObject *homes_of, *mine, *line_nos, *owners, *closer, *cut, *asked, *not_kept, *homes, *empty;
    Py_ssize_t count, odd;
    Text *texts;
    i64 first_line;
    int part;
} Glance;

static Mark
mark_at(const Glance *all, Py_ssize_t n)
{
    Mark mark;
    memcpy(&mark, (const char *)all->marks.buf + n * (Py_ssize_t)sizeof mark, sizeof mark);
    return mark;
}

static int
is_kept(const Text *text)
{
    return text->length <= TEXT_MAX;
}

/* See that all marks are within the octets, hash the texts, and have fetched where they lead to. */
static int
read_marks(const Known *known, Glance *all)
{
    for (Py_ssize_t n = 0; n < all->count; n++) {
        Mark mark = mark_at(all, n);
        Text *text = &all->texts[n];
        int told = mark.text != NOT_TOLD;
        if (mark.line > mark.end || mark.end > all->octets.len
            || (told && (mark.text > mark.text_end || mark.text_end > all->octets.len))) {
            PyErr_SetString(PyExc_ValueError, "marks beyond the octets");
            return 0;
        }
        *text = (Text){told ? (const char *)all->octets.buf + mark.text : NULL, told ? mark.text_end - mark.text : 0, 0};
        if (told && is_kept(text)) {
            text->hash = hash_of(text->at, text->length);
            __builtin_prefetch(&known->slots[text->hash & (known->size - 1)]);
        }
    }
    return 1;
}

static int
append_new(PyObject *list, PyObject *item)
{
    int failed = item == NULL || PyList_Append(list, item) < 0;
    Py_XDECREF(item);
    return !failed;
}

/* Make room for a text, and remember that it is asked for, unless its home is known. */
static int
ask(Known *known, Glance *all, const Text *text)
{
    if (!is_kept(text))
        return append_new(all->not_kept, PyBytes_FromStringAndSize(text->at, text->length));
    Slot *slot = slot_of(known->slots, known->size, text);
    if (slot->owner == NULL) {
        if (known->used * 3 >= known->size * 2) {
            if (!grow(known))
                return 0;
            slot = slot_of(known->slots, known->size, text);
        }
        *slot = (Slot){Py_NewRef(Py_None), text->hash, all->part, (unsigned char)text->length, {0}};
        memcpy(slot->octets, text->at, text->length);
        known->used++;
    } else if (slot->part != all->part || slot->owner != Py_None) {
        return 1;
    }
    slot->part = ASKED;
    return append_new(all->asked, PyBytes_FromStringAndSize(text->at, text->length));
}

/* A home as it was told; 0 with an exception. The owner is borrowed. */
static int
told(const Glance *all, Py_ssize_t n, int *part, PyObject **owner)
{
    PyObject *home = PyList_GET_ITEM(all->homes, n);
    if (PyTuple_Check(home) && PyArg_ParseTuple(home, "iO", part, owner))
        return 1;
    if (!PyErr_Occurred())
        PyErr_SetString(PyExc_TypeError, "a home is a part and an owner");
    return 0;
}

/* Ask for the homes of all texts that are not known. */
static int
ask_all(Known *known, Glance *all)
{
    for (Py_ssize_t n = 0; n < all->count; n++)
        if (all->texts[n].at != NULL && !ask(known, all, &all->texts[n]))
            return 0;
    all->odd = PyList_GET_SIZE(all->asked);
    if (PyList_SetSlice(all->asked, all->odd, all->odd, all->not_kept) < 0)
        return 0;
    if (PyList_GET_SIZE(all->asked) == 0)
        return 1;
    all->homes = PyObject_CallOneArg(all->homes_of, all->asked);
    if (all->homes == NULL)
        return 0;
    if (!PyList_Check(all->homes) || !as_many(all->homes, all->asked)) {
        PyErr_SetString(PyExc_TypeError, "as many homes as texts");
        return 0;
    }
    for (Py_ssize_t n = 0; n < all->odd; n++) {
        PyObject *octets = PyList_GET_ITEM(all->asked, n), *owner;
        Text text = {PyBytes_AS_STRING(octets), PyBytes_GET_SIZE(octets), 0};
        int part;
        if (!told(all, n, &part, &owner))
            return 0;
        text.hash = hash_of(text.at, text.length);
        Slot *slot = slot_of(known->slots, known->size, &text);
        slot->part = part;
        Py_SETREF(slot->owner, Py_NewRef(owner));
    }
    return 1;
}

/* The line at a place, empty where it is cut. */
static int
take_line(Glance *all, Py_ssize_t place, PyObject *line_no)
{
    Mark mark = mark_at(all, place);
    PyObject *line = PyBytes_FromStringAndSize((const char *)all->octets.buf + mark.line, mark.end - mark.line);
    if (line != NULL && mark.end - mark.line > LINE_OCTETS_MAX) {
        int failed = PyDict_SetItem(all->cut, line_no, line) < 0;
        Py_SETREF(line, failed ? NULL : Py_NewRef(all->empty));
    }
    return append_new(all->mine, line);
}

static int
glance_at(Known *known, Glance *all, Py_ssize_t place, Py_ssize_t *odd)
{
    const Text *text = &all->texts[place];
    PyObject *owner = Py_None;
    int part = LOOK_CLOSER;
    if (text->at != NULL && is_kept(text)) {
        Slot *slot = slot_of(known->slots, known->size, text);
        part = slot->part;
        owner = slot->owner;
    } else if (text->at != NULL && !told(all, (*odd)++, &part, &owner)) {
        return 0;
    }
    if (part != all->part && part != LOOK_CLOSER)
        return 1;
    PyObject *line_no = PyLong_FromLongLong(all->first_line + place);
    int good = line_no != NULL && take_line(all, place, line_no) && PyList_Append(all->line_nos, line_no) == 0
        && PyList_Append(all->owners, owner) == 0
        && (part != LOOK_CLOSER || PyList_Append(all->closer, line_no) == 0);
    Py_XDECREF(line_no);
    return good;
}

static int
glance_all(Known *known, Glance *all)
{
    if (known->used > KNOWN_MAX)
        forget(known);
    if (!read_marks(known, all))
        return 0;
    if (!ask_all(known, all)) {
        /* What was asked for has no answer. */
        forget(known);
        return 0;
    }
    Py_ssize_t odd = all->odd;
    for (Py_ssize_t n = 0; n < all->count; n++) {
        if (n + AHEAD < all->count && all->texts[n + AHEAD].at != NULL) {
            const Slot *slot = &known->slots[all->texts[n + AHEAD].hash & (known->size - 1)];
            if (slot->part == all->part)
                __builtin_prefetch(slot->owner);
        }
        if (!glance_at(known, all, n, &odd))
            return 0;
    }
    return 1;
}

static PyObject *
known_glance(Known *known, PyObject *arguments)
{
    Glance all = {.homes = NULL};
    if (!PyArg_ParseTuple(arguments, "y*y*LOi", &all.octets, &all.marks, &all.first_line, &all.homes_of, &all.part))
        return NULL;
    PyObject **lists[] = {&all.mine, &all.line_nos, &all.owners, &all.closer, &all.asked, &all.not_kept};
    all.count = all.marks.len / (Py_ssize_t)sizeof(Mark);
    all.texts = PyMem_New(Text, all.count);
    all.empty = PyBytes_FromStringAndSize(NULL, 0);
    all.cut = PyDict_New();
    int good = all.texts != NULL && all.empty != NULL && all.cut != NULL;
    for (size_t n = 0; good && n < sizeof lists / sizeof *lists; n++)
        good = (*lists[n] = PyList_New(0)) != NULL;
    PyObject *found = NULL;
    if (good && glance_all(known, &all))
        found = PyTuple_Pack(5, all.mine, all.line_nos, all.owners, all.closer, all.cut);
    else if (all.texts == NULL)
        PyErr_NoMemory();
    for (size_t n = 0; n < sizeof lists / sizeof *lists; n++)
        Py_XDECREF(*lists[n]);
    Py_XDECREF(all.cut);
    Py_XDECREF(all.empty);
    Py_XDECREF(all.homes);
    PyMem_Free(all.texts);
    PyBuffer_Release(&all.octets);
    PyBuffer_Release(&all.marks);
    return found;
}

static PyObject *
known_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    Known *known = (Known *)type->tp_alloc(type, 0);
    if (known != NULL && (known->slots = slots_of(SLOTS_FIRST)) == NULL)
        Py_CLEAR(known);
    if (known != NULL)
        known->size = SLOTS_FIRST;
    return (PyObject *)known;
}

static void
known_dealloc(Known *known)
{
    forget(known);
    free(known->slots);
    Py_TYPE(known)->tp_free(known);
}

static PyMethodDef known_methods[] = {
    {"glance", (PyCFunction)known_glance, METH_VARARGS, "Do as loops.Known.glance does, of lines where they stand."},
    {NULL},
};

static PyTypeObject known_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "bmuid.intake._loops.Marked",
    .tp_basicsize = sizeof(Known),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "Do as loops.Known does.",
    .tp_new = known_new,
    .tp_dealloc = (destructor)known_dealloc,
    .tp_methods = known_methods,
};

/* Whether an event began in a window and in its owner's time; 0 also when it is odd. */
static int
is_in_time(PyObject *udr, PyObject *owner, i64 oldest, i64 newest)
{
    i64 began, from, to;
    int much, early, late;
    began = PyLong_AsLongLongAndOverflow(PyTuple_GET_ITEM(udr, udr_began), &much);
    from = PyLong_AsLongLongAndOverflow(PyTuple_GET_ITEM(owner, owner_from), &early);
    to = PyLong_AsLongLongAndOverflow(PyTuple_GET_ITEM(owner, owner_to), &late);
    return !much && !early && !late && from <= began && began < to && oldest <= began && began <= newest;
}

static PyObject *
own(PyObject *module, PyObject *arguments)
{
    PyObject *taken, *owners, *owner_of;
    i64 oldest, newest;
    if (!PyArg_ParseTuple(arguments, "O!O!(LL)O", &PyList_Type, &taken, &PyList_Type, &owners, &oldest, &newest,
                          &owner_of)
        || !as_many(taken, owners))
        return NULL;
    PyObject *udrs = PyList_New(0), *found = PyList_New(0), *rejects = PyList_New(0);
    int good = udrs && found && rejects;
    for (Py_ssize_t n = 0; good && n < PyList_GET_SIZE(taken); n++) {
        ahead(owners, n);
        PyObject *udr = PyList_GET_ITEM(taken, n), *owner = PyList_GET_ITEM(owners, n);
        if (!PyObject_TypeCheck(udr, udr_type)) {
            good = PyList_Append(rejects, udr) == 0;
            continue;
        }
        if (PyObject_TypeCheck(owner, owner_type) && is_in_time(udr, owner, oldest, newest))
            Py_INCREF(owner);
        else
            owner = PyErr_Occurred() ? NULL : PyObject_CallOneArg(owner_of, udr);
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
    if (!PyTuple_Check(month) || PyTuple_GET_SIZE(month) != 2) {
        PyErr_SetString(PyExc_TypeError, "not a month");
        return -1;
    }
    if (!number(PyTuple_GET_ITEM(month, 0), &from) || !number(PyTuple_GET_ITEM(month, 1), &to))
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
        ahead(owners, n);
        held_ahead(owners, n, owner_service);
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
    Py_ssize_t count = PyList_GET_SIZE(list);
    for (Py_ssize_t n = 0; found != NULL && n < count; n++) {
        if (n + AHEAD < count)
            __builtin_prefetch(PyList_GET_ITEM(list, order[n + AHEAD].place));
        PyList_SET_ITEM(found, n, Py_NewRef(PyList_GET_ITEM(list, order[n].place)));
    }
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
        held_ahead(owners, n, owner_account);
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

/* An event key as a number of its first octets, which nearly always tell it from all others. */
typedef struct {
    uint64_t head;
    Py_ssize_t place;
} Key;

static PyObject *sorted_keys; /* those under comparison; qsort hands nothing on, and the interpreter's lock is held */

static int
compared(PyObject *udrs, Py_ssize_t one, Py_ssize_t other)
{
    PyObject *these = PyTuple_GET_ITEM(PyList_GET_ITEM(udrs, one), udr_key);
    PyObject *those = PyTuple_GET_ITEM(PyList_GET_ITEM(udrs, other), udr_key);
    return memcmp(PyBytes_AS_STRING(these), PyBytes_AS_STRING(those), KEY_OCTETS);
}

static int
compare_keys(const void *one, const void *other)
{
    const Key *a = one, *b = other;
    if (a->head != b->head)
        return a->head < b->head ? -1 : 1;
    int found = compared(sorted_keys, a->place, b->place);
    return found ? found : (a->place > b->place) - (a->place < b->place);
}

/* The keys of all, in their order; 0 with an exception. */
static int
read_keys(PyObject *udrs, Key *keys)
{
    for (Py_ssize_t n = 0; n < PyList_GET_SIZE(udrs); n++) {
        PyObject *octets = PyTuple_GET_ITEM(PyList_GET_ITEM(udrs, n), udr_key);
        if (!PyBytes_Check(octets) || PyBytes_GET_SIZE(octets) != KEY_OCTETS) {
            PyErr_SetString(PyExc_ValueError, "no event key");
            return 0;
        }
        keys[n] = (Key){0, n};
        for (int octet = 0; octet < 8; octet++)
            keys[n].head = keys[n].head << 8 | (unsigned char)PyBytes_AS_STRING(octets)[octet];
    }
    return 1;
}

static PyObject *
by_key(PyObject *module, PyObject *udrs)
{
    if (!PyList_Check(udrs)) {
        PyErr_SetString(PyExc_TypeError, "not a list");
        return NULL;
    }
    if (!all_are(udrs, udr_type))
        return NULL;
    Py_ssize_t count = PyList_GET_SIZE(udrs);
    Key *keys = PyMem_New(Key, count);
    if (keys == NULL)
        return PyErr_NoMemory();
    PyObject *ordered = NULL;
    if (read_keys(udrs, keys)) {
        sorted_keys = udrs;
        qsort(keys, count, sizeof(Key), compare_keys);
        ordered = PyList_New(count);
    }
    int repeated = 0;
    for (Py_ssize_t n = 0; ordered != NULL && n < count; n++) {
        PyList_SET_ITEM(ordered, n, Py_NewRef(PyList_GET_ITEM(udrs, keys[n].place)));
        repeated |= n > 0 && keys[n].head == keys[n - 1].head && compared(udrs, keys[n].place, keys[n - 1].place) == 0;
    }
    PyMem_Free(keys);
    return ordered ? Py_BuildValue("NO", ordered, repeated ? Py_True : Py_False) : NULL;
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
    /* Events of a block are of few days. */
    struct { i64 day; PyObject *lists; } seen[DAYS_SEEN] = {{0, NULL}}, *at;
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
        if (!number(PyTuple_GET_ITEM(udr, udr_began), &began)) {
            good = 0;
            break;
        }
        i64 day = day_of(began);
        at = &seen[(uint64_t)day % DAYS_SEEN];
        if (at->lists == NULL || at->day != day) {
            at->lists = of_day(days, day);
            at->day = day;
        }
        good = at->lists != NULL && PyList_Append(PyTuple_GET_ITEM(at->lists, 1), udr) == 0
            && PyList_Append(PyTuple_GET_ITEM(at->lists, 2), PyList_GET_ITEM(owners, n)) == 0
            && PyList_Append(PyTuple_GET_ITEM(at->lists, 3), outcome) == 0;
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
    {"own", own, METH_VARARGS, "Do as loops.own_plainly does."},
    {"survey", survey, METH_VARARGS, "Do as loops.survey_plainly does."},
    {"by_account", by_account, METH_VARARGS, "Do as loops.by_account_plainly does."},
    {"by_key", by_key, METH_O, "Do as loops.by_key_plainly does."},
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
    if (rated_type == NULL || (udr_began = at(udr_type, "started_us")) < 0
        || (udr_key = at(udr_type, "event_key")) < 0
        || (owner_from = at(owner_type, "from_us")) < 0 || (owner_to = at(owner_type, "to_us")) < 0
        || (owner_account = at(owner_type, "account_id")) < 0
        || (owner_service = at(owner_type, "account_service_id")) < 0)
        return NULL;
    PyObject *any = PyUnicode_FromString("bmuid");
    if (any == NULL)
        return NULL;
    seed = mixed((uint64_t)PyObject_Hash(any), 0xD6E8FEB86659FD93u);
    Py_DECREF(any);
    PyObject *made = PyType_Ready(&known_type) == 0 ? PyModule_Create(&module) : NULL;
    if (made != NULL && PyModule_AddObjectRef(made, "Marked", (PyObject *)&known_type) < 0)
        Py_CLEAR(made);
    return made;
}
