/* What the fields of a line say, as sieve.py, number.py, clock.py and Mediator read them; the odd is left to them. */
#include "_batch.h"

static int
begins(Octets text, Octets with)
{
    return text.length >= with.length && !memcmp(text.at, with.at, with.length);
}

/* Digits as a number; -1 when there are none, too many or others. */
static i64
digits_of(const char *at, Py_ssize_t length, Py_ssize_t digits_max)
{
    i64 value = 0;
    if (length < 1 || length > digits_max)
        return -1;
    for (Py_ssize_t n = 0; n < length; n++) {
        if (at[n] < '0' || at[n] > '9')
            return -1;
        value = value * 10 + (at[n] - '0');
    }
    return value;
}

/* Whole and decimal digits (0 of them: no point either); 0 when there is anything else. */
static int
decimal_of(Octets text, Py_ssize_t whole_max, i64 *whole, Octets *decimals)
{
    const char *point = memchr(text.at, '.', text.length);
    Py_ssize_t before = point == NULL ? text.length : point - text.at;
    decimals->length = point == NULL ? 0 : text.length - before - 1;
    decimals->at = point == NULL ? text.at : point + 1;
    *whole = digits_of(text.at, before, whole_max);
    return *whole >= 0 && (point == NULL || digits_of(decimals->at, decimals->length, 9) >= 0);
}

/* Whether a condition that compares texts holds; -1 when that can't be told of plain texts. */
static int
is_met(const Batch *batch, PyObject *condition)
{
    PyObject *texts = PyTuple_GET_ITEM(condition, 2);
    Octets text;
    if (!text_of(batch, place_in(condition, 0), &text))
        return -1;
    int one_of = 0;
    for (Py_ssize_t t = 0; !one_of && t < PyTuple_GET_SIZE(texts); t++) {
        PyObject *each_text = PyTuple_GET_ITEM(texts, t);
        one_of = PyBytes_GET_SIZE(each_text) == text.length
                 && !memcmp(PyBytes_AS_STRING(each_text), text.at, text.length);
    }
    return one_of == (PyTuple_GET_ITEM(condition, 1) == Py_True);
}

static int
are_met(const Batch *batch, PyObject *conditions)
{
    int met = 1;
    for (Py_ssize_t c = 0; met == 1 && c < PyTuple_GET_SIZE(conditions); c++)
        met = is_met(batch, PyTuple_GET_ITEM(conditions, c));
    return met;
}

/* No filter drops the record: of each, some condition that compares texts does not hold. */
static int
passes_filters(const Batch *batch)
{
    PyObject *filters = batch->plan->filters;
    for (Py_ssize_t n = 0; n < PyTuple_GET_SIZE(filters); n++)
        if (are_met(batch, PyTuple_GET_ITEM(filters, n)))
            return 0;
    return 1;
}

int
choose_plan(Batch *batch)
{
    for (int n = 1; n < batch->plans_count; n++) {
        int met = are_met(batch, batch->plans[n].only);
        if (met < 0)
            return 0;
        if (met) {
            batch->plan = &batch->plans[n];
            return 1;
        }
    }
    batch->plan = &batch->plans[0];
    return 1;
}

static void
put(Text *into, Octets text)
{
    memcpy(into->octets + into->length, text.at, text.length);
    into->length += text.length;
}

/* Whether a routing prefix may stand before a called number: what becomes of it is looked at slowly. */
static int
is_routed(const Plan *plan, Octets text)
{
    for (Py_ssize_t n = 0; n < PyTuple_GET_SIZE(plan->routing); n++) {
        PyObject *prefix = PyTuple_GET_ITEM(plan->routing, n);
        const char *each = PyBytes_AS_STRING(prefix);
        Py_ssize_t length = PyBytes_GET_SIZE(prefix), at = 0;
        while (at < length && at < text.length && (each[at] == 'x' ? text.at[at] != '+' : each[at] == text.at[at]))
            at++;
        if (at == length)
            return 1;
    }
    return 0;
}

/* Numbers.read, or Numbers.read_called, of digits, with a plus or without. */
static int
read_number(const Plan *plan, Octets text, int called, Text *into)
{
    int plus = text.length > 0 && text.at[0] == '+';
    Octets rest = {text.at + plus, text.length - plus};
    into->length = 0;
    /* number.NATIONAL */
    static const char NATIONAL[] = ";national";
    Py_ssize_t behind = (Py_ssize_t)sizeof NATIONAL - 1, before = text.length - behind;
    int national = before > 0 && !plus && !memcmp(text.at + before, NATIONAL, behind);
    if (national)
        rest.length -= behind;
    if (rest.length < 1 || rest.length > CHARACTERS_MAX)
        return 0;
    for (Py_ssize_t n = 0; n < rest.length; n++)
        if (rest.at[n] < '0' || rest.at[n] > '9')
            return 0;
    if (called && is_routed(plan, text))
        return 0;
    if (national) {
        put(into, plan->country);
    } else if (!plus && rest.length >= plan->international_min && begins(rest, plan->international)) {
        rest.at += plan->international.length;
        rest.length -= plan->international.length;
    } else if (!plus && rest.length >= plan->trunk_min && begins(rest, plan->trunk)) {
        rest.at += plan->trunk.length;
        rest.length -= plan->trunk.length;
        put(into, plan->country);
    }
    put(into, rest);
    if (called && into->length <= SHORT_DIGITS_MAX && into->length == text.length
        && !memcmp(into->octets, text.at, text.length)) {
        into->length = 0;
        put(into, plan->country);
        put(into, text);
    }
    return 1;
}

static int
as_it_stands(Octets text, Text *into)
{
    into->length = 0;
    if (text.length > CHARACTERS_MAX)
        return 0;
    for (Py_ssize_t n = 0; n < text.length; n++)
        if (text.at[n] < ' ' || text.at[n] > '~')
            return 0;
    put(into, text);
    return 1;
}

int
read_uid(const Plan *plan, Octets text, Text *into)
{
    int is_number = PyTuple_GET_ITEM(PyTuple_GET_ITEM(plan->uids, 0), 2) == Py_True;
    return text.length && (is_number ? read_number(plan, text, 0, into) : as_it_stands(text, into));
}

PyObject *
own_fields(const Batch *batch)
{
    PyObject *extras = batch->plan->extras, *found = NULL;
    for (Py_ssize_t n = 0; n < PyTuple_GET_SIZE(extras); n++) {
        PyObject *extra = PyTuple_GET_ITEM(extras, n);
        Octets text;
        int plain = text_of(batch, place_in(extra, 1), &text) && text.length <= EXTRA_MAX;
        for (Py_ssize_t at = 0; plain && at < text.length; at++)
            plain = text.at[at] >= ' ' && text.at[at] <= '~';
        if (plain && !text.length)
            continue;
        if (plain && found == NULL)
            found = PyDict_New();
        PyObject *value = plain && found != NULL ? PyUnicode_DecodeASCII(text.at, text.length, NULL) : NULL;
        if (value == NULL || PyDict_SetItem(found, PyTuple_GET_ITEM(extra, 0), value) < 0) {
            Py_XDECREF(value);
            Py_XDECREF(found);
            return NULL;
        }
        Py_DECREF(value);
    }
    return found != NULL ? found : Py_NewRef(Py_None);
}

static int
read_numbers(const Batch *batch, Found *found)
{
    const Plan *plan = batch->plan;
    Octets text = {NULL, 0};
    Py_ssize_t place = -1;
    PyObject *uid = NULL;
    for (Py_ssize_t n = 0; !text.length && n < PyTuple_GET_SIZE(plan->uids); n++) {
        uid = PyTuple_GET_ITEM(plan->uids, n);
        place = place_in(uid, 1);
        if (!text_of(batch, place, &text))
            return 0;
    }
    if (!text.length)
        return 0;
    found->uid_type = PyTuple_GET_ITEM(uid, 0);
    int is_number = PyTuple_GET_ITEM(uid, 2) == Py_True;
    if (is_number ? !read_number(plan, text, 0, &found->uid) : !as_it_stands(text, &found->uid))
        return 0;
    found->origin_is_uid = is_number && place == plan->origin;
    found->origin.length = 0;
    if (!found->origin_is_uid
        && (!text_of(batch, plan->origin, &text) || (text.length && !read_number(plan, text, 0, &found->origin))))
        return 0;
    return text_of(batch, plan->destination, &text) && read_number(plan, text, 1, &found->destination);
}

/* Mediator._event_key, but for the hash. */
static int
write_key(const Batch *batch, Found *found)
{
    const Plan *plan = batch->plan;
    PyObject *places = NULL;
    Octets text = {NULL, 0};
    for (Py_ssize_t n = 0; !text.length && n < PyTuple_GET_SIZE(plan->identities); n++) {
        places = PyTuple_GET_ITEM(plan->identities, n);
        if (!text_of(batch, place_in(places, 0), &text))
            return 0;
    }
    Py_ssize_t used = plan->key_prefix.length;
    if (!text.length || used > KEY_MAX)
        return 0;
    memcpy(found->key, plan->key_prefix.at, used);
    for (Py_ssize_t n = 0; n < PyTuple_GET_SIZE(places); n++) {
        if (!text_of(batch, place_in(places, n), &text) || text.length > KEY_MAX)
            return 0;
        char length[8];
        int digits = 0;
        for (Py_ssize_t left = text.length; left || !digits; left /= 10)
            length[digits++] = (char)('0' + left % 10);
        if (used + digits + 1 + text.length > KEY_MAX)
            return 0;
        while (digits)
            found->key[used++] = length[--digits];
        found->key[used++] = ':';
        memcpy(found->key + used, text.at, text.length);
        used += text.length;
    }
    found->key_length = used;
    return 1;
}

/* Where an hour begins, as LocalClock knows it; 0 when it does not, or when clocks are changed in it. */
static int
hour_of(Batch *batch, const char *text, i64 *into)
{
    for (int n = 0; n < HOURS_MAX; n++)
        if (!memcmp(batch->hours[n].text, text, HOUR_LENGTH)) {
            *into = batch->hours[n].start_us;
            return 1;
        }
    PyObject *key = PyUnicode_DecodeASCII(text, HOUR_LENGTH, NULL);
    PyObject *value = key == NULL ? NULL : PyDict_GetItemWithError(batch->plan->hours, key);
    Py_XDECREF(key);
    if (value == NULL || !PyLong_CheckExact(value))
        return 0;
    int overflow;
    i64 start_us = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow || start_us < -INT64_MAX / 2 || start_us > INT64_MAX / 2)
        return 0;
    Hour *hour = &batch->hours[batch->next_hour++ % HOURS_MAX];
    memcpy(hour->text, text, HOUR_LENGTH);
    hour->start_us = *into = start_us;
    return 1;
}

static int
read_local(Batch *batch, Octets text, i64 *into)
{
    if (text.length != TIME_LENGTH || text.at[HOUR_LENGTH + 2] != ':')
        return 0;
    i64 minutes = digits_of(text.at + HOUR_LENGTH, 2, 2), seconds = digits_of(text.at + HOUR_LENGTH + 3, 2, 2);
    if (minutes < 0 || minutes > 59 || seconds < 0 || seconds > 59 || !hour_of(batch, text.at, into))
        return 0;
    *into += (minutes * 60 + seconds) * SECOND_US;
    return 1;
}

static int
read_epoch(Octets text, i64 *into)
{
    Octets decimals;
    if (!decimal_of(text, 11, into, &decimals))
        return 0;
    *into *= SECOND_US;
    i64 worth = SECOND_US;
    for (Py_ssize_t n = 0; n < decimals.length && worth > 1; n++)
        *into += (decimals.at[n] - '0') * (worth /= 10);
    return 1;
}

static int
read_time(Batch *batch, Octets text, i64 *into)
{
    return batch->plan->hours == Py_None ? read_epoch(text, into) : read_local(batch, text, into);
}

static int
read_started(Batch *batch, Found *found)
{
    const Plan *plan = batch->plan;
    Octets text;
    i64 other;
    for (Py_ssize_t n = 0; n < PyTuple_GET_SIZE(plan->times); n++)
        if (!text_of(batch, place_in(plan->times, n), &text) || (text.length && !read_time(batch, text, &other)))
            return 0;
    return text_of(batch, plan->started, &text) && read_time(batch, text, &found->started_us);
}

static int
read_seconds(const Batch *batch, Found *found)
{
    Octets text, decimals;
    if (batch->plan->quantity < 0) {
        found->quantity = 1;
        return 1;
    }
    if (!text_of(batch, batch->plan->quantity, &text)
        || !decimal_of(text, QUANTITY_DIGITS_MAX, &found->quantity, &decimals))
        return 0;
    found->quantity += digits_of(decimals.at, decimals.length, 9) > 0;
    return 1;
}

int
read_fields(Batch *batch, Found *found)
{
    return passes_filters(batch) && read_numbers(batch, found) && write_key(batch, found) && read_started(batch, found)
           && read_seconds(batch, found);
}
