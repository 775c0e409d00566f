/* A batch of events under way. */
#ifndef BMU_RATING_EVENTS_H
#define BMU_RATING_EVENTS_H

#include "_laid.h"
#include "_shelf.h"

#define ROUTES_MAX 256
#define ROUTE_SLOTS 512

/* Where things stand in the tuples: usage.UDR, owner.Owner, outcome.Rated, and Route.facts. */
enum { UDR_CLASS = 5, UDR_STARTED = 6, UDR_QUANTITY = 7, UDR_SIZE = 11 };
enum { OWNER_SERVICE = 4, OWNER_TERMS = 5, OWNER_SIZE = 7 };
enum { RATED_SIZE = 16 };
enum { FACT_CLASS, FACT_LEVEL, FACT_PLAN, FACT_CURRENCY };

/* A route, as rate.rate_batch gives it: what it remembers, and how it finds what it does not. */
typedef struct {
    /* Which route: by identity, as routes are few and these are shared; NULL as plan: the one that the terms name. */
    PyObject *terms, *usage_class, *plan;
    PyObject *given; /* owned; None: no route, or one that is not remembered */
    Memory *memory;  /* borrowed from there, as all below */
    PyObject *rate_at, *place_of; /* place_of: None where the index tells all places */
    Course course;
    int splits;
} Known;

/* An event on its way. */
typedef struct {
    PyObject *udr, *owner;
    const Known *known; /* NULL: to be looked at slowly */
    i64 started, quantity;
    int moment;
    PyObject *buckets; /* owned, or NULL */
} Event;

typedef struct {
    PyObject *udrs, *owners, *known_of, *buckets, *limits, *rate_one;
    PyTypeObject *rated;
    i64 end_us;
    Known known[ROUTE_SLOTS];
    int routes;
    PyObject *index; /* that of all routes that have one; borrowed */
    Shelves shelves;
    Event events[ABREAST];
    Way ways[ABREAST];
} Batch;

/* The route of terms and a class, in the plan that a bucket names or that the terms do (NULL); NULL when it has to
   be looked at slowly, perhaps with an exception. */
const Known *batch_route(Batch *batch, PyObject *terms, PyObject *usage_class, PyObject *plan);

/* The moment of an instant, found now if need be; negative where the route remembers none, perhaps with an exception. */
int batch_moment(const Known *known, i64 us, i64 location);

/* price.amount_of and tax.tax_of; 0 when it is more than 64 bits hold. */
int batch_amount(const Shape *price, i64 slope, i64 quantity, i64 *into);
int batch_tax(i64 amount, i64 ppm, i64 *into);

/* A number as an object; where it is another's, that one. */
PyObject *batch_like(i64 value, i64 other, PyObject *object);

/*
 * A tuple of a type, which takes over its values; NULL with an exception, also where one of them is NULL. It leads
 * nowhere from where it could be reached: the collector need not look at it.
 */
PyObject *batch_tuple(PyTypeObject *type, PyObject *const *values, int count);

/* _choice.c: make ready; 0 with an exception. */
int choice_begin(void);

/* Rate an event by the first offer that fits; NULL when it has to be looked at slowly, perhaps with an exception. */
PyObject *choice_rate(Batch *batch, const Event *event, const Way *way, const Laid *laid);

#endif
