/* What the parts of bmu.rating._batch know of each other. */
#ifndef BMU_RATING_BATCH_H
#define BMU_RATING_BATCH_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

/* Makes the type Index, or gives NULL with an exception. */
PyTypeObject *index_type(void);

/* The place of the longest pattern that a text begins with, borrowed; NULL where there is none. */
PyObject *index_longest(PyObject *index, PyObject *text);

#endif
