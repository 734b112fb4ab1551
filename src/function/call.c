/* call: the way of one batch. Environment, arguments, version, destinations, frame, sizes, run, outputs, commit: each step
 * can stop the call, and until the commit has applied nothing outside the frame and the output buffers has changed. */
#include "function.h"

typedef struct call {
    tally_function    *f;
    const tally_value *in;
    const tally_slot  *out;
    int                n_in, n_out;     /* nobody has to take what is returned: n_out may be 0 */
    const char        *verb;            /* the caller, for texts */
    tally_error       *err;             /* never NULL */
} call;

/* ---- a call like the one before, the usual one: what was checked and bound then holds */

static bool tensor_as_before(const tally_tensor *x, tally_tensor *seen)
{
    bool same = x && x->data && x->dtype == seen->dtype && x->rank == seen->rank &&
                !((uintptr_t)x->data & (tally__element_size(seen->dtype) - 1));
    for (int32_t a = 0; same && a < seen->rank; a++)
        same = x->shape[a] == seen->shape[a] && x->stride[a] == seen->stride[a];
    seen->data = same ? x->data : NULL;
    return same;
}

/* The same address may hold another store by now: then its schema is another. */
static bool store_as_before(const tally__frame *fr, const tally_value *in, int i)
{
    if (!in->p || in->p != fr->store[i])
        return false;
    const tally__argument *a = &fr->graph->argument[i];
    const tally__delta    *d = &fr->delta[a->slot];
    return in->kind == (a->kind == TALLY__ARG_METRIC ? TALLY_KIND_METRIC : TALLY_KIND_VARIABLE) &&
           tally__value_store(in)->schema == d->schema && d->schema->key == d->key;
}

static bool call_as_before(tally__frame *fr, const tally_value *in, int n_in)
{
    if (!fr->bound || n_in != fr->graph->n_argument || (n_in && !in))
        return false;
    for (int i = 0; i < n_in; i++)
        if (in[i].kind == TALLY_KIND_TENSOR ? !fr->in[i] || !tensor_as_before(in[i].p, &fr->seen[i]) : !store_as_before(fr, &in[i], i))
            return false;
    return true;
}

/* the idle frame of the latest version if the call is like the one before it; NULL: go the whole way */
static tally__frame *frame_as_before(const call *c, tally__version *v)
{
    tally__frame *fr = v ? atomic_exchange_explicit(&v->idle, NULL, memory_order_acquire) : NULL;
    if (fr && !call_as_before(fr, c->in, c->n_in)) {
        tally__frame_give(c->f, v, fr);
        fr = NULL;
    }
    return fr;
}

/* ---- the way of a bound frame */

static tally_status run_bound(const call *c, tally__frame *fr)
{
    tally_status s = tally__run(fr, c->err);
    if (!s && c->n_out)
        s = tally__outputs_write(fr, c->out, c->n_out, c->verb, c->err);
    if (!s)
        s = tally__frame_commit(fr, c->err);
    if (!s && c->n_out)
        tally__outputs_settle(fr, c->out, c->n_out);
    return s;
}

static tally_status bind_call(tally__frame *fr, const tally_value *in, int n_in, tally_error *err)
{
    for (int i = 0; i < n_in; i++) {
        bool tensor = in[i].kind == TALLY_KIND_TENSOR;
        fr->in[i] = tensor ? in[i].p : NULL;
        fr->store[i] = tensor ? NULL : tally__value_store(&in[i]);
    }
    return tally__frame_bind(fr, fr->in, fr->store, err);
}

/* Node by node in program order defines which of several failures is reported, and its text. Whatever the plan's run did is
 * in its frame; only what it printed has happened. */
static tally_status run_as_recorded(const call *c, const tally__version *v, uint32_t printed)
{
    tally__frame *fr = tally__frame_new(c->f->context, v->graph, NULL, c->f->isa, c->err);
    if (!fr)
        return TALLY_RESOURCE_EXHAUSTED;
    fr->quiet = printed;
    tally_status s = bind_call(fr, c->in, c->n_in, c->err);
    s = s ? s : run_bound(c, fr);
    tally__frame_drop(fr);
    return s;
}

static bool is_in_doubt(tally_status s)
{
    return s && s != TALLY_CANCELLED && s != TALLY_RESOURCE_EXHAUSTED && s != TALLY_ABORTED;
}

static tally_status run_frame(const call *c, tally__version *v, tally__frame *fr, tally_status bound)
{
    tally_status s = bound ? bound : run_bound(c, fr);
    uint32_t     printed = fr->printed;
    tally__frame_end(fr);
    tally__frame_give(c->f, v, fr);
    return is_in_doubt(s) && v->plan ? run_as_recorded(c, v, printed) : s;
}

/* ---- both ways to a bound frame */

static tally_status check_outputs(const call *c, const tally__version *v)
{
    return c->n_out ? tally__outputs_check(v->graph, c->in, c->n_in, c->out, c->n_out, c->verb, c->err) : TALLY_OK;
}

static tally_status call_again(const call *c, tally__version *v, tally__frame *fr)
{
    tally_status s = check_outputs(c, v);
    if (!s)
        return run_frame(c, v, fr, tally__frame_again(fr, c->err));
    tally__frame_give(c->f, v, fr);
    return s;
}

static tally__version *version_for(tally_function *f, const tally_value *in, int n_in, const char *verb, tally_error *err)
{
    tally__version *v = tally__version_find(f, in, n_in);
    return v ? v : tally__function_record(f, in, n_in, verb, err);
}

/* A version is missing or a frame refused only for reasons that are in err. */
static tally_status call_anew(const call *c)
{
    tally_status s = tally__arguments_check(c->in, c->n_in, c->verb, c->err);
    if (s)
        return s;
    tally__version *v = version_for(c->f, c->in, c->n_in, c->verb, c->err);
    if (!v)
        return c->err->status;
    s = check_outputs(c, v);
    if (s)
        return s;
    tally__frame *fr = tally__frame_take(c->f, v, c->err);
    return fr ? run_frame(c, v, fr, bind_call(fr, c->in, c->n_in, c->err)) : c->err->status;
}

static tally_status no_function(const char *verb, tally_error *err)
{
    return tally__fail(err, TALLY_INVALID_ARGUMENT, -1, "%s: function, expected one, found NULL", verb);
}

tally_status tally__call(tally_function *f, const tally_value *in, int n_in, const tally_slot *out, int n_out,
                         const char *verb, tally_error *err)
{
    tally_error own;
    tally__fp   fp;
    if (!f)
        return no_function(verb ? verb : "call", err);
    const call   c = { f, in, out, n_in, n_out, verb ? verb : f->name, err ? err : &own };
    tally_status status = tally__fp_enter(&fp, c.err);
    if (status)
        return status;
    tally__version *v = atomic_load_explicit(&f->last, memory_order_acquire);
    tally__frame   *fr = frame_as_before(&c, v);
    status = fr ? call_again(&c, v, fr) : call_anew(&c);
    tally__fp_leave(&fp);
    return status;
}

tally_status tally_call(tally_function *f, const tally_value *in, int n_in, const tally_slot *out, int n_out, tally_error *err)
{
    return tally__call(f, in, n_in, out, n_out, NULL, err);
}

/* Binding takes the memory of the deltas. A state that no batch has built is no obstacle: the batch is still to come. */
static tally_status prepare_frame(tally__frame *fr, const tally_value *in, int n_in, tally_error *err)
{
    tally_error  why;
    tally_status status = bind_call(fr, in, n_in, &why);
    if (status == TALLY_FAILED_PRECONDITION)
        status = TALLY_OK;
    else if (status)
        *err = why;
    if (!status)
        status = tally__frame_reserve(fr, err);
    tally__frame_end(fr);
    return status;
}

static tally_status prepare_guarded(tally_function *f, const tally_value *in, int n_in, tally_error *err)
{
    tally_status status = tally__arguments_check(in, n_in, f->name, err);
    if (status)
        return status;
    tally__version *v = version_for(f, in, n_in, f->name, err);
    tally__frame   *fr = v ? tally__frame_take(f, v, err) : NULL;
    if (!fr)
        return err->status;
    status = prepare_frame(fr, in, n_in, err);
    tally__frame_give(f, v, fr);
    return status;
}

tally_status tally_function_prepare(tally_function *f, const tally_value *in, int n_in, tally_error *err)
{
    tally_error own;
    tally__fp   fp;
    if (!f)
        return no_function("prepare", err);
    err = err ? err : &own;
    tally_status status = tally__fp_enter(&fp, err);
    if (status)
        return status;
    status = prepare_guarded(f, in, n_in, err);
    tally__fp_leave(&fp);
    return status;
}
