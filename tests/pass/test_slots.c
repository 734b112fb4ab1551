/* slots: where the rows of a block stand. Plans as text, with the slot behind each value; then, for every body here, that no
 * value is written over before its last reader, and none is written over its own operand. */
#include "passing.h"

enum { ALL = TALLY__PASS_ALL };

static const char *every_value(const tally__plan *p, tally__id id, bool counted, void *user)
{
    const tally__node *n = &p->graph->node[id];
    (void)user;
    return !n->dtype || tally__is_view(n) || !n->rank ? NULL : counted ? "counts" : "loop";
}

/* the steps with their slots, spaces before them as one */
static void slots_text(fixture *f, tally_body body, const char *want, const char *file, int line)
{
    char          text[PASSING_ROOM], *to = text;
    tally__text   t = { text, sizeof text, 0 };
    tally__graph *g = recorded(f, body, f);
    tally__plan  *p = passing_plan(f, g, ALL);
    p->n_done = 0;
    tally__plan_dump(p, every_value, NULL, &t);
    assert_true(t.n < sizeof text);
    for (const char *from = text; (*to = *from) != 0; from++)
        if (from[0] != ' ' || from[1] != ' ' || to[-1] == '\n' || to[-1] == ' ')
            to++;
    passing_same(text, want, "plan", file, line);
    tally__plan_drop(p);
    tally__graph_drop(g);
}
#define assert_slots(body, want) slots_text(*state, body, want, __FILE__, __LINE__)

/* ---- bodies */
static void chain(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0);
    (void)user;
    for (int i = 0; i < 6; i++)
        x = tally_exp(tally_sub(x, tally_num(1 + i)));
    UPDATE(t, tally_arg_metric(t, 3), 0, x);
}

static void long_lived(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0), a = tally_exp(x), b = tally_sqrt(a), c = tally_log(b);
    (void)user;
    UPDATE(t, tally_arg_metric(t, 3), 0, tally_add(tally_square(c), a));
}

static void viewed(tally_trace *t, void *user)
{
    tally_node m = tally_arg(t, 1), e = tally_exp(m), column = tally_column(e, 1), other = tally_square(tally_column(m, 0));
    (void)user;
    UPDATE(t, tally_arg_metric(t, 3), 0, tally_add(other, column));
}

static void kept(tally_trace *t, void *user)
{
    tally_node m = tally_arg(t, 1), e = tally_exp(m), column = tally_column(e, 1);
    (void)user;
    UPDATE(t, tally_arg_metric(t, 3), 0, tally_square(tally_sqrt(tally_column(m, 0))));
    tally_return(t, column);
    tally_return(t, tally_sub(column, tally_num(1)));
}

static void counted(tally_trace *t, void *user)
{
    tally_node       x = tally_arg(t, 0), over = tally_gt(x, tally_num(0.5)), under = tally_lt(x, tally_num(0.25));
    tally_metric_ref mean = tally_arg_metric(t, 3);
    (void)user;
    UPDATE(t, mean, 0, over);
    UPDATE(t, mean, 1, under);
    UPDATE(t, tally_arg_metric(t, 4), 0, tally_not(under));
}

static void weighted(tally_trace *t, void *user)
{
    tally_node x = tally_arg(t, 0), over = tally_gt(x, tally_num(0.5));
    (void)user;
    tally__accumulate(t, tally_arg_metric(t, 3), 0, over, x, ABSENT, HERE);
    tally__accumulate(t, tally_arg_metric(t, 4), 0, x, ABSENT, over, HERE);
}

/* ---- texts */
static void a_chain_needs_two(void **state)
{
    assert_slots(chain, "plan\n"
                        "  rows of n load x0\n"
                        "    v1: float32[n] = x0 - 1 # loop, slot 0\n"
                        "    v2: float32[n] = exp(v1) # loop, slot 1\n"
                        "    v3: float32[n] = v2 - 2 # loop, slot 0\n"
                        "    v4: float32[n] = exp(v3) # loop, slot 1\n"
                        "    v5: float32[n] = v4 - 3 # loop, slot 0\n"
                        "    v6: float32[n] = exp(v5) # loop, slot 1\n"
                        "    v7: float32[n] = v6 - 4 # loop, slot 0\n"
                        "    v8: float32[n] = exp(v7) # loop, slot 1\n"
                        "    v9: float32[n] = v8 - 5 # loop, slot 0\n"
                        "    v10: float32[n] = exp(v9) # loop, slot 1\n"
                        "    v11: float32[n] = v10 - 6 # loop, slot 0\n"
                        "    v12: float32[n] = exp(v11) # loop, slot 1\n"
                        "    mean.total += sum(v12)\n");
}

static void what_is_read_late_holds_its_slot(void **state)
{
    assert_slots(long_lived, "plan\n"
                             "  rows of n load x0\n"
                             "    v1: float32[n] = exp(x0) # loop, slot 0\n"
                             "    v2: float32[n] = sqrt(v1) # loop, slot 1\n"
                             "    v3: float32[n] = log(v2) # loop, slot 2\n"
                             "    v4: float32[n] = square(v3) # loop, slot 1\n"
                             "    v5: float32[n] = v4 + v1 # loop, slot 2\n"
                             "    mean.total += sum(v5)\n");
}

static void a_view_holds_the_slot_of_its_operand(void **state)
{
    assert_slots(viewed, "plan\n"
                         "  rows of n load x1\n"
                         "    v1: float32[n, m] = exp(x1) # loop, slot 0\n"
                         "    v2: float32[n] = v1[.., 1]\n"
                         "    v3: float32[n] = x1[.., 0]\n"
                         "    v4: float32[n] = square(v3) # loop, slot 1\n"
                         "    v5: float32[n] = v4 + v2 # loop, slot 2\n"
                         "    mean.total += sum(v5)\n");
}

static void what_stays_has_none_and_what_it_views_lasts(void **state)
{
    assert_slots(kept, "plan\n"
                       "  rows of n load x1 keep v2, v6\n"
                       "    v1: float32[n, m] = exp(x1) # loop, slot 0\n"
                       "    v2: float32[n] = v1[.., 1]\n"
                       "    v3: float32[n] = x1[.., 0]\n"
                       "    v4: float32[n] = sqrt(v3) # loop, slot 1\n"
                       "    v5: float32[n] = square(v4) # loop, slot 2\n"
                       "    mean.total += sum(v5)\n"
                       "    v6: float32[n] = v2 - 1 # loop\n");
}

static void what_only_goes_into_numbers_is_counted(void **state)
{
    assert_slots(counted, "plan\n"
                          "  rows of n load x0\n"
                          "    b1: bool[n] = x0 > 0.5 # counts\n"
                          "    b2: bool[n] = x0 < 0.25 # loop, slot 1\n"
                          "    mean.total += sum(b1)\n"
                          "    mean.count += sum(b2)\n"
                          "    b3: bool[n] = not b2 # counts\n"
                          "    mean2.total += sum(b3)\n");
    assert_slots(weighted, "plan\n"
                           "  rows of n load x0\n"
                           "    b1: bool[n] = x0 > 0.5 # loop, slot 0\n"
                           "    mean.total += sum(x0 * b1)\n"
                           "    mean2.total += sum(x0) where b1\n");
}

/* ---- for all of them */
static tally__id holder(const tally__graph *g, const tally__step *s, tally__id id)
{
    for (uint32_t i = 0; i < s->n_node; i++)
        if (s->node[i] == id)
            return tally__is_view(&g->node[id]) ? holder(g, s, g->node[id].arg[0]) : id;
    return 0;
}

static uint32_t slot_of(const tally__step *s, tally__id id)
{
    for (uint32_t i = 0; i < s->n_node; i++)
        if (s->node[i] == id)
            return s->slot[i];
    return TALLY__NO_SLOT;
}

static void check_operand(const tally__graph *g, const tally__step *s, const tally__id *held, tally__id arg, uint32_t own)
{
    const tally__id from = arg ? holder(g, s, arg) : 0;
    const uint32_t  slot = slot_of(s, from);
    if (slot == TALLY__NO_SLOT)
        return;
    assert_int_equal(held[slot], from);
    assert_int_not_equal(slot, own);
}

static void check_loop(const tally__graph *g, const tally__step *s)
{
    tally__id held[64] = { 0 };
    assert_in_range(s->n_slot, 0, 63);
    for (uint32_t i = 0; i < s->n_node; i++) {
        const tally__node *n = &g->node[s->node[i]];
        for (uint32_t k = 0; k < n->n_arg; k++)
            check_operand(g, s, held, n->arg[k], s->slot[i]);
        if (s->slot[i] != TALLY__NO_SLOT)
            held[s->slot[i]] = s->node[i];
    }
    for (uint32_t i = 0; i < s->n_keep; i++)
        check_operand(g, s, held, s->keep[i], TALLY__NO_SLOT);
}

static void nothing_is_written_over_while_it_is_needed(void **state)
{
    static const tally_body bodies[] = { chain, long_lived, viewed, kept, counted, weighted };
    for (size_t b = 0; b < TALLY__COUNT(bodies); b++) {
        tally__graph *g = recorded(*state, bodies[b], *state);
        tally__plan  *p = passing_plan(*state, g, ALL);
        for (uint32_t i = 0; i < p->region[1].n_step; i++)
            if (p->region[1].step[i].kind == TALLY__STEP_LOOP)
                check_loop(p->graph, &p->region[1].step[i]);
        tally__plan_drop(p);
        tally__graph_drop(g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_chain_needs_two),
        CASE(what_is_read_late_holds_its_slot),
        CASE(a_view_holds_the_slot_of_its_operand),
        CASE(what_stays_has_none_and_what_it_views_lasts),
        CASE(what_only_goes_into_numbers_is_counted),
        CASE(nothing_is_written_over_while_it_is_needed),
    };
    return cmocka_run_group_tests_name("pass/slots", tests, NULL, NULL);
}
