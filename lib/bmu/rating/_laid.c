/* From what layout.laid_out gives to what is quick to read; once for each place at each moment. */
#include "_laid.h"

/* An array of so many; NULL with an exception, or where there are none. */
#define MANY(type, count) ((type *)PyMem_Calloc((size_t)(count) + 1, sizeof(type)))

static void
free_offers(LaidOffer *offers, int count)
{
    for (int n = 0; offers != NULL && n < count; n++)
        free_offers(offers[n].costs, offers[n].costs_count);
    PyMem_Free(offers);
}

void
laid_free(Laid *laid)
{
    if (laid == NULL)
        return;
    free_offers(laid->offers, laid->offers_count);
    PyMem_Free(laid->takers);
    Py_DECREF(laid->given);
    PyMem_Free(laid);
}

void
laid_plain(Laid *laid, const Shape *plain)
{
    laid->plain = plain;
}

static int
laid_prices(PyObject *numbers, PyObject *turns, PyObject *pieces, Prices *into)
{
    if (!PyArg_ParseTuple(numbers, "iiLLLLLLLL", &into->kind, &into->mode, &into->minimum, &into->increment, &into->price,
                          &into->denominator, &into->connect, &into->least, &into->most, &into->step))
        return 0;
    if (PyTuple_GET_SIZE(turns) > TURNS_MAX || PyTuple_GET_SIZE(pieces) > TURNS_MAX) {
        PyErr_SetString(PyExc_OverflowError, "too many steps");
        return 0;
    }
    into->turns = (int)PyTuple_GET_SIZE(turns);
    into->pieces = (int)PyTuple_GET_SIZE(pieces);
    for (int n = 0; n < into->turns; n++)
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(turns, n), "LL", &into->turn[n].after, &into->turn[n].increment))
            return 0;
    for (int n = 0; n < into->pieces; n++)
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(pieces, n), "LLL", &into->piece[n].start, &into->piece[n].sum,
                              &into->piece[n].slope))
            return 0;
    return 1;
}

static LaidOffer *laid_offers(PyObject *given, int *count);

static int
laid_offer(PyObject *given, LaidOffer *into)
{
    PyObject *numbers, *turns, *pieces, *costs;
    if (!PyArg_ParseTuple(given, "O!OOOOppO!O!O!O!", &PyTuple_Type, &into->asked, &into->plan_id, &into->group_id,
                          &into->rate_id, &into->fallback_from, &into->odd, &into->whole, &PyTuple_Type, &numbers,
                          &PyTuple_Type, &turns, &PyTuple_Type, &pieces, &PyTuple_Type, &costs)
        || !laid_prices(numbers, turns, pieces, &into->prices))
        return 0;
    into->costs = laid_offers(costs, &into->costs_count);
    return into->costs != NULL;
}

static LaidOffer *
laid_offers(PyObject *given, int *count)
{
    Py_ssize_t size = PyTuple_GET_SIZE(given);
    LaidOffer *offers = MANY(LaidOffer, size);
    if (offers == NULL)
        return (LaidOffer *)PyErr_NoMemory();
    *count = (int)size;
    for (Py_ssize_t n = 0; n < size; n++) {
        if (!laid_offer(PyTuple_GET_ITEM(given, n), &offers[n])) {
            free_offers(offers, (int)size);
            *count = 0;
            return NULL;
        }
    }
    return offers;
}

static int
laid_taker(PyObject *given, LaidTaker *into)
{
    PyObject *code;
    if (!PyArg_ParseTuple(given, "UOp(LLL)OOO!", &code, &into->kind, &into->is_money, &into->scope, &into->sort,
                          &into->nearness, &into->holds_at, &into->overage_plan, &PyTuple_Type, &into->thresholds))
        return 0;
    into->code = PyUnicode_AsUTF8AndSize(code, &into->length);
    return into->code != NULL;
}

static int
laid_levy(PyObject *given, LaidLevy *into)
{
    return PyArg_ParseTuple(given, "OLpO", &into->id, &into->ppm, &into->compound, &into->certificate);
}

Laid *
laid_of(PyObject *given)
{
    PyObject *offers, *takers, *levies;
    Laid *laid = MANY(Laid, 1);
    if (laid == NULL)
        return (Laid *)PyErr_NoMemory();
    laid->given = Py_NewRef(given);
    int good = PyArg_ParseTuple(given, "O!pOO!ppO", &PyTuple_Type, &offers, &laid->has_costs, &takers, &PyTuple_Type,
                                &levies, &laid->one_tax, &laid->inclusive, &laid->tax_code_id)
        && (laid->offers = laid_offers(offers, &laid->offers_count)) != NULL;
    if (good && PyTuple_Check(takers)) {
        laid->takers_count = (int)PyTuple_GET_SIZE(takers);
        laid->takers = MANY(LaidTaker, laid->takers_count);
        good = laid->takers != NULL || PyErr_NoMemory() != NULL;
        for (int n = 0; good && n < laid->takers_count; n++)
            good = laid_taker(PyTuple_GET_ITEM(takers, n), &laid->takers[n]);
    }
    if (good && PyTuple_GET_SIZE(levies) > LEVIES_MAX) {
        PyErr_SetString(PyExc_OverflowError, "too many taxes");
        good = 0;
    }
    laid->levies_count = good ? (int)PyTuple_GET_SIZE(levies) : 0;
    for (int n = 0; good && n < laid->levies_count; n++)
        good = laid_levy(PyTuple_GET_ITEM(levies, n), &laid->levies[n]);
    if (good)
        return laid;
    laid_free(laid);
    /* What 64 bits can't hold is left to the plain form. */
    if (PyErr_ExceptionMatches(PyExc_OverflowError))
        PyErr_Clear();
    return NULL;
}
