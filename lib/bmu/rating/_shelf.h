/* _shelf.c: buckets, as bucket.BucketState keeps them, and drawing from them. */
#ifndef BMU_RATING_SHELF_H
#define BMU_RATING_SHELF_H

#include "_batch.h"

/* Its slots; plain buckets do without those from BUCKET_GRANTED on. */
enum { BUCKET_BALANCE, BUCKET_FROM, BUCKET_TO, BUCKET_CODE, BUCKET_ID, BUCKET_GRANTED, BUCKET_SHARE, BUCKET_RANK,
       BUCKET_PART, BUCKET_TIERS, BUCKET_REPEAT, BUCKET_SINCE, BUCKET_WARNED, BUCKET_SLOTS };

/* What there is to know of all buckets. */
typedef struct {
    PyTypeObject *bucket;           /* borrowed; NULL before the first bucket */
    Py_ssize_t slots[BUCKET_SLOTS]; /* where its slots stand */
} Shelves;

/* Make ready; 0 with an exception. */
int shelf_begin(void);

/* Whether a bucket's slots are known; 0 perhaps with an exception. */
int shelf_knows(Shelves *shelves, PyObject *bucket);

/* Where an attribute of a bucket stands. */
static inline PyObject **
shelf_slot(const Shelves *shelves, PyObject *bucket, int which)
{
    return (PyObject **)((char *)bucket + shelves->slots[which]);
}

/* A whole number that a bucket holds; 0 when it is none of 64 bits, perhaps with an exception. */
static inline int
shelf_number(const Shelves *shelves, PyObject *bucket, int which, i64 *into)
{
    PyObject *value = *shelf_slot(shelves, bucket, which);
    return value != NULL && number(value, into);
}

/* Have fetched what drawing from these buckets looks at, one depth after the other. */
#define SHELF_DEPTH 3
void shelf_ahead(Shelves *shelves, PyObject *buckets, int depth);

/* What drawing would leave of a quantity; negative when it has to be looked at slowly, perhaps with an exception. */
i64 shelf_leaves(Shelves *shelves, PyObject *buckets, const Shape *shape, i64 started, i64 quantity);

/*
 * bucket.draw: what was drawn, as a tuple of pairs; the rest is left in *quantity. NULL, and nothing drawn, when it
 * has to be looked at slowly, perhaps with an exception.
 */
PyObject *shelf_draw(Shelves *shelves, PyObject *buckets, const Shape *shape, i64 started, i64 *quantity);

#endif
