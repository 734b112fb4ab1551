/* output: the caller's destinations. What a number, a buffer, a metric's place may take is decided
 * before anything runs; values are written before the commit, because a buffer may turn out too
 * small; handles and sizes after it, when nothing can fail any more. */
#include "function.h"

/* what a destination covers; a buffer: all of its capacity */
static size_t output_bytes(const tally_slot *o)
{
    const tally_buffer *b = o->p;
    switch ((tally_kind)o->kind) {
    case TALLY_KIND_BUFFER:
        return (size_t)b->capacity * tally__element_size(b->dtype);
    case TALLY_KIND_F64:
        return sizeof(double);
    case TALLY_KIND_F32:
        return sizeof(float);
    case TALLY_KIND_I64:
        return sizeof(int64_t);
    case TALLY_KIND_METRIC_OUT:
        return sizeof(tally_metric *);
    case TALLY_KIND_NONE:
    case TALLY_KIND_TENSOR:
    case TALLY_KIND_METRIC:
    case TALLY_KIND_VARIABLE:
        break;
    }
    return 0;
}

static const void *output_data(const tally_slot *o)
{
    return o->kind == TALLY_KIND_BUFFER ? ((const tally_buffer *)o->p)->data : o->p;
}

static int32_t seen_dtype(int32_t dtype)
{
    return dtype == TALLY__EXACT ? TALLY_F64 : dtype;
}

static tally_status wrong_output(const char *verb, int i, const char *expected, const char *found,
                                 tally_error *err)
{
    return tally__fail(err, TALLY_INVALID_ARGUMENT, -1, "%s: output %d, expected %s, found %s",
                       verb, i, expected, found);
}

static tally_status check_buffer(const tally_buffer *b, const tally__node *n, int i,
                                 const char *verb, tally_error *err)
{
    const char *dtype = tally_dtype_name((tally_dtype)seen_dtype(n->dtype));
    size_t      size = tally__element_size(b->dtype);
    if (b->dtype != seen_dtype(n->dtype))
        return tally__fail(err, TALLY_INVALID_ARGUMENT, -1,
                           "%s: output %d, expected a buffer of %s, found one of %s", verb, i,
                           dtype,
                           tally__dtype_ok(b->dtype) ? tally_dtype_name((tally_dtype)b->dtype)
                                                     : "an unknown dtype");
    if (b->capacity < 0 || (uint64_t)b->capacity > SIZE_MAX / 2 / size)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, -1,
                           "%s: output %d, expected a capacity that memory can have, found %l",
                           verb, i, b->capacity);
    if (b->capacity && !b->data)
        return wrong_output(verb, i, "a buffer with memory", "NULL", err);
    if ((uintptr_t)b->data % size)
        return wrong_output(verb, i, "memory aligned to its elements", "another address", err);
    return TALLY_OK;
}

static tally_status check_number(const tally_slot *o, const tally__node *n, int i, const char *verb,
                                 tally_error *err)
{
    const char *dtype = tally_dtype_name((tally_dtype)seen_dtype(n->dtype));
    if (n->rank)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, -1,
                           "%s: output %d, expected a buffer for %s of rank %d, found a number",
                           verb, i, dtype, (int)n->rank);
    if (o->kind == TALLY_KIND_I64 && (tally__is_float(n->dtype) || n->dtype == TALLY__EXACT))
        return tally__fail(err, TALLY_INVALID_ARGUMENT, -1,
                           "%s: output %d, expected a double or a float for %s, found an int64",
                           verb, i, dtype);
    return TALLY_OK;
}

static tally_status check_output(const tally__graph *g, const tally_slot *o, int i,
                                 const char *verb, tally_error *err)
{
    const tally__return *r = &g->out[i];
    bool                 place = o->kind == TALLY_KIND_METRIC_OUT;
    if (o->kind < TALLY_KIND_BUFFER || o->kind > TALLY_KIND_METRIC_OUT)
        return wrong_output(verb, i, "a buffer, a number or a metric's place", "another kind", err);
    if (!o->p)
        return wrong_output(verb, i, "a destination", "NULL", err);
    if (place != (r->kind == TALLY__ARG_METRIC))
        return wrong_output(
            verb, i, place ? "a destination for a tensor" : "a metric's place (tally_metric **)",
            place ? "a metric's place" : "a destination for a tensor", err);
    if (place)
        return TALLY_OK;
    if (o->kind == TALLY_KIND_BUFFER)
        return check_buffer(o->p, &g->node[r->node], i, verb, err);
    return check_number(o, &g->node[r->node], i, verb, err);
}

static bool ranges_meet(const void *a, size_t na, const void *b, size_t nb)
{
    uintptr_t x = (uintptr_t)a, y = (uintptr_t)b;
    return na && nb && (x < y ? y - x < na : x - y < nb);
}

static tally_status check_overlap(const tally_value *in, int n_in, const tally_slot *out, int i,
                                  const char *verb, tally_error *err)
{
    const void *p = output_data(&out[i]);
    size_t      n = output_bytes(&out[i]);
    for (int k = 0; k < n_in; k++)
        if (in[k].kind == TALLY_KIND_TENSOR && n && tally__overlap(in[k].p, p, n))
            return tally__fail(
                err, TALLY_INVALID_ARGUMENT, k,
                "%s: output %d, expected memory of its own, found an overlap with argument %d",
                verb, i, k);
    for (int k = 0; k < i; k++)
        if (ranges_meet(p, n, output_data(&out[k]), output_bytes(&out[k])))
            return tally__fail(
                err, TALLY_INVALID_ARGUMENT, -1,
                "%s: output %d, expected memory of its own, found an overlap with output %d", verb,
                i, k);
    return TALLY_OK;
}

tally_status tally__outputs_check(const tally__graph *g, const tally_value *in, int n_in,
                                  const tally_slot *out, int n_out, const char *verb,
                                  tally_error *err)
{
    if (n_out == 0)
        return TALLY_OK;
    if (n_out != g->n_out || !out)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, -1,
                           "%s: outputs, expected %d as the body returns, or none, found %d%s",
                           verb, (int)g->n_out, n_out, out ? "" : " at NULL");
    for (int i = 0; i < n_out; i++) {
        tally_status status = check_output(g, &out[i], i, verb, err);
        if (!status)
            status = check_overlap(in, n_in, out, i, verb, err);
        if (status)
            return status;
    }
    return TALLY_OK;
}

static tally_status write_buffer(const tally_buffer *b, const tally_tensor *x, int i,
                                 const char *verb, tally_error *err)
{
    int64_t n = tally__elements(x->rank, x->shape);
    if (n > b->capacity)
        return tally__fail(err, TALLY_OUT_OF_RANGE, -1,
                           "%s: output %d, expected a capacity of %l elements, found %l", verb, i,
                           n, b->capacity);
    if (n)
        tally__tensor_pack(b->data, b->dtype, x);
    return TALLY_OK;
}

static tally_status write_i64(int64_t *to, const tally_tensor *x, int i, const char *verb,
                              tally_error *err)
{
    if (x->dtype == TALLY_U64) {
        uint64_t v;
        memcpy(&v, x->data, sizeof v);
        if (v > INT64_MAX)
            return tally__fail(
                err, TALLY_OUT_OF_RANGE, -1,
                "%s: output %d, expected a value that int64 holds, found a larger one", verb, i);
    }
    *to = tally__load_i64(x->data, x->dtype);
    return TALLY_OK;
}

static void write_real(const tally_slot *o, const tally_tensor *x)
{
    bool wide = o->kind == TALLY_KIND_F64;
    if (x->dtype != TALLY__EXACT)
        tally__convert(o->p, wide ? TALLY_F64 : TALLY_F32, x->data, x->dtype, 1, 1);
    else if (wide)
        *(double *)o->p = tally__sum_round(x->data);
    else
        *(float *)o->p = tally__sum_round_f32(x->data);
}

tally_status tally__outputs_write(const tally__frame *f, const tally_slot *out, int n_out,
                                  const char *verb, tally_error *err)
{
    for (int i = 0; i < n_out; i++) {
        if (out[i].kind == TALLY_KIND_METRIC_OUT)
            continue;
        tally_tensor x = tally__frame_value(f, f->graph->out[i].node);
        tally_status status = TALLY_OK;
        if (out[i].kind == TALLY_KIND_BUFFER)
            status = write_buffer(out[i].p, &x, i, verb, err);
        else if (out[i].kind == TALLY_KIND_I64)
            status = write_i64(out[i].p, &x, i, verb, err);
        else
            write_real(&out[i], &x);
        if (status)
            return status;
    }
    return TALLY_OK;
}

void tally__outputs_settle(const tally__frame *f, const tally_slot *out, int n_out)
{
    for (int i = 0; i < n_out; i++) {
        const tally__return *r = &f->graph->out[i];
        if (out[i].kind == TALLY_KIND_METRIC_OUT) {
            *(tally_metric **)out[i].p = (tally_metric *)f->delta[r->slot].store;
        } else if (out[i].kind == TALLY_KIND_BUFFER) {
            tally_tensor  x = tally__frame_value(f, r->node);
            tally_buffer *b = out[i].p;
            b->rank = x.rank;
            memset(b->shape, 0, sizeof b->shape);
            memcpy(b->shape, x.shape, (size_t)x.rank * sizeof *x.shape);
        }
    }
}
