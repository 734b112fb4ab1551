/* build.h: what build.c and build_shape.c share: one op on its way into the graph. */
#ifndef TALLY__BUILD_H
#define TALLY__BUILD_H

#include "graph.h"

enum { TALLY__MOST_OPERANDS = 3 };
typedef struct tally__build {
    tally_trace         *t;
    const tally__op_info *info;
    tally__place         at;
    tally_node x[TALLY__MOST_OPERANDS]; /* operands: numbers adapted, exact ones read where the op
                                           does not take them */
    tally__node          in[TALLY__MOST_OPERANDS];   /* copies of their nodes */
    tally__node          out; /* op, dtype, axis set before the shape rule runs */
} tally__build;

/* rank, sizes, axis and repeat of b->out by the row's shape rule; false: the error is noted */
bool tally__build_shape(tally__build *b);

#endif
