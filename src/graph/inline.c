/* inline: another body recorded here. While it runs, arguments and returns mean its own, which a
 * stack of frames holds. Recursion has no other end than a depth limit. Knows nothing of what
 * bodies record. */
#include "graph.h"

/* ---- symbols: a node, a metric or a variable */
static bool check_one(tally_trace *t, const tally_symbol *s, int i, const char *op, tally__place at)
{
    bool node = !tally__is_absent(s->node), metric = s->metric.trace != NULL,
         variable = s->variable.trace != NULL;
    if (node + metric + variable != 1) {
        tally__trace_fail_argument(t, TALLY_INVALID_ARGUMENT, i, at,
                                   "%s: variable %d, expected one of node, metric and variable, "
                                   "found %d of them",
                                   op, i, node + metric + variable);
        return false;
    }
    if (metric)
        return tally__ref_slot(t, s->metric.trace, s->metric.id, s->metric.generation,
                               TALLY__METRIC, op, at) >= 0;
    if (variable)
        return tally__ref_slot(t, s->variable.trace, s->variable.id, s->variable.generation,
                               TALLY__VARIABLE, op, at) >= 0;
    return tally__operands_of(t, &s->node, 1, 0, op, at);
}

bool tally__symbols_check(tally_trace *t, const tally_symbol *s, int n, const char *op,
                          tally__place at)
{
    for (int i = 0; i < n; i++)
        if (!check_one(t, &s[i], i, op, at))
            return false;
    return tally__trace_ok(t);
}

/* ---- depth */
static void fail_depth(tally_trace *t, tally__place at)
{
    char        chain[200];
    tally__text text = { chain, sizeof chain, 0 };
    for (uint32_t i = t->now->n_frame; i-- > 1 && i + 4 > t->now->n_frame;)
        tally__put(&text, ", called at %s:%d", tally__file_name(t->now->frame[i].place.file),
                   t->now->frame[i].place.line);
    tally__trace_fail(t, TALLY_RESOURCE_EXHAUSTED, at,
                      "inline: depth, expected at most %d bodies in each other, found one more%s",
                      TALLY__INLINE_DEPTH, chain);
}

static bool check_inline(tally_trace *t, tally_body body, const tally_symbol *in, int n_in,
                         tally_symbol *out, int n_out, tally__place at)
{
    if (!tally__trace_ok(t))
        return false;
    if (!body)
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at,
                          "inline: body, expected a function, found NULL");
    else if (n_in < 0 || n_out < 0 || (n_in && !in) || (n_out && !out))
        tally__trace_fail(
            t, TALLY_INVALID_ARGUMENT, at,
            "inline: lists, expected addresses for %d arguments and %d returns, found "
            "NULL",
            n_in, n_out);
    else if (t->now->n_frame > TALLY__INLINE_DEPTH)
        fail_depth(t, at);
    return tally__trace_ok(t) && tally__symbols_check(t, in, n_in, "inline", at);
}

/* What the body left behind: open scopes, a wrong number of arguments used or values returned. */
static void check_inlined(tally_trace *t, const tally__inline_frame *f)
{
    if (!tally__trace_ok(t))
        return;
    if (t->now->n_scope != f->scopes)
        tally__scope_left(t, f->place);
    else if (f->n_used != f->n_in)
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, f->place,
                          "inline: arguments, expected %d as the body uses, found %d", f->n_used,
                          f->n_in);
    else if (f->n_out != f->out_room)
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, f->place,
                          "inline: returns, expected %d as the body has, found room for %d",
                          f->n_out, f->out_room);
}

void tally_inline_loc(tally_trace *t, tally_body body, void *user, const tally_symbol *in, int n_in,
                      tally_symbol *out, int n_out, const char *file, int line)
{
    tally__place at = tally__at(file, line);
    for (int i = 0; out && i < n_out; i++)
        out[i] = (tally_symbol){ .node = tally__bad(t) };
    if (!check_inline(t, body, in, n_in, out, n_out, at))
        return;
    tally__recording *r = t->now;
    tally_symbol     *symbol =
        tally__record_alloc(t, ((size_t)n_in + (size_t)n_out + 1) * sizeof *symbol);
    if (!symbol || !tally__table_room(t, &r->frame, r->n_frame, &r->frame_room, sizeof *r->frame))
        return;
    if (n_in)
        memcpy(symbol, in, (size_t)n_in * sizeof *symbol);
    r->frame[r->n_frame++] =
        (tally__inline_frame){ symbol, symbol + n_in, n_in, 0, n_out, 0, r->n_scope, at };
    body(t, user);
    tally__inline_frame f = r->frame[--r->n_frame];
    check_inlined(t, &f);
    if (tally__trace_ok(t) && n_out)
        memcpy(out, f.out, (size_t)n_out * sizeof *out);
}
