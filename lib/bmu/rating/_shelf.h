/* _shelf.c: buckets, as bucket.BucketState keeps them, and drawing from them. */
#ifndef BMU_RATING_SHELF_H
#define BMU_RATING_SHELF_H

#include "_batch.h"

enum { BUCKET_BALANCE, BUCKET_FROM, BUCKET_TO, BUCKET_CODE, BUCKET_ID, BUCKET_SLOTS };

/* What there is to know of all buckets. */
typedef struct {
    PyTypeObject *bucket;           /* borrowed; NULL before the first bucket */
    Py_ssize_t slots[BUCKET_SLOTS]; /* where its slots stand */
} Shelves;

/* Make ready; 0 with an exception. */
int shelf_begin(void);

/* Have fetched what drawing from these buckets looks at, one depth after the other. */
#define SHELF_DEPTH 3
void shelf_ahead(Shelves *shelves, PyObject *buckets, int depth);

/*
 * bucket.draw: what was drawn, as a tuple of pairs; the rest is left in *quantity. NULL, and nothing drawn, when it
 * has to be looked at slowly, perhaps with an exception.
 */
PyObject *shelf_draw(Shelves *shelves, PyObject *buckets, const Shape *shape, i64 started, i64 *quantity);

#endif
