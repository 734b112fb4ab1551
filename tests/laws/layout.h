/* layout: views that are not dense. */
#ifndef TALLY_TESTS_LAYOUT_H
#define TALLY_TESTS_LAYOUT_H

#include "../support.h"
#include "oracle.h"

/* A view of the values of a in memory of its own. Where it repeats along an axis, a is changed to what the view shows. */
tally_tensor array_scatter(test_rng *r, pool *p, array *a);

#endif
