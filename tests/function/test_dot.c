/* A function as a picture: recordings and plans in DOT, read by the reader of dot.h, one of each compared whole. The instruction
 * set is the baseline, so that the texts are the same on every machine. */
#include "call.h"
#include "dot.h"

#include <tally/metrics.h>

enum { TEXT_ROOM = 1 << 16 };
static char       text[TEXT_ROOM];
static dot_reader reader;

/* ---- bodies */
#line 1 "batch.c"
static void process_batch(tally_trace *t, void *user)
{
    tally_node       batch = tally_arg(t, 0);
    tally_metric_ref accuracy = tally_arg_metric(t, 1), loss = tally_arg_metric(t, 2);
    tally_node       predictions = tally_column(batch, 0), labels = tally_column(batch, 1);
    (void)user;
    tally_update_state(t, accuracy, labels, predictions);
    tally_update_state(t, loss, tally_reduce_mean(tally_square(tally_sub(predictions, labels))));
    tally_return_metric(t, accuracy);
    tally_return(t, tally_result(t, loss));
}
#line 26 "test_dot.c"

static void branches_in_a_loop(tally_trace *t, void *user)
{
    tally_node       x = tally_column(tally_arg(t, 0), 0), i = tally_i64(t, 0), top = tally_f32(t, 0);
    tally_metric_ref all = tally_arg_metric(t, 1), big = tally_arg_metric(t, 2);
    (void)user;
    TALLY_WHILE(t, tally_lt(i, tally_dim(x, 0)), &i, &top) {
        tally_node v = tally_at(x, i);
        TALLY_IF(t, tally_gt(v, tally_num(10)), &top) {
            tally_update_state(t, big, v);
            top = v;
        } else {
            TALLY_IF(t, tally_lt(v, tally_num(0))) { tally_reset_state(t, big); }
        }
        tally_update_state(t, big, v);
        i = tally_add(i, tally_num(1));
    }
    tally_update_state(t, all, x, tally_exp(x));
    tally_return(t, top);
    tally_return(t, tally_result(t, big));
}

/* n2, n3 add to a, n4 reads it, n6 adds to b, n7 adds to a, n8 reads it, n10 empties it, n11 adds to it, n12 and n13 print */
static void in_order(tally_trace *t, void *user)
{
    tally_node       x = tally_arg(t, 0);
    tally_metric_ref a = tally_arg_metric(t, 1), b = tally_arg_metric(t, 2);
    (void)user;
    add_to(t, a, x);
    add_to(t, a, x);
    tally_node first = total_of(t, a);
    add_to(t, b, x);
    add_to(t, a, x);
    tally_node second = total_of(t, a);
    tally__reset(t, a, HERE);
    add_to(t, a, x);
    tally_print(t, "first", first);
    tally_print(t, "second", second);
    tally_assert(t, tally_lt(first, second), "it grows");
}

static void hostile(tally_trace *t, void *user)
{
    (void)user;
    add_to(t, tally_arg_metric(t, 1), tally_arg(t, 0));
    tally_print(t, "a \"b\" \\N c\\", tally_arg(t, 0));
    tally_assert(t, tally_reduce_all(tally_gt(tally_arg(t, 0), tally_num(0))), "two\nlines\tand &lt; {|}<>");
    tally_return_metric(t, tally_arg_metric(t, 1));
}

/* ---- a function of a matrix and two metrics, recorded */
typedef struct recorded {
    tally_function *f;
    tally_metric   *a, *b;
} recorded;

static recorded record(fixture *f, tally_body body)
{
    tally_error  err;
    float        rows[6] = { 1, 1, 0, 1, 0.25f, 0 };
    tally_tensor x = tally_matrix(rows, 3, 2);
    recorded     r = { make_function(f, "function", body, NULL), NULL, NULL };
    r.a = body == in_order ? as_metric(sum_store(f->context)) : tally_accuracy_new(NULL, &err);
    r.b = body == in_order ? as_metric(sum_store(f->context)) : tally_mean_new(NULL, &err);
    tally__function_tune(r.f, TALLY__PASS_ALL, TALLY__ISA_BASE, 1024);
    assert_ok(tally_function_prepare(r.f, TALLY_IN(&x, r.a, r.b), &err), &err);
    return r;
}

static void forget(recorded *r)
{
    tally_function_release(r->f);
    tally_metric_release(r->a);
    tally_metric_release(r->b);
}

/* reads it and leaves it in text */
static void draw(const recorded *r, int plan)
{
    tally_error err;
    size_t      n = tally_function_dot(r->f, 0, plan, text, sizeof text, &err);
    assert_in_range(n, 1, sizeof text);
    assert_int_equal(n, strlen(text) + 1);
    assert_dot(&reader, text);
}

static void compare(const char *want)
{
    if (strcmp(text, want))
        print_error("got\n%s\nexpected\n%s\n", text, want);
    assert_string_equal(text, want);
}

/* ---- texts */
static const char batch_recorded[] =
    "digraph \"function\" {\n"
    "  fontname=\"monospace\";\n"
    "  node [shape=box, fontname=\"monospace\"];\n"
    "  n1 [shape=oval, tooltip=\"argument\", label=\"x0: float32[n, m]\\nbatch.c:3\"];\n"
    "  n2 [tooltip=\"column\", label=\"v1: float32[n] = x0[.., 0]\\nbatch.c:5\"];\n"
    "  n3 [tooltip=\"column\", label=\"v2: float32[n] = x0[.., 1]\\nbatch.c:5\"];\n"
    "  n4 [tooltip=\"eq\", label=\"b3: bool[n] = v2 == v1\\nbatch.c:7\"];\n"
    "  n5 [style=filled, tooltip=\"accumulate\", label=\"accuracy.total += sum(b3)\\nbatch.c:7\"];\n"
    "  n6 [tooltip=\"ones_like\", label=\"b4: bool[n] = ones_like(b3)\\nbatch.c:7\"];\n"
    "  n7 [style=filled, tooltip=\"accumulate\", label=\"accuracy.count += sum(b4)\\nbatch.c:7\"];\n"
    "  n8 [tooltip=\"sub\", label=\"v5: float32[n] = v1 - v2\\nbatch.c:8\"];\n"
    "  n9 [tooltip=\"square\", label=\"v6: float32[n] = square(v5)\\nbatch.c:8\"];\n"
    "  n10 [tooltip=\"reduce_mean\", label=\"v7: float32 = reduce_mean(v6)\\nbatch.c:8\"];\n"
    "  n11 [style=filled, tooltip=\"accumulate\", label=\"mean.total += v7\\nbatch.c:8\"];\n"
    "  n12 [tooltip=\"ones_like\", label=\"v8: float32 = ones_like(v7)\\nbatch.c:8\"];\n"
    "  n13 [style=filled, tooltip=\"accumulate\", label=\"mean.count += v8\\nbatch.c:8\"];\n"
    "  n14 [style=filled, tooltip=\"read_cell\", label=\"v9: float64 = mean.total\\nbatch.c:10\"];\n"
    "  n15 [style=filled, tooltip=\"read_cell\", label=\"v10: float64 = mean.count\\nbatch.c:10\"];\n"
    "  n16 [tooltip=\"ratio\", label=\"v11: float64 = ratio(v9, v10)\\nbatch.c:10\"];\n"
    "  n1 -> n2;\n"
    "  n1 -> n3;\n"
    "  n3 -> n4;\n"
    "  n2 -> n4;\n"
    "  n4 -> n5;\n"
    "  n4 -> n6;\n"
    "  n6 -> n7;\n"
    "  n2 -> n8;\n"
    "  n3 -> n8;\n"
    "  n8 -> n9;\n"
    "  n9 -> n10;\n"
    "  n10 -> n11;\n"
    "  n10 -> n12;\n"
    "  n12 -> n13;\n"
    "  n14 -> n16;\n"
    "  n15 -> n16;\n"
    "  o0 [shape=oval, label=\"return accuracy\"];\n"
    "  o1 [shape=oval, label=\"return v11\"];\n"
    "  n16 -> o1;\n"
    "  n11 -> n14 [style=dashed];\n"
    "  n13 -> n15 [style=dashed];\n"
    "  labelloc=t;\n"
    "  label=\"function: recording\";\n"
    "}\n";

static const char batch_planned[] =
    "digraph \"function\" {\n"
    "  fontname=\"monospace\";\n"
    "  node [shape=box, fontname=\"monospace\"];\n"
    "  n1 [shape=oval, tooltip=\"argument\", label=\"x0: float32[n, m]\"];\n"
    "  subgraph cluster_n2 { label=\"rows of n load x0\";\n"
    "    n2 [tooltip=\"column\", label=\"v1: float32[n] = x0[.., 0]\"];\n"
    "    n3 [tooltip=\"column\", label=\"v2: float32[n] = x0[.., 1]\"];\n"
    "    n4 [tooltip=\"eq\", label=\"b3: bool[n] = v2 == v1\\nbase counts\"];\n"
    "    n5 [style=filled, tooltip=\"accumulate\", label=\"accuracy.total += sum(b3)\"];\n"
    "    n6 [style=filled, tooltip=\"accumulate\", label=\"accuracy.count += count(b3)\"];\n"
    "    n7 [tooltip=\"sub\", label=\"v4: float32[n] = v1 - v2\\nbase, slot 0\"];\n"
    "    n8 [tooltip=\"square\", label=\"v5: float32[n] = square(v4)\\nbase, slot 1\"];\n"
    "    n9 [tooltip=\"reduce_mean\", label=\"v6: float32 = reduce_mean(v5)\\nreference\"];\n"
    "  }\n"
    "  n10 [style=filled, tooltip=\"accumulate\", label=\"mean.total += v6\"];\n"
    "  n11 [style=filled, tooltip=\"accumulate\", label=\"mean.count += count(v6)\"];\n"
    "  n12 [style=filled, tooltip=\"read_cell\", label=\"v7: float64 = mean.total\"];\n"
    "  n13 [style=filled, tooltip=\"read_cell\", label=\"v8: float64 = mean.count\"];\n"
    "  n14 [tooltip=\"ratio\", label=\"v9: float64 = ratio(v7, v8)\\nreference\"];\n"
    "  n1 -> n2;\n"
    "  n1 -> n3;\n"
    "  n3 -> n4;\n"
    "  n2 -> n4;\n"
    "  n4 -> n5;\n"
    "  n4 -> n6;\n"
    "  n2 -> n7;\n"
    "  n3 -> n7;\n"
    "  n7 -> n8;\n"
    "  n8 -> n9;\n"
    "  n9 -> n10;\n"
    "  n9 -> n11;\n"
    "  n12 -> n14;\n"
    "  n13 -> n14;\n"
    "  o0 [shape=oval, label=\"return accuracy\"];\n"
    "  o1 [shape=oval, label=\"return v9\"];\n"
    "  n14 -> o1;\n"
    "  n10 -> n12 [style=dashed];\n"
    "  n11 -> n13 [style=dashed];\n"
    "  labelloc=t;\n"
    "  label=\"function: plan\";\n"
    "}\n";

static void a_recording_has_a_box_a_node_and_the_users_lines(void **state)
{
    recorded r = record(*state, process_batch);
    draw(&r, 0);
    compare(batch_recorded);
    forget(&r);
}

static void a_plan_has_a_cluster_a_loop_and_what_runs_each_node(void **state)
{
    recorded r = record(*state, process_batch);
    draw(&r, 1);
    compare(batch_planned);
    forget(&r);
}

static bool has(const char *part)
{
    if (strstr(text, part))
        return true;
    print_error("no \"%s\" in\n%s\n", part, text);
    return false;
}

static void loops_and_branches_are_clusters_within_each_other(void **state)
{
    recorded r = record(*state, branches_in_a_loop);
    for (int plan = 0; plan < 2; plan++) {
        draw(&r, plan);
        assert_int_equal(reader.clusters.n, 9 + plan);      /* three heads, six regions; of the plan one loop over rows */
        assert_true(has("label=\"test\"") && has("label=\"body\"") && has("label=\"then\"") && has("label=\"else\""));
        assert_true(has("label=\"next i"));
        assert_int_equal(plan, strstr(text, "rows of n load x0 keep") != NULL);
    }
    forget(&r);
}

static void dashed_edges_are_the_order_that_counts(void **state)
{
    static const char *const edge[] = { "n2 -> n4 [",  "n3 -> n4 [",   "n4 -> n7 [",  "n7 -> n8 [",
                                        "n8 -> n10 [", "n10 -> n11 [", "n12 -> n13 [" };
    recorded r = record(*state, in_order);
    draw(&r, 0);
    for (size_t i = 0; i < TALLY__COUNT(edge); i++)
        assert_true(has(edge[i]));
    assert_int_equal(reader.dashed, TALLY__COUNT(edge));
    forget(&r);
}

static void names_and_texts_cannot_leave_their_quotation_marks(void **state)
{
    const tally__cell_spec spec = { "to\"tal", TALLY_STATE_SUM, 0, 0, { 0 } };
    fixture     *f = *state;
    tally_error  err;
    float        v[3] = { 1, 2, 3 };
    tally_tensor x = tally_vector(v, 3);
    tally_metric *bad = as_metric(test_store(f->context, "Bad\\Class\"&amp;", 1, &spec));
    recorded     r = { make_function(f, "f\"g\\", hostile, NULL), bad, NULL };
    tally__function_tune(r.f, TALLY__PASS_ALL, TALLY__ISA_BASE, 1024);
    assert_ok(tally_function_prepare(r.f, TALLY_IN(&x, r.a), &err), &err);
    for (int plan = 0; plan < 2; plan++) {
        draw(&r, plan);
        assert_true(has("digraph \"f\\\"g\\\\\" {\n") && has("bad\\\\class\\\"&amp;amp;.to\\\"tal += sum(x0)"));
        assert_true(has("print x0 \\\"a \\\"b\\\" \\\\N c\\\\\\\"") && has("\\\"two\\nlines and &amp;lt; {|}<>\\\""));
        assert_true(has("label=\"return bad\\\\class\\\"&amp;amp;\"") && has("label=\"f\\\"g\\\\: "));
    }
    forget(&r);
}

/* ---- room and errors */
static void it_tells_the_room_it_needs_and_never_writes_past_what_it_got(void **state)
{
    static char part[TEXT_ROOM];
    recorded    r = record(*state, branches_in_a_loop);
    for (int plan = 0; plan < 2; plan++) {
        draw(&r, plan);
        size_t need = strlen(text) + 1;
        assert_int_equal(tally_function_dot(r.f, 0, plan, NULL, 0, NULL), need);
        for (size_t n = 1; n <= need; n += 13) {
            memset(part, 'x', need + 1);
            assert_int_equal(tally_function_dot(r.f, 0, plan, part, n, NULL), need);
            assert_memory_equal(part, text, n - 1);
            assert_true(!part[n - 1] && part[n] == 'x');
        }
    }
    forget(&r);
}

static void refused_with(const tally_function *f, int trace, tally_status status, const char *part)
{
    tally_error err;
    strcpy(text, "before");
    assert_int_equal(tally_function_dot(f, trace, 1, text, sizeof text, &err), 0);
    assert_error_has(&err, status, part);
    assert_string_equal(text, "");
    assert_int_equal(tally_function_dot(f, trace, 1, NULL, 0, NULL), 0);
}

static void what_is_not_there_is_said(void **state)
{
    recorded        r = record(*state, in_order);
    tally_function *none = make_function(*state, "none", in_order, NULL);
    refused_with(NULL, 0, TALLY_INVALID_ARGUMENT, "function: expected one, found NULL");
    refused_with(r.f, 1, TALLY_INVALID_ARGUMENT, "function: trace, expected 0 to 0, found 1");
    refused_with(r.f, -1, TALLY_INVALID_ARGUMENT, "function: trace, expected 0 to 0, found -1");
    refused_with(none, 0, TALLY_INVALID_ARGUMENT, "none: trace, expected one that is recorded, found none so far");
    tally_function_release(none);
    forget(&r);
}

static void memory_that_is_refused_is_said_and_nothing_is_lost(void **state)
{
    fixture *f = *state;
    recorded r = record(f, in_order);
    size_t   blocks = atomic_load(&f->memory.blocks);
    f->memory.fail_at = atomic_load(&f->memory.calls) + 1;
    f->memory.fail_all_after = true;
    refused_with(r.f, 0, TALLY_RESOURCE_EXHAUSTED, "function: no memory for its text");
    f->memory.fail_at = 0;
    assert_int_equal(atomic_load(&f->memory.blocks), blocks);
    draw(&r, 1);
    assert_int_equal(atomic_load(&f->memory.blocks), blocks);
    forget(&r);
}

/* without a plan what runs is the recording */
static void without_a_plan_the_picture_is_the_recording(void **state)
{
    fixture     *f = *state;
    tally_error  err;
    float        v[3] = { 1, 2, 3 };
    tally_tensor x = tally_vector(v, 3);
    tally_metric *a = as_metric(sum_store(f->context)), *b = as_metric(sum_store(f->context));
    recorded     r = { make_function(f, "function", in_order, NULL), a, b };
    static char  first[TEXT_ROOM];
    tally__function_tune(r.f, 0, TALLY__ISA_BASE, 1024);
    assert_ok(tally_function_prepare(r.f, TALLY_IN(&x, r.a, r.b), &err), &err);
    draw(&r, 0);
    strcpy(first, text);
    draw(&r, 1);
    compare(first);
    forget(&r);
}

static void the_reader_sees_what_it_must(void **state)
{
    static const struct { const char *text, *wrong; } row[] = {
        { "digraph a {\n  n1 [label=\"x\"];\n  n1 -> n1 [style=dashed];\n}\n", NULL },
        { "digraph \"a\" { subgraph cluster_1 { label=\"\"; n1 [label=\"\\\"\"]; } }", NULL },
        { "graph a { }", "digraph" },
        { "digraph a { ", "no name" },
        { "digraph a { } }", "more behind the end" },
        { "digraph a { n1 [label=\"x\"]; n1 [label=\"x\"]; }", "declared twice" },
        { "digraph a { subgraph c { } subgraph c { } }", "declared twice" },
        { "digraph a { n1 [label=\"x\"]; n1 -> n2; }", "an edge whose end is no box" },
        { "digraph a { n2 -> n1; n1 [label=\"x\"]; }", "an edge whose end is no box" },
        { "digraph a { n1 [label=\"x\"] }", ";" },
        { "digraph a { n1 [label=\"x\"; }", "]" },
        { "digraph a { n1; }", "a box without a label" },
        { "digraph a { n1 [label=\"x\n\"]; }", "a text that does not end on its line" },
        { "digraph a { n1 [label=\"x\\N\"]; }", "a backslash before another sign" },
        { "digraph a { n1 [label=\"x\\", "a backslash before another sign" },
        { "digraph a { n1 [label=\"&lt;\"]; }", "an entity" },
        { "digraph a { n-1 [label=\"x\"]; }", ";" },
    };
    (void)state;
    for (size_t i = 0; i < TALLY__COUNT(row); i++) {
        bool good = dot_read(&reader, row[i].text);
        if (good != !row[i].wrong || (!good && strcmp(reader.wrong, row[i].wrong)))
            fail_msg("%s: %s", row[i].text, reader.wrong ? reader.wrong : "nothing is wrong");
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_recording_has_a_box_a_node_and_the_users_lines),
        CASE(a_plan_has_a_cluster_a_loop_and_what_runs_each_node),
        CASE(loops_and_branches_are_clusters_within_each_other),
        CASE(dashed_edges_are_the_order_that_counts),
        CASE(names_and_texts_cannot_leave_their_quotation_marks),
        CASE(it_tells_the_room_it_needs_and_never_writes_past_what_it_got),
        CASE(what_is_not_there_is_said),
        CASE(memory_that_is_refused_is_said_and_nothing_is_lost),
        CASE(without_a_plan_the_picture_is_the_recording),
        cmocka_unit_test(the_reader_sees_what_it_must),
    };
    return cmocka_run_group_tests_name("function/dot", tests, NULL, NULL);
}
