/*
 * What an event costs where more than one plain rate is in play, as whole.py and drawing.py have it; they decide.
 *
 * Left to them: events that are split, prices of periods, amounts that records say, taxes told by an outside
 * service, last tiers that repeat, limits within share plans, and whatever is not rated. Nothing is drawn before all
 * of an event's price is known.
 */
#include "_events.h"

#define OPEN_MAX 16
#define TEXTS_MAX 16
#define QUARTER_US 900000000LL
#define SECOND_US 1000000LL
#define GLANCE_QUARTERS 8
#define ORDER_SIZE 9
#define PPM 1000000

/* How many fields these have. */
enum { COST_SIZE = 3, OVERAGE_SIZE = 5, DETAIL_SIZE = 10, TAXES_SIZE = 5, PART_SIZE = 5 };
enum { DRAWING_SIZE = 4, DRAW_SIZE = 5, ENTERED_SIZE = 3, REACHED_SIZE = 2 };

static PyTypeObject *cost_type, *overage_type, *detail_type, *taxes_type, *part_type;
static PyTypeObject *drawing_type, *draw_type, *entered_type, *reached_type;
static PyObject *recorded, *carried, *joined, *allotment, *cost_field;

/* Fields of an event that conditions ask about; owned. */
typedef struct {
    PyObject *field[TEXTS_MAX], *text[TEXTS_MAX];
    int count;
} Texts;

typedef struct {
    const LaidOffer *offer, *by; /* by: the rate of what the company pays, or NULL */
    i64 rounded, recorded;       /* recorded: -1: the record says no cost */
} Sale;

/* What is beyond a bucket, priced by the plan that it names; overage: owned, NULL: priced as ever. */
typedef struct {
    i64 due;
    PyObject *overage;
} Priced;

/* A bucket that an event may draw from, and what it gives. */
typedef struct {
    PyObject *bucket;
    const LaidTaker *taker;
    i64 order[ORDER_SIZE], balance, taken;
} Open;

/* All of an event on its way. */
typedef struct {
    Batch *batch;
    const Event *event;
    const Way *way;
    const Laid *laid;
    Texts texts;
    Sale sale;
    i64 rated, cost, left, amount, net, tax; /* cost: -1: not known; amount: with taxes where prices hold them */
    Open open[OPEN_MAX];
    int opened, begun; /* how many buckets there are, and how many were come to */
    PyObject *overage_plan;
    Priced priced;
    PyObject *units; /* what plain buckets gave; owned */
} Selling;

static PyObject *
text_of(Texts *texts, PyObject *asked, PyObject *udr)
{
    PyObject *field = PyTuple_GET_ITEM(asked, 0);
    for (int n = 0; n < texts->count; n++)
        if (texts->field[n] == field || PyUnicode_Compare(texts->field[n], field) == 0)
            return Py_NewRef(texts->text[n]);
    PyObject *text = PyObject_CallOneArg(PyTuple_GET_ITEM(asked, 1), udr);
    if (text != NULL && texts->count < TEXTS_MAX) {
        texts->field[texts->count] = field;
        texts->text[texts->count++] = Py_NewRef(text);
    }
    return text;
}

/* group.first_fitting; NULL perhaps with an exception. */
static const LaidOffer *
fitting(const LaidOffer *offers, int count, PyObject *udr, Texts *texts)
{
    for (int n = 0; n < count; n++) {
        int fits = 1;
        for (Py_ssize_t place = 0; fits == 1 && place < PyTuple_GET_SIZE(offers[n].asked); place++) {
            PyObject *asked = PyTuple_GET_ITEM(offers[n].asked, place), *text = text_of(texts, asked, udr);
            PyObject *answer = text ? PyObject_CallOneArg(PyTuple_GET_ITEM(asked, 2), text) : NULL;
            fits = answer ? PyObject_IsTrue(answer) : -1;
            Py_XDECREF(text);
            Py_XDECREF(answer);
        }
        if (fits)
            return fits < 0 ? NULL : &offers[n];
    }
    return NULL;
}

static int
is_marked_up(const LaidOffer *offer)
{
    return offer->prices.kind >= MARKUP && offer->prices.kind <= RATED_MARKUP;
}

/* sale.sale_of; 0 when it has to be looked at slowly, as all below. */
static int
sale_of(const Laid *laid, const LaidOffer *offer, PyObject *udr, Texts *texts, i64 rounded, Sale *into)
{
    *into = (Sale){offer, NULL, rounded, -1};
    if (offer->odd)
        return 0;
    into->by = fitting(offer->costs, offer->costs_count, udr, texts);
    if (into->by == NULL && PyErr_Occurred())
        return 0;
    if (into->by != NULL && into->by->prices.kind > FIXED)
        into->by = NULL;
    if (into->by != NULL || !(is_marked_up(offer) || laid->has_costs))
        return 1;
    PyObject *said = PyObject_CallFunctionObjArgs(recorded, udr, cost_field, NULL);
    int good = said != NULL && (said == Py_None ? !is_marked_up(offer) : number(said, &into->recorded));
    Py_XDECREF(said);
    return good;
}

/* Sale._cost */
static int
cost_of(const Sale *sale, i64 quantity, Exact *into)
{
    *into = (Exact){0, 1};
    if (sale->by != NULL) {
        i64 counted;
        if (!prices_count(&sale->by->prices, quantity, &counted))
            return 0;
        return !counted || prices_event(&sale->by->prices, counted, *into, into);
    }
    if (sale->recorded >= 0)
        *into = (Exact){(i128)sale->recorded * quantity, sale->rounded};
    return 1;
}

/* Sale.price */
static int
price(const Sale *sale, i64 billable, i64 *into)
{
    Exact cost = {0, 1}, amount;
    *into = 0;
    return !billable
        || ((!is_marked_up(sale->offer) || cost_of(sale, billable, &cost))
            && prices_event(&sale->offer->prices, billable, cost, &amount)
            && prices_round(&sale->offer->prices, amount, into));
}

/* sale.cost_of: what all of an event costs the company; -1: that is not known. */
static int
whole_cost(const Sale *sale, i64 quantity, i64 *into)
{
    Exact cost;
    *into = sale->recorded;
    return sale->by == NULL || (cost_of(sale, quantity, &cost) && prices_round(&sale->by->prices, cost, into));
}

static PyObject *
cost_object(const Sale *sale, i64 cost)
{
    if (cost < 0)
        return Py_NewRef(Py_None);
    PyObject *values[] = {
        PyLong_FromLongLong(cost),
        Py_NewRef(sale->by ? sale->by->group_id : Py_None),
        Py_NewRef(sale->by ? sale->by->rate_id : Py_None),
    };
    return batch_tuple(cost_type, values, COST_SIZE);
}

/* Whether nothing changes while an event of a class that is split lasts; Route.is_alike. */
static int
is_alike(const Event *event, i64 location)
{
    i64 length, ended;
    if (__builtin_mul_overflow(event->quantity, SECOND_US, &length)
        || __builtin_add_overflow(event->started, length, &ended) || event->moment < 0)
        return 0;
    i64 first = event->started / QUARTER_US, last = ended ? (ended - 1) / QUARTER_US : -1;
    if (last - first >= GLANCE_QUARTERS)
        return 0;
    for (; last > first; last--)
        if (batch_moment(event->known, last * QUARTER_US, location) != event->moment)
            return 0;
    return 1;
}

/* whole.price_by_plan */
static int
price_by_plan(Selling *on_way, i64 quantity)
{
    const Event *event = on_way->event;
    const Known *known = batch_route(on_way->batch, PyTuple_GET_ITEM(event->owner, OWNER_TERMS),
                                     PyTuple_GET_ITEM(event->udr, UDR_CLASS), on_way->overage_plan);
    int moment = known ? batch_moment(known, event->started, on_way->way->location) : -1;
    const Cell *cell = moment < 0 ? NULL : memory_cell(known->memory, moment, on_way->way->location);
    if (cell == NULL)
        return 0;
    if (cell->shape != NULL) {
        PyObject *values[] = {
            Py_NewRef(PyTuple_GET_ITEM(known->course.facts, FACT_PLAN)), Py_NewRef(cell->shape->group),
            Py_NewRef(cell->rate), Py_NewRef(Py_None), Py_NewRef(Py_None),
        };
        on_way->priced.overage = batch_tuple(overage_type, values, OVERAGE_SIZE);
        return on_way->priced.overage != NULL
            && batch_amount(cell->shape, cell->slope, quantity, &on_way->priced.due);
    }
    const LaidOffer *offer
        = cell->laid ? fitting(cell->laid->offers, cell->laid->offers_count, event->udr, &on_way->texts) : NULL;
    Sale sale;
    i64 cost = -1;
    if (offer == NULL || !sale_of(cell->laid, offer, event->udr, &on_way->texts, on_way->sale.rounded, &sale)
        || (is_marked_up(offer) && !whole_cost(&sale, event->quantity, &cost))
        || !price(&sale, quantity, &on_way->priced.due))
        return 0;
    PyObject *values[] = {
        Py_NewRef(offer->plan_id), Py_NewRef(offer->group_id), Py_NewRef(offer->rate_id), cost_object(&sale, cost),
        Py_NewRef(Py_None),
    };
    on_way->priced.overage = batch_tuple(overage_type, values, OVERAGE_SIZE);
    return on_way->priced.overage != NULL;
}

/* Price what is left of an event. */
static int
price_left(Selling *on_way)
{
    if (on_way->overage_plan != NULL && on_way->left)
        return price_by_plan(on_way, on_way->left);
    on_way->priced.due = on_way->rated;
    return on_way->left == on_way->sale.rounded || price(&on_way->sale, on_way->left, &on_way->priced.due);
}

static const LaidTaker *
taker_of(const Laid *laid, PyObject *code)
{
    if (!PyUnicode_CheckExact(code) || !PyUnicode_IS_COMPACT_ASCII(code))
        return NULL;
    for (int n = 0; n < laid->takers_count; n++)
        if (laid->takers[n].length == PyUnicode_GET_LENGTH(code)
            && memcmp(laid->takers[n].code, PyUnicode_1BYTE_DATA(code), (size_t)laid->takers[n].length) == 0)
            return &laid->takers[n];
    return NULL;
}

/* Where a bucket comes in the order of drawing; drawing.order_of. */
static int
order(const Shelves *shelves, Open *open)
{
    PyObject *part = *shelf_slot(shelves, open->bucket, BUCKET_PART);
    i64 *at = open->order;
    at[0] = open->taker->scope;
    at[2] = open->taker->sort;
    at[3] = part == carried ? 0 : part == joined ? 1 : 2;
    at[6] = open->taker->nearness;
    return part != NULL && shelf_number(shelves, open->bucket, BUCKET_RANK, &at[1])
        && shelf_number(shelves, open->bucket, BUCKET_SINCE, &at[4])
        && shelf_number(shelves, open->bucket, BUCKET_TO, &at[5])
        && shelf_number(shelves, open->bucket, BUCKET_FROM, &at[7])
        && shelf_number(shelves, open->bucket, BUCKET_ID, &at[8]);
}

static int
comes_before(const Open *one, const Open *other)
{
    for (int n = 0; n < ORDER_SIZE; n++)
        if (one->order[n] != other->order[n])
            return one->order[n] < other->order[n];
    return 0;
}

/* Whether a bucket is of those that only the plain form draws from. */
static int
is_odd(const Selling *on_way, PyObject *bucket)
{
    const Shelves *shelves = &on_way->batch->shelves;
    PyObject *tiers = *shelf_slot(shelves, bucket, BUCKET_TIERS), *repeats = *shelf_slot(shelves, bucket, BUCKET_REPEAT);
    i64 share;
    if (tiers == NULL || !PyTuple_Check(tiers) || (repeats != Py_False && PyTuple_GET_SIZE(tiers))
        || !shelf_number(shelves, bucket, BUCKET_SHARE, &share))
        return 1;
    return share && PyDict_GET_SIZE(on_way->batch->limits)
        && PyDict_Contains(on_way->batch->limits, PyTuple_GET_ITEM(on_way->event->owner, OWNER_SERVICE));
}

/* drawing._open */
static int
open_buckets(Selling *on_way)
{
    PyObject *buckets = on_way->event->buckets;
    Shelves *shelves = &on_way->batch->shelves;
    if (buckets == NULL)
        return 1;
    if (!PyTuple_CheckExact(buckets) || PyTuple_GET_SIZE(buckets) > OPEN_MAX)
        return 0;
    for (Py_ssize_t n = 0; n < PyTuple_GET_SIZE(buckets); n++) {
        Open found = {.bucket = PyTuple_GET_ITEM(buckets, n)};
        if (!shelf_knows(shelves, found.bucket))
            return 0;
        PyObject *code = *shelf_slot(shelves, found.bucket, BUCKET_CODE);
        if (code == NULL || !PyUnicode_CheckExact(code) || !PyUnicode_IS_COMPACT_ASCII(code))
            return 0;
        if ((found.taker = taker_of(on_way->laid, code)) == NULL)
            continue;
        if (is_odd(on_way, found.bucket) || !order(shelves, &found)
            || !shelf_number(shelves, found.bucket, BUCKET_BALANCE, &found.balance))
            return 0;
        if (on_way->event->started < found.order[7] || on_way->event->started >= found.order[5])
            continue;
        if (found.taker->holds_at != Py_None) {
            PyObject *answer
                = PyObject_CallOneArg(found.taker->holds_at, PyTuple_GET_ITEM(on_way->event->udr, UDR_STARTED));
            int holds = answer ? PyObject_IsTrue(answer) : -1;
            Py_XDECREF(answer);
            if (holds < 0)
                return 0;
            if (!holds)
                continue;
        }
        int at = on_way->opened++;
        for (; at && comes_before(&found, &on_way->open[at - 1]); at--)
            on_way->open[at] = on_way->open[at - 1];
        on_way->open[at] = found;
    }
    return 1;
}

/* drawing.drawing, and the price of what is left */
static int
draw_all(Selling *on_way)
{
    int is_money = 0;
    i64 owed = 0;
    for (; on_way->begun < on_way->opened; on_way->begun++) {
        Open *open = &on_way->open[on_way->begun];
        const LaidTaker *taker = open->taker;
        if (open->balance && (taker->is_money || !is_money)) {
            if (taker->is_money && !is_money) {
                if (!price_left(on_way))
                    return 0;
                is_money = 1;
                owed = on_way->priced.due;
            }
            i64 *wanted = is_money ? &owed : &on_way->left;
            open->taken = open->balance < *wanted ? open->balance : *wanted;
            *wanted -= open->taken;
            if (*wanted == 0) {
                on_way->begun++;
                break;
            }
        }
        if (!is_money && taker->overage_plan != Py_None)
            on_way->overage_plan = taker->overage_plan;
    }
    return is_money || price_left(on_way);
}

/* drawing.entered: tuples are added to *into*, their flat charges to *flat*. */
static PyObject *
entered(const Shelves *shelves, const Open *open, i64 *flat)
{
    PyObject *tiers = *shelf_slot(shelves, open->bucket, BUCKET_TIERS);
    if (!PyTuple_GET_SIZE(tiers))
        return PyTuple_New(0);
    PyObject *list = PyList_New(0);
    i64 granted, start = 0;
    int good = list != NULL && shelf_number(shelves, open->bucket, BUCKET_GRANTED, &granted);
    for (Py_ssize_t n = 0; good && n < PyTuple_GET_SIZE(tiers); n++) {
        PyObject *tier = PyTuple_GET_ITEM(tiers, n), *quantity = PyObject_GetAttrString(tier, "quantity");
        PyObject *charge = PyObject_GetAttrString(tier, "flat_e11");
        i64 units, price;
        good = quantity && charge && number(quantity, &units) && number(charge, &price);
        i64 before = granted - open->balance;
        if (good && before <= start && start < before + open->taken) {
            PyObject *values[] = {PyLong_FromSsize_t(n + 1), PyLong_FromLong(1), Py_NewRef(charge)};
            PyObject *made = batch_tuple(entered_type, values, ENTERED_SIZE);
            good = made && PyList_Append(list, made) == 0 && !__builtin_add_overflow(*flat, price, flat);
            Py_XDECREF(made);
        }
        good = good && !__builtin_add_overflow(start, units, &start);
        Py_XDECREF(quantity);
        Py_XDECREF(charge);
    }
    PyObject *found = good ? PyList_AsTuple(list) : NULL;
    Py_XDECREF(list);
    return found;
}

/* drawing._reached: what a draw reaches is added to a list. */
static int
reach(const Shelves *shelves, const Open *open, PyObject *list)
{
    PyObject *thresholds = open->taker->thresholds, *tiers = *shelf_slot(shelves, open->bucket, BUCKET_TIERS);
    i64 granted, warned, size = 0, per_cent;
    if (!PyTuple_GET_SIZE(thresholds) || *shelf_slot(shelves, open->bucket, BUCKET_PART) != allotment)
        return 1;
    if (!shelf_number(shelves, open->bucket, BUCKET_GRANTED, &granted)
        || !shelf_number(shelves, open->bucket, BUCKET_WARNED, &warned))
        return 0;
    for (Py_ssize_t n = 0; n < PyTuple_GET_SIZE(tiers); n++) {
        PyObject *quantity = PyObject_GetAttrString(PyTuple_GET_ITEM(tiers, n), "quantity");
        i64 units;
        int good = quantity && number(quantity, &units) && !__builtin_add_overflow(size, units, &size);
        Py_XDECREF(quantity);
        if (!good)
            return 0;
    }
    if (!PyTuple_GET_SIZE(tiers))
        size = granted;
    i128 used = ((i128)granted - open->balance + open->taken) * 100;
    for (Py_ssize_t n = 0; size && n < PyTuple_GET_SIZE(thresholds); n++) {
        PyObject *threshold = PyTuple_GET_ITEM(thresholds, n);
        if (!number(threshold, &per_cent))
            return 0;
        if (per_cent <= warned || (i128)per_cent * size > used)
            continue;
        PyObject *values[] = {Py_NewRef(*shelf_slot(shelves, open->bucket, BUCKET_ID)), Py_NewRef(threshold)};
        PyObject *made = batch_tuple(reached_type, values, REACHED_SIZE);
        int good = made && PyList_Append(list, made) == 0;
        Py_XDECREF(made);
        if (!good)
            return 0;
    }
    return 1;
}

/* What buckets gave: a Drawing or None, what was paid and what tiers cost; NULL when it has to be looked at slowly. */
static PyObject *
drawing_of(Selling *on_way, i64 *paid, i64 *flat)
{
    const Shelves *shelves = &on_way->batch->shelves;
    PyObject *draws = PyList_New(0), *reached = PyList_New(0), *units = PyList_New(0), *drawing = NULL;
    int good = draws && reached && units;
    for (int n = 0; good && n < on_way->begun; n++) {
        const Open *open = &on_way->open[n];
        if (!open->taken)
            continue;
        PyObject *id = *shelf_slot(shelves, open->bucket, BUCKET_ID), *taken = PyLong_FromLongLong(open->taken);
        PyObject *values[] = {
            Py_NewRef(id), Py_XNewRef(taken), Py_NewRef(open->taker->kind), PyLong_FromLong(0),
            entered(shelves, open, flat),
        };
        PyObject *made = batch_tuple(draw_type, values, DRAW_SIZE);
        good = made && PyList_Append(draws, made) == 0 && reach(shelves, open, reached);
        if (good && open->taker->is_money) {
            *paid += open->taken;
        } else if (good) {
            PyObject *pair = PyTuple_Pack(2, id, taken);
            good = pair && PyList_Append(units, pair) == 0;
            Py_XDECREF(pair);
        }
        Py_XDECREF(made);
        Py_XDECREF(taken);
    }
    if (good && PyList_GET_SIZE(draws)) {
        PyObject *plan = on_way->left && on_way->overage_plan ? on_way->overage_plan : Py_None;
        PyObject *values[]
            = {PyList_AsTuple(draws), PyLong_FromLongLong(on_way->left), Py_NewRef(plan), PyList_AsTuple(reached)};
        drawing = batch_tuple(drawing_type, values, DRAWING_SIZE);
    } else if (good) {
        drawing = Py_NewRef(Py_None);
    }
    if (drawing != NULL)
        on_way->units = PyList_AsTuple(units);
    Py_XDECREF(draws);
    Py_XDECREF(reached);
    Py_XDECREF(units);
    return drawing;
}

/* drawing.take */
static int
take(const Selling *on_way, PyObject *drawing)
{
    const Shelves *shelves = &on_way->batch->shelves;
    for (int n = 0; n < on_way->begun; n++) {
        const Open *open = &on_way->open[n];
        if (!open->taken)
            continue;
        PyObject *left = PyLong_FromLongLong(open->balance - open->taken);
        if (left == NULL)
            return 0;
        Py_SETREF(*shelf_slot(shelves, open->bucket, BUCKET_BALANCE), left);
        PyObject *reached = PyTuple_GET_ITEM(drawing, 3);
        for (Py_ssize_t m = 0; m < PyTuple_GET_SIZE(reached); m++) {
            PyObject *each = PyTuple_GET_ITEM(reached, m); /* the thresholds of a bucket rise */
            if (PyTuple_GET_ITEM(each, 0) == *shelf_slot(shelves, open->bucket, BUCKET_ID))
                Py_SETREF(*shelf_slot(shelves, open->bucket, BUCKET_WARNED), Py_NewRef(PyTuple_GET_ITEM(each, 1)));
        }
    }
    return 1;
}

/* taxation._running_totals, the net first */
static int
running_totals(const Laid *laid, i64 gross, i64 *totals)
{
    i128 one = 1, multiples[LEVIES_MAX + 1];
    for (int n = 0; n < laid->levies_count; n++)
        if (__builtin_mul_overflow(one, (i128)PPM, &one))
            return 0;
    multiples[0] = one;
    for (int n = 0; n < laid->levies_count; n++) {
        i128 base = laid->levies[n].compound ? multiples[n] : one;
        if (__builtin_mul_overflow(base, (i128)laid->levies[n].ppm, &base)
            || __builtin_add_overflow(multiples[n], base / PPM, &multiples[n + 1]))
            return 0;
    }
    i128 all = multiples[laid->levies_count];
    for (int n = 0; n <= laid->levies_count; n++) {
        i128 part;
        if (__builtin_mul_overflow(multiples[n], (i128)gross, &part))
            return 0;
        totals[n] = (i64)(part / all + (part % all >= all - part % all)); /* half up; no more than the gross */
    }
    return 1;
}

/*
 * taxation.taxes_on: the net and all taxes of what is *due*; with *parts*, what each is. Taxes that prices hold are
 * divided out; who does not owe one of them pays the net and the others on top.
 */
static int
add_taxes(Selling *on_way, PyObject **parts)
{
    const Laid *laid = on_way->laid;
    i64 totals[LEVIES_MAX + 1] = {on_way->amount};
    int divided = laid->inclusive;
    if (laid->inclusive && !running_totals(laid, on_way->amount, totals))
        return 0;
    for (int n = 0; n < laid->levies_count; n++)
        divided = divided && laid->levies[n].certificate == Py_None;
    i64 total = on_way->net = totals[0];
    on_way->tax = 0;
    for (int n = 0; n < laid->levies_count; n++) {
        const LaidLevy *levy = &laid->levies[n];
        i64 base = levy->compound ? total : on_way->net, tax = divided ? totals[n + 1] - totals[n] : 0;
        if ((!divided && levy->certificate == Py_None && !batch_tax(base, levy->ppm, &tax))
            || __builtin_add_overflow(total, tax, &total) || __builtin_add_overflow(on_way->tax, tax, &on_way->tax))
            return 0;
        if (parts != NULL) {
            PyObject *values[] = {
                Py_NewRef(levy->id), PyLong_FromLongLong(base), PyLong_FromLongLong(tax), Py_NewRef(levy->certificate),
                Py_NewRef(Py_None),
            };
            if ((parts[n] = batch_tuple(part_type, values, PART_SIZE)) == NULL)
                return 0;
        }
    }
    return 1;
}

static PyObject *
taxes_object(Selling *on_way)
{
    const Laid *laid = on_way->laid;
    PyObject *parts[LEVIES_MAX] = {NULL}, *all = NULL;
    if (laid->one_tax)
        return Py_NewRef(Py_None);
    if (add_taxes(on_way, parts) && (all = PyTuple_New(laid->levies_count)) != NULL) {
        for (int n = 0; n < laid->levies_count; n++)
            PyTuple_SET_ITEM(all, n, Py_NewRef(parts[n]));
        PyObject *values[] = {
            PyLong_FromLongLong(on_way->net), all, Py_NewRef(laid->tax_code_id), PyBool_FromLong(laid->inclusive),
            Py_NewRef(Py_None),
        };
        all = batch_tuple(taxes_type, values, TAXES_SIZE);
    }
    for (int n = 0; n < laid->levies_count; n++)
        Py_XDECREF(parts[n]);
    return all;
}

/* whole._detail; takes over *drawing*. */
static PyObject *
detail_of(Selling *on_way, PyObject *drawing)
{
    PyObject *cost = cost_object(&on_way->sale, on_way->cost), *taxes = taxes_object(on_way);
    PyObject *overage = on_way->priced.overage ? on_way->priced.overage : Py_None, *none = Py_None;
    PyObject *fallback = on_way->sale.offer->fallback_from;
    if (cost == none && taxes == none && overage == none && drawing == none && fallback == none) {
        Py_DECREF(cost);
        Py_DECREF(taxes);
        return drawing; /* None */
    }
    PyObject *values[] = {
        Py_NewRef(none), Py_NewRef(fallback), Py_NewRef(none), Py_NewRef(none), cost, PyTuple_New(0), Py_NewRef(overage),
        drawing, taxes, PyTuple_New(0),
    };
    return batch_tuple(detail_type, values, DETAIL_SIZE);
}

/* Draw from plain buckets: bucket.draw, once it is clear what is left then, and what that costs. */
static int
cover_plainly(Selling *on_way)
{
    const Shape *plain = on_way->laid->plain;
    const Event *event = on_way->event;
    i64 rounded = on_way->sale.rounded;
    on_way->left = rounded;
    on_way->amount = on_way->rated;
    if (event->buckets == NULL || !rounded || !PyDict_GET_SIZE(plain->buckets))
        return add_taxes(on_way, NULL) && (on_way->units = PyTuple_New(0)) != NULL;
    on_way->left = shelf_leaves(&on_way->batch->shelves, event->buckets, plain, event->started, rounded);
    if (on_way->left < 0 || (on_way->left != rounded && !price(&on_way->sale, on_way->left, &on_way->amount))
        || !add_taxes(on_way, NULL))
        return 0;
    on_way->units = shelf_draw(&on_way->batch->shelves, event->buckets, plain, event->started, &rounded);
    return on_way->units != NULL;
}

/* whole._cover_by_all: gives the drawing. */
static PyObject *
cover_by_all(Selling *on_way)
{
    i64 paid = 0, flat = 0;
    on_way->left = on_way->sale.rounded;
    if (!open_buckets(on_way) || !draw_all(on_way))
        return NULL;
    PyObject *drawing = drawing_of(on_way, &paid, &flat);
    if (drawing == NULL)
        return NULL;
    if (on_way->units == NULL || __builtin_add_overflow(on_way->priced.due - paid, flat, &on_way->amount)
        || !add_taxes(on_way, NULL) || (drawing != Py_None && !take(on_way, drawing)))
        Py_CLEAR(drawing);
    return drawing;
}

static PyObject *
outcome_of(Selling *on_way, PyObject *drawing)
{
    const Event *event = on_way->event;
    const LaidOffer *offer = on_way->sale.offer;
    const Laid *laid = on_way->laid;
    PyObject *facts = event->known->course.facts, *quantity = PyTuple_GET_ITEM(event->udr, UDR_QUANTITY);
    PyObject *detail = detail_of(on_way, drawing);
    PyObject *values[RATED_SIZE] = {
        Py_NewRef(PyTuple_GET_ITEM(facts, FACT_CLASS)), Py_NewRef(PyTuple_GET_ITEM(facts, FACT_LEVEL)),
        Py_NewRef(offer->plan_id), Py_NewRef(offer->group_id), Py_NewRef(offer->rate_id),
        Py_NewRef(on_way->way->pattern ? on_way->way->pattern : Py_None),
        Py_NewRef(laid->levies_count ? laid->levies[0].id : Py_None), Py_NewRef(quantity),
        batch_like(on_way->sale.rounded, event->quantity, quantity), PyLong_FromLongLong(on_way->left),
        PyLong_FromLongLong(on_way->rated), PyLong_FromLongLong(on_way->net), PyLong_FromLongLong(on_way->tax),
        Py_NewRef(PyTuple_GET_ITEM(facts, FACT_CURRENCY)), Py_XNewRef(on_way->units), detail,
    };
    return batch_tuple(on_way->batch->rated, values, RATED_SIZE);
}

static PyObject *
rated_event(Selling *on_way)
{
    const Event *event = on_way->event;
    const Laid *laid = on_way->laid;
    const LaidOffer *offer = fitting(laid->offers, laid->offers_count, event->udr, &on_way->texts);
    i64 rounded;
    if (offer == NULL || (event->known->splits && !offer->whole && !is_alike(event, on_way->way->location))
        || !prices_count(&offer->prices, event->quantity, &rounded)
        || !sale_of(laid, offer, event->udr, &on_way->texts, rounded, &on_way->sale)
        || !price(&on_way->sale, rounded, &on_way->rated) || !whole_cost(&on_way->sale, event->quantity, &on_way->cost))
        return NULL;
    PyObject *drawing = NULL;
    if (laid->takers != NULL)
        drawing = cover_by_all(on_way);
    else if (cover_plainly(on_way))
        drawing = Py_NewRef(Py_None);
    return drawing ? outcome_of(on_way, drawing) : NULL;
}

PyObject *
choice_rate(Batch *batch, const Event *event, const Way *way, const Laid *laid)
{
    Selling on_way = {.batch = batch, .event = event, .way = way, .laid = laid};
    PyObject *outcome = rated_event(&on_way);
    for (int n = 0; n < on_way.texts.count; n++)
        Py_DECREF(on_way.texts.text[n]);
    Py_XDECREF(on_way.priced.overage);
    Py_XDECREF(on_way.units);
    return outcome;
}

static PyObject *
imported(const char *from, const char *name, const char *member)
{
    PyObject *module = PyImport_ImportModule(from), *found = module ? PyObject_GetAttrString(module, name) : NULL;
    if (found != NULL && member != NULL)
        Py_SETREF(found, PyObject_GetAttrString(found, member));
    Py_XDECREF(module);
    return found;
}

/* A named tuple of so many fields, which adds nothing to a tuple. */
static int
import_tuple(const char *from, const char *name, Py_ssize_t size, PyTypeObject **into)
{
    PyObject *type = imported(from, name, NULL), *fields = imported(from, name, "_fields");
    int good = type != NULL && fields != NULL && PyTuple_Check(fields) && PyTuple_GET_SIZE(fields) == size && PyType_Check(type) && PyType_IsSubtype((PyTypeObject *)type, &PyTuple_Type)
        && ((PyTypeObject *)type)->tp_basicsize == PyTuple_Type.tp_basicsize;
    if (type != NULL && !good)
        PyErr_Format(PyExc_TypeError, "%s is no named tuple of %zd", name, size);
    Py_XDECREF(fields);
    *into = (PyTypeObject *)type;
    return good;
}

int
choice_begin(void)
{
    if (cost_field != NULL)
        return 1;
    int good = import_tuple("bmu.rating.detail", "Cost", COST_SIZE, &cost_type)
        && import_tuple("bmu.rating.detail", "Overage", OVERAGE_SIZE, &overage_type)
        && import_tuple("bmu.rating.detail", "Detail", DETAIL_SIZE, &detail_type)
        && import_tuple("bmu.rating.taxation", "Taxes", TAXES_SIZE, &taxes_type)
        && import_tuple("bmu.rating.taxation", "TaxPart", PART_SIZE, &part_type)
        && import_tuple("bmu.rating.draws", "Drawing", DRAWING_SIZE, &drawing_type)
        && import_tuple("bmu.rating.draws", "Draw", DRAW_SIZE, &draw_type)
        && import_tuple("bmu.rating.draws", "Entered", ENTERED_SIZE, &entered_type)
        && import_tuple("bmu.rating.draws", "Reached", REACHED_SIZE, &reached_type)
        && (recorded = imported("bmu.rating.sale", "recorded", NULL)) != NULL
        && (carried = imported("bmu.rating.bucket", "BucketPart", "CARRIED")) != NULL
        && (joined = imported("bmu.rating.bucket", "BucketPart", "JOINED")) != NULL
        && (allotment = imported("bmu.rating.bucket", "BucketPart", "ALLOTMENT")) != NULL;
    if (good)
        cost_field = PyUnicode_InternFromString("cost");
    return cost_field != NULL;
}
