/* Softmax regression as train_digits and evaluate use it: probabilities, and one step of gradient descent. */
#ifndef SOFTMAX_H
#define SOFTMAX_H
#include <tally/tally.h>

static tally_node forward(tally_trace *t, tally_node x, tally_variable_ref W, tally_variable_ref b)
{
    return tally_softmax(tally_add(tally_matmul(x, tally_read(t, W)), tally_read(t, b)), 1);
}

/* p: what forward gave for x[n,pixels], whose labels are y[n] */
static void descend(tally_trace *t, tally_node x, tally_node y, tally_node p, tally_variable_ref W, tally_variable_ref b,
                    tally_node rate)
{
    tally_node n = tally_cast(tally_dim(x, 0), TALLY_F32);
    tally_node d = tally_div(tally_sub(p, tally_one_hot(y, tally_dim(p, 1), TALLY_F32)), n);     /* dL/dlogits */
    tally_assign(t, W, tally_sub(tally_read(t, W), tally_mul(rate, tally_matmul(tally_transpose(x), d))));
    tally_assign(t, b, tally_sub(tally_read(t, b), tally_mul(rate, tally_sum(d, 0))));
}
#endif
