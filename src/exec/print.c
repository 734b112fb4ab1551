/* print: a value as one line of text, "label: value", for the context's log hook. Small tensors whole; of a larger one
 * the first and last entries along each axis, "..." between. Without a hook nothing is made. */
#include "exec.h"

enum { WHOLE_UP_TO = 64, EDGE = 3 };     /* elements; entries kept at each end of an axis of a larger tensor */

static void put_element(tally__text *t, const void *p, int32_t dtype)
{
    char digits[32];
    if (dtype == TALLY__EXACT) {
        tally__format_f64(tally__sum_round(p), digits);
        tally__put(t, "%s", digits);
    } else if (dtype == TALLY_BOOL) {
        tally__put(t, "%s", *(const uint8_t *)p ? "true" : "false");
    } else if (dtype == TALLY_U64) {
        uint64_t v;
        memcpy(&v, p, sizeof v);
        tally__put(t, "%z", (size_t)v);
    } else if (tally__is_float(dtype)) {
        tally__format_f64(tally__load_f64(p, dtype), digits);
        tally__put(t, "%s", digits);
    } else {
        tally__put(t, "%l", tally__load_i64(p, dtype));
    }
}

static void put_axis(tally__text *t, const tally_tensor *x, int axis, const char *data, bool whole)
{
    int64_t n = x->shape[axis], size = (int64_t)tally__element_size(x->dtype);
    tally__put(t, "[");
    for (int64_t i = 0; i < n; i++) {
        if (!whole && n > 2 * EDGE && i == EDGE) {
            tally__put(t, ", ...");
            i = n - EDGE;
        }
        const char *at = data ? data + i * x->stride[axis] * size : NULL;   /* inner axes may be empty */
        tally__put(t, "%s", i ? ", " : "");
        if (axis + 1 < x->rank)
            put_axis(t, x, axis + 1, at, whole);
        else
            put_element(t, at, x->dtype);
    }
    tally__put(t, "]");
}

static void put_line(tally__text *t, const char *label, const tally_tensor *x)
{
    if (label && *label)
        tally__put(t, "%s: ", label);
    if (x->rank)
        put_axis(t, x, 0, x->data, tally__elements(x->rank, x->shape) <= WHOLE_UP_TO);
    else
        put_element(t, x->data, x->dtype);
}

/* Measured, then written: the line is as long as it must be. */
tally_status tally__run_print(tally__frame *f, const tally__node *n, const tally_tensor *x, tally_error *err)
{
    tally__text line = { NULL, 0, 0 };
    if (!f->context->o.log || f->printed++ < f->quiet)
        return TALLY_OK;
    put_line(&line, n->text, x);
    size_t            room = line.n + 1;
    tally__arena_mark mark = tally__arena_here(&f->work);
    char             *text = tally__arena_alloc(&f->work, room);
    if (!text)
        return tally__fail_memory(err, room);
    line = (tally__text){ text, room, 0 };
    put_line(&line, n->text, x);
    tally__log(f->context, TALLY_LOG_PRINT, text);
    tally__arena_rewind(&f->work, mark);
    return TALLY_OK;
}
