/* A plan changes no bit: random programs run node by node, as recorded, and under every plan: all passes, each pass left
 * out, every instruction set of this machine, blocks of 3 and of 1024 elements, loops cut into parts that one to four threads
 * take, calls cut off by an interrupt or for want of memory and made again. All transcripts of a program are equal.
 * Then every effect is taken out of the program that a split of the batch may change, and its rows are fed in pieces, in any
 * order: the states have the bits of the whole. TALLY_PROGRAM=<number> runs that program alone. */
#include "program_bench.h"

enum { PROGRAMS = 10000, SHOWN = 3, PIECES_MOST = 6 };

static uint64_t seed_of(size_t k)
{
    test_rng r = { UINT64_C(0x91a5) + k };
    return test_next(&r);
}

typedef struct tally_of_programs {
    size_t programs, calls, failed, shared, wrong;
    size_t split, in_loops, pieces, open;   /* programs fed in pieces; with updates in a loop over the rows; left open */
} tally_of_programs;

/* ---- every plan ---- */
static void run_variant(const bench *b, const variant *v, transcript *t, tally_of_programs *n)
{
    stage s;
    stage_open(&s, b, v, t);
    for (int call = 0; call < BENCH_CALLS; call++)
        stage_call(&s, b->x[call], call);
    n->shared += s.v->workers > 0 && s.shared;
    stage_close(&s);
}

static const char *told(const transcript *t, int call) { return t->status[call] ? t->text[call] : "right"; }

/* how many plans of this program are wrong */
static int judge_plans(const bench *b, size_t at, tally_of_programs *n)
{
    static transcript base, other;
    variant           v[BENCH_VARIANTS];
    int               n_v = bench_variants(v, at), wrong = 0;
    run_variant(b, &v[0], &base, n);
    for (int call = 0; call < BENCH_CALLS; call++)
        n->failed += base.status[call] != TALLY_OK;
    for (int i = 1; i < n_v; i++) {
        run_variant(b, &v[i], &other, n);
        int call = transcripts_differ(&base, &other);
        wrong += call >= 0;
        if (call >= 0 && n->wrong < SHOWN)
            print_error("program %zu, call %d, %s: %s; as recorded: %s\n", at, call, v[i].name, told(&other, call), told(&base, call));
    }
    return wrong;
}

/* ---- any split ---- */
static void piece_of(const bench *b, int call, int64_t from, int64_t n, tally_tensor *x)
{
    for (int k = 0; k < b->p->n_inputs; k++) {
        x[k] = b->x[call][k];
        if (!x[k].rank || b->p->input[k].size[0] != SIZE_N)
            continue;
        x[k].shape[0] = n;
        if (x[k].data)
            x[k].data = (const char *)x[k].data + from * x[k].stride[0] * (int64_t)tally__element_size(x[k].dtype);
    }
}

/* n pieces lie between n + 1 rising marks; some are empty */
static void cut_rows(test_rng *r, int64_t *mark, size_t n, int64_t rows)
{
    for (size_t i = 1; i < n; i++) {
        int64_t here = (int64_t)test_below(r, (size_t)rows + 1);
        size_t  at = i;
        for (; mark[at - 1] > here; at--)
            mark[at] = mark[at - 1];
        mark[at] = here;
    }
    mark[0] = 0;
    mark[n] = rows;
}

/* the pieces from one on, round to it again; false: one failed */
static bool feed_pieces(stage *s, int call, test_rng *r, tally_of_programs *n)
{
    int64_t mark[PIECES_MOST + 1] = { 0 };
    size_t  pieces = 1 + test_below(r, PIECES_MOST), first = test_below(r, pieces);
    cut_rows(r, mark, pieces, s->b->size[call][SIZE_N]);
    n->pieces += pieces;
    for (size_t i = 0; i < pieces; i++) {
        tally_tensor x[MAX_INPUTS];
        size_t       at = (first + i) % pieces;
        piece_of(s->b, call, mark[at], mark[at + 1] - mark[at], x);
        s->t->n = 0;
        stage_call(s, x, 0);
        if (s->t->status[0])
            return false;
    }
    return true;
}

static bool same_stores(const stage *a, const stage *b)
{
    static transcript x, y;
    x.n = y.n = 0;
    stage_stores(a, &x);
    stage_stores(b, &y);
    return x.n == y.n && !memcmp(x.byte, y.byte, x.n);
}

/* the call after which the states differ, or -1 */
static int split_goes_wrong(stage *whole, stage *cut, split_kept kept, tally_of_programs *n)
{
    test_rng r = { whole->b->p->seed };
    for (int call = 0; call < BENCH_CALLS; call++) {
        whole->t->n = 0;
        stage_call(whole, whole->b->x[call], call);
        if (whole->t->status[call])
            continue;
        if (!feed_pieces(cut, call, &r, n)) {
            n->open += kept.open;
            return kept.open ? -1 : call;
        }
        if (!same_stores(whole, cut))
            return call;
    }
    return -1;
}

static int judge_split(const bench *b, size_t at, tally_of_programs *n)
{
    static transcript one, other;
    variant           v[BENCH_VARIANTS];
    stage             whole, cut;
    split_kept        kept = program_split(b->p);
    int               n_v = bench_variants(v, at);
    if (!kept.updates)
        return 0;
    stage_open(&whole, b, &v[0], &one);
    stage_open(&cut, b, &v[1 + at % (size_t)(n_v - 1)], &other);
    int call = split_goes_wrong(&whole, &cut, kept, n);
    if (call >= 0 && n->wrong < SHOWN)
        print_error("program %zu, call %d, in pieces, %s: %s\n", at, call, cut.v->name, other.status[0] ? other.text[0] : "other states");
    stage_close(&whole);
    stage_close(&cut);
    n->split++;
    n->in_loops += kept.in_loops > 0;
    return call >= 0;
}

/* ---- all ---- */
static void judge(size_t at, tally_of_programs *n)
{
    bench b;
    bench_open(&b, seed_of(at));
    int wrong = judge_plans(&b, at, n);
    if (wrong && n->wrong < SHOWN)
        program_print(b.p);
    int wrong_split = judge_split(&b, at, n);
    if (wrong_split && n->wrong < SHOWN)
        program_print(b.p);
    n->wrong += wrong || wrong_split;
    n->programs++;
    n->calls += BENCH_CALLS;
    bench_close(&b);
}

static void every_plan_and_every_split_gives_the_bits_of_the_recording(void **state)
{
    const char       *only = getenv("TALLY_PROGRAM");
    size_t            count = only ? 1 : test_scaled(PROGRAMS), from = only ? strtoul(only, NULL, 0) : 0;
    tally_of_programs n = { 0 };
    variant           v[BENCH_VARIANTS];
    (void)state;
    crew_start();
    for (size_t k = from; k < from + count; k++)
        judge(k, &n);
    crew_stop();
    print_message("%zu programs under %d plans each, %zu of %zu calls had to fail and did, %zu programs had loops on threads\n", n.programs,
                  bench_variants(v, 0) - 1, n.failed, n.calls, n.shared);
    print_message("%zu programs fed in %zu pieces, %zu with updates in a loop over the rows, %zu left open\n", n.split, n.pieces, n.in_loops, n.open);
    assert_int_equal(n.wrong, 0);
    if (only)
        return;
    assert_true(n.failed * 2 < n.calls);                    /* or the generator has lost its point */
    assert_true(n.shared * 10 > n.programs);
    assert_true(n.split * 5 > n.programs && n.in_loops * 200 > n.programs && n.open * 5 < n.split);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_plan_and_every_split_gives_the_bits_of_the_recording) };
    return cmocka_run_group_tests_name("laws/plan_laws", tests, NULL, NULL);
}
