/* inside: the verbs that a body records. An update or result runs the class's body into the same recording; what it adds
 * to a state goes through tally_accumulate, which is where weights align and a NaN policy's mask applies. */
#include "metric.h"

typedef struct body_run {               /* what the inlined body needs to find its metric */
    const tally__class *k;
    const tally_update *update;
    const tally_node   *states;
    tally_node          result;
} body_run;

static void run_update_body(tally_trace *t, void *user)
{
    body_run *r = user;
    r->k->face.update(t, r->update);
}

static void run_result_body(tally_trace *t, void *user)
{
    body_run *r = user;
    r->result = r->k->face.result(t, r->states, tally__config_of(r->k));
}

/* Runs a body of the class as tally_inline does; errors in it name the class, and for a class of this library the user's line. */
static void run_body(tally_trace *t, tally_body body, body_run *r, tally__place at)
{
    tally__cover before = tally__trace_cover(t, (tally__cover){ r->k->face.name, at, r->k->origin.own });
    tally_inline_loc(t, body, r, NULL, 0, NULL, 0, at.file, at.line);
    tally__trace_cover(t, before);
}

static bool check_operands(tally_trace *t, const tally__class *k, const tally_node *x, int n, const char *verb, tally__place at)
{
    const int want = k->face.n_operands;
    if (n != want && n != want + 1) {
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at, "%s: %s, expected %d operand%s (%s%s%s) and at most a "
                          "sample_weight, found %d", k->face.name, verb, want, want == 1 ? "" : "s", tally__role(k, 0),
                          want == 1 ? "" : want == 2 ? ", " : " to ", want == 1 ? "" : tally__role(k, want - 1), n);
        return false;
    }
    return tally__operands_of(t, x, n, n == want + 1 ? 1u << want : 0, verb, at);
}

/* A number has neither trace nor dtype: as an operand it is a float64. */
static tally_node placed(tally_trace *t, tally_node x, tally__place at)
{
    double v;
    return tally__is_num(x, &v) ? tally__constant_f64(t, TALLY_F64, v, at) : tally__node_rounded(t, x, at);
}

/* States whose size is an operand's: the first batch decides. */
static bool size_states(tally_trace *t, const tally__class *k, tally_metric_ref m, const tally_update *u, tally__place at)
{
    for (int i = 0; i < k->face.n_states; i++) {
        const tally_state_spec *s = &k->face.states[i];
        for (int a = 0; a < s->rank; a++) {
            if (s->shape[a] >= 0)
                continue;
            const int operand = (int)(-1 - s->shape[a]) / TALLY_MAX_RANK, axis = (int)(-1 - s->shape[a]) % TALLY_MAX_RANK;
            const int rank = tally_node_rank(u->operand[operand]);
            if (k->origin.own && rank == axis) {           /* [n] is [n, 1] */
                tally__size_state(t, m, i, a, tally__size_fixed(t, 1), at);
                continue;
            }
            if (rank <= axis) {
                tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at, "%s: %s, expected rank %d or more (state \"%s\" has the size of "
                                  "its axis %d), found rank %d", k->face.name, tally__role(k, operand), axis + 1, s->name, axis, rank);
                return false;
            }
            tally__size_state(t, m, i, a, tally__node_of(u->operand[operand])->dim[axis], at);
        }
    }
    return tally__trace_ok(t);
}

/* The value that a class's result body gives for the store as the recording sees it here. */
static tally_node record_result(tally_trace *t, tally_metric_ref m, const tally__class *k, tally__place at)
{
    tally_node states[TALLY__CLASS_STATES];
    for (int i = 0; i < k->face.n_states; i++)
        states[i] = tally__read_cell(t, m, i, at);
    body_run r = { .k = k, .states = states };
    run_body(t, run_result_body, &r, at);
    if (!tally__operands_of(t, &r.result, 1, 0, "result", at))
        return tally__bad(t);
    tally_node x = placed(t, r.result, at);
    if (tally__trace_ok(t) && tally_node_rank(x) != k->face.result_rank)
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at, "%s: result, expected rank %d as the class says, found rank %d", k->face.name,
                          k->face.result_rank, tally_node_rank(x));
    return tally__trace_ok(t) ? x : tally__bad(t);
}

static bool check_metric(tally_trace *t, tally_metric_ref m, const char *verb, tally__place at)
{
    if (t && m.trace != t)
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at, "%s: metric, expected a reference of this body, found %s", verb,
                          m.trace ? "one of another" : "an absent one (all zero)");
    return t && m.trace == t;
}

/* batch: another metric of the class that takes the same update, or absent */
static void record_update(tally_trace *t, tally_metric_ref m, tally_metric_ref batch, const tally__class *k, const tally_node *operands, int n,
                          tally__place at)
{
    struct tally__update inside = { .k = k, .self = m, .batch = batch, .place = at };
    tally_update         u = { .config = tally__config_of(k), .self = m, .inside = &inside };
    tally_node           x[TALLY__CLASS_OPERANDS + 1];
    for (int i = 0; i < n; i++)
        x[i] = tally__is_absent(operands[i]) ? operands[i] : placed(t, operands[i], at);
    for (int i = 0; i < k->face.n_operands; i++)
        u.operand[i] = x[i];
    if (n > k->face.n_operands)
        u.weight = x[n - 1];
    if (!tally__trace_ok(t) || !size_states(t, k, m, &u, at) || (batch.trace && !size_states(t, k, batch, &u, at)))
        return;
    body_run r = { .k = k, .update = &u };
    tally__cover before = tally__trace_cover(t, (tally__cover){ k->face.name, at, true });
    tally__nan_before(t, &inside, x, n);
    run_body(t, run_update_body, &r, at);
    tally__nan_after(t, &inside);
    tally__trace_cover(t, before);
}

void tally_update_state_loc(tally_trace *t, tally_metric_ref m, const tally_node *operands, int n, const char *file, int line)
{
    const tally__place   at = { file, line };
    const tally__schema *schema = tally__metric_schema(m, at, "update_state");
    if (!check_metric(t, m, "update_state", at) || !schema)
        return;
    const tally__class *k = tally__class_of(schema);
    if (check_operands(t, k, operands, n, "update_state", at))
        record_update(t, m, (tally_metric_ref){ NULL, 0, 0 }, k, operands, n, at);
}

tally_node tally_forward_loc(tally_trace *t, tally_metric_ref m, const tally_node *operands, int n, const char *file, int line)
{
    const tally__place   at = { file, line };
    const tally__schema *schema = tally__metric_schema(m, at, "forward");
    if (!check_metric(t, m, "forward", at) || !schema)
        return tally__bad(t);
    const tally__class    *k = tally__class_of(schema);
    const tally_metric_ref batch = tally__batch_of(t, m, at);
    if (!tally__trace_ok(t) || !check_operands(t, k, operands, n, "forward", at))
        return tally__bad(t);
    tally__reset(t, batch, at);
    record_update(t, m, batch, k, operands, n, at);
    return tally__trace_ok(t) ? record_result(t, batch, k, at) : tally__bad(t);
}

static bool check_update(tally_trace *t, const tally_update *u, int state, const char *verb, tally__place at)
{
    if (!u || !u->inside || u->inside->self.trace != t) {
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at, "%s: u, expected the update that this body was given, found %s", verb,
                          u ? "another" : "NULL");
        return false;
    }
    const tally__class *k = u->inside->k;
    if (state >= 0 && state < k->face.n_states)
        return true;
    tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at, "%s: state, expected 0 to %d of %s, found %d", verb, k->face.n_states - 1,
                      k->face.name, state);
    return false;
}

/* A weight aligns from the left; one axis more than the value must have size 1. There the value gets the axis where it can,
 * for a weight of rank 2 keeps its right to sizes of 1, which one of rank 1 (an entry per sample) has not. */
static bool align_weight(tally_trace *t, tally_node *value, tally_node *weight, int state_rank, const char *verb, tally__place at)
{
    const int r = tally_node_rank(*value), q = tally_node_rank(*weight);
    if (q > r + 1) {
        tally__trace_fail(t, TALLY_INVALID_ARGUMENT, at, "%s: weight, expected rank %d or less for a value of rank %d, found "
                          "rank %d", verb, r + 1, r, q);
        return false;
    }
    if (q == r + 1 && r == 1 && !state_rank)
        *value = tally_expand_dims_loc(*value, 1, at.file, at.line);
    else if (q == r + 1)
        *weight = tally__without_one(*weight, r, "weight", at);
    return tally__trace_ok(t);
}

void tally_accumulate_loc(tally_trace *t, const tally_update *u, int state, tally_node value, tally_node weight, const char *file,
                          int line)
{
    const tally__place at = { file, line };
    const tally_node   x[2] = { value, weight };
    if (!t || !tally__operands_of(t, x, 2, 2, "accumulate", at) || !check_update(t, u, state, "accumulate", at))
        return;
    struct tally__update *in = u->inside;
    const int             own = in->k->face.states[state].rank;
    value = tally__is_num(value, NULL) ? placed(t, value, at) : value;
    weight = tally__is_absent(weight) ? weight : placed(t, weight, at);
    if (!tally__trace_ok(t))
        return;
    const int rank = tally_node_rank(value);
    if (!tally__is_absent(weight) && !align_weight(t, &value, &weight, own, "accumulate", at))
        return;
    in->reach = TALLY__MAX(in->reach, rank);
    const tally_node mask = tally__nan_mask(in, rank);
    tally__accumulate(t, in->self, state, value, weight, mask, at);
    if (in->batch.trace)
        tally__accumulate(t, in->batch, state, value, weight, mask, at);
}

void tally_accumulate_at_loc(tally_trace *t, const tally_update *u, int state, int axis, tally_node index, tally_node value,
                             tally_node weight, const char *file, int line)
{
    const tally__place at = { file, line };
    const tally_node   x[3] = { index, value, weight };
    if (!t || !tally__operands_of(t, x, 3, 4, "accumulate_at", at) || !check_update(t, u, state, "accumulate_at", at))
        return;
    struct tally__update *in = u->inside;
    value = placed(t, value, at);
    weight = tally__is_absent(weight) ? weight : placed(t, weight, at);
    if (!tally__trace_ok(t) || (!tally__is_absent(weight) && !align_weight(t, &index, &weight, 1, "accumulate_at", at)))
        return;
    const int rank = TALLY__MAX(tally_node_rank(index), 0);
    in->reach = TALLY__MAX(in->reach, rank);
    const tally_node mask = tally__nan_mask(in, rank);
    tally__accumulate_at(t, in->self, state, axis, index, value, weight, mask, at);
    if (in->batch.trace)
        tally__accumulate_at(t, in->batch, state, axis, index, value, weight, mask, at);
}

tally_node tally_result_loc(tally_trace *t, tally_metric_ref m, const char *file, int line)
{
    const tally__place   at = { file, line };
    const tally__schema *schema = tally__metric_schema(m, at, "result");
    if (!check_metric(t, m, "result", at) || !schema)
        return tally__bad(t);
    return record_result(t, m, tally__class_of(schema), at);
}

void tally_reset_state_loc(tally_trace *t, tally_metric_ref m, const char *file, int line)
{
    const tally__place at = { file, line };
    if (check_metric(t, m, "reset_state", at))
        tally__reset(t, m, at);
}
