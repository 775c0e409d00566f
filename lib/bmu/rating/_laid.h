/* _laid.c: a Choice as layout.py lays it out, in C. */
#ifndef BMU_RATING_LAID_H
#define BMU_RATING_LAID_H

#include "_prices.h"

#define LEVIES_MAX 8

/* A rate that prices an event, if the event is as its group wants it; all objects are borrowed from the Laid's. */
typedef struct LaidOffer {
    PyObject *asked, *plan_id, *group_id, *rate_id, *fallback_from;
    int odd, whole, costs_count;
    struct LaidOffer *costs;
    Prices prices;
} LaidOffer;

/* A type of bucket that takes the usage. */
typedef struct {
    const char *code;
    Py_ssize_t length;
    PyObject *kind, *holds_at, *overage_plan; /* None: at all times; none */
    int is_money;
    i64 scope, sort, nearness;
    PyObject *thresholds;
} LaidTaker;

typedef struct {
    PyObject *id, *certificate; /* None: it is owed */
    i64 ppm;
    int compound;
} LaidLevy;

struct Laid {
    PyObject *given; /* owned */
    int offers_count, takers_count, levies_count, has_costs, one_tax, inclusive;
    LaidOffer *offers;
    LaidTaker *takers; /* NULL: all are plain */
    const Shape *plain;
    PyObject *tax_code_id;
    LaidLevy levies[LEVIES_MAX];
};

#endif
