/* A plan changes no bit: random programs run node by node, as recorded, and under every plan: all passes, each pass left
 * out, every instruction set of this machine, blocks of 3 and of 1024 elements. Statuses, texts of errors, prints, returned
 * values, states and variables are written into a transcript, NaN as one NaN; all transcripts of a program are equal.
 * TALLY_PROGRAM=<number> runs that program alone. */
#include "layout.h"
#include "program.h"

#include "../../src/function/function.h"

enum { PROGRAMS = 10000, SHOWN = 3, CALLS = 3, OUT_ROOM = 1 << 15, VARIANTS = 16 };

/* ---- what runs ---- */
typedef struct variant {
    const char *name;
    unsigned    passes;
    tally__isa  isa;
    uint32_t    block;
} variant;

static int all_variants(variant *v)
{
    enum { ALL = TALLY__PASS_ALL };
    static const variant fixed[] = {
        { "as recorded", 0, TALLY__ISA_BASE, 1024 },
        { "all passes, blocks of 1024", ALL, TALLY__ISA_AVX512, 1024 },
        { "all passes, blocks of 3", ALL, TALLY__ISA_AVX512, 3 },
        { "without fold", ALL & ~TALLY__PASS_FOLD, TALLY__ISA_AVX512, 3 },
        { "without cse", ALL & ~TALLY__PASS_CSE, TALLY__ISA_AVX512, 3 },
        { "without ranges", ALL & ~TALLY__PASS_RANGES, TALLY__ISA_AVX512, 3 },
        { "without peephole", ALL & ~TALLY__PASS_PEEPHOLE, TALLY__ISA_AVX512, 3 },
        { "without count", ALL & ~TALLY__PASS_COUNT, TALLY__ISA_AVX512, 3 },
        { "without dce", ALL & ~TALLY__PASS_DCE, TALLY__ISA_AVX512, 3 },
        { "without fuse", ALL & ~TALLY__PASS_FUSE, TALLY__ISA_AVX512, 3 },
    };
    int n = (int)TALLY__COUNT(fixed);
    memcpy(v, fixed, sizeof fixed);
    v[n++] = (variant){ "baseline instructions", ALL, TALLY__ISA_BASE, 1024 };
    if (tally__cpu() > TALLY__ISA_AVX2)
        v[n++] = (variant){ "avx2", ALL, TALLY__ISA_AVX2, 1024 };
    return n;
}

/* ---- what it did ---- */
typedef struct transcript {
    unsigned char *byte;
    size_t         n, room;
    size_t         at[CALLS];               /* where each call begins */
    tally_status   status[CALLS];
    char           text[CALLS][256];
} transcript;

static void note(transcript *t, const void *p, size_t n)
{
    if (t->n + n > t->room) {
        t->room = 2 * (t->n + n);
        t->byte = realloc(t->byte, t->room);
        assert_non_null(t->byte);
    }
    if (n)
        memcpy(t->byte + t->n, p, n);
    t->n += n;
}

static void note_numbers(transcript *t, const void *data, int dtype, int64_t n)
{
    size_t size = tally__element_size(dtype);
    if (!tally__is_float(dtype)) {
        note(t, data, (size_t)n * size);
        return;
    }
    for (int64_t k = 0; k < n; k++) {
        double v = tally__load_f64((const char *)data + (size_t)k * size, dtype);
        v = v == v ? v : (double)NAN;
        note(t, &v, sizeof v);
    }
}

static void note_buffer(transcript *t, const tally_buffer *b)
{
    note(t, b->shape, (size_t)b->rank * sizeof b->shape[0]);
    note_numbers(t, b->data, b->dtype, tally__elements(b->rank, b->shape));
}

static void note_line(void *user, tally_level level, const char *line)
{
    if (level == TALLY_LOG_PRINT)
        note(user, line, strlen(line));
}

/* ---- a program with the data of its calls ---- */
typedef struct bench {
    program     *p;
    test_rng     r;
    int64_t      size[SIZE_FIRST_RUN];
    tally_tensor x[CALLS][MAX_INPUTS];
    array       *variable[MAX_VARIABLES];
    recording    rec;
} bench;

static void new_sizes(bench *b)
{
    static const int64_t rows[] = { 0, 1, 2, 3, 4, 5, 7, 10, 13, 64 }, widths[] = { 1, 2, 3, 5, 2, 3, 4, 33 };
    b->size[SIZE_MADE] = 1;
    b->size[SIZE_N] = rows[test_below(&b->r, test_below(&b->r, 8) ? 9 : 10)];
    b->size[SIZE_M] = widths[test_below(&b->r, test_below(&b->r, 6) ? 7 : 8)];
    b->size[SIZE_K] = test_below(&b->r, 12) ? widths[test_below(&b->r, 4)] : 0;
    b->size[SIZE_THREE] = 3;
    b->size[SIZE_FOUR] = 4;
}

static void make_data(bench *b)
{
    int64_t fixed[SIZE_FIRST_RUN] = { 1, 0, 0, 0, 3, 4 };
    for (int k = 0; k < b->p->body->n; k++)
        if (b->p->body->at[k].op == OP_CAPTURED) {
            int at = b->p->body->at[k].dst;
            b->rec.captured[at] = random_array(&b->r, b->p->pool, b->p->reg[at], fixed, b->p->wild);
        }
    for (int k = 0; k < b->p->n_variables; k++)
        b->variable[k] = random_array(&b->r, b->p->pool, b->p->variable[k], fixed, b->p->wild);
    for (int call = 0; call < CALLS; call++) {
        new_sizes(b);
        for (int k = 0; k < b->p->n_inputs; k++)
            b->x[call][k] = array_scatter(&b->r, b->p->pool, random_array(&b->r, b->p->pool, b->p->input[k], b->size, b->p->wild));
    }
}

static int collect_in(bench *b, int call, tally_value *in)
{
    int n = 0;
    for (int k = 0; k < b->p->n_inputs; k++)
        in[n++] = tally__in_tensor(&b->x[call][k]);
    for (int k = 0; k < b->p->n_metric_refs; k++)
        if (!b->p->ref[k].captured)
            in[n++] = tally__in_metric(b->rec.metric[b->p->ref[k].store]);
    for (int k = 0; k < b->p->n_variables; k++)
        if (!b->p->variable_captured[k])
            in[n++] = tally__in_variable(b->rec.variable[k]);
    return n;
}

static void note_stores(bench *b, transcript *t)
{
    static uint64_t room[OUT_ROOM];
    for (int k = 0; k < b->p->n_stores; k++) {
        size_t n = tally_metric_pack(b->rec.metric[k], room, sizeof room);
        assert_true(n <= sizeof room);
        note(t, room, n);
    }
    for (int k = 0; k < b->p->n_variables; k++) {
        tally_buffer v = { room, b->p->variable[k].dtype, 0, OUT_ROOM, { 0 } };
        assert_ok(tally_variable_read(b->rec.variable[k], &v, NULL), NULL);
        note_buffer(t, &v);
    }
}

static void run_call(bench *b, tally_function *f, int call, transcript *t)
{
    static uint64_t room[MAX_RETURNS][OUT_ROOM];
    tally_value   in[MAX_INPUTS + MAX_METRICS + MAX_VARIABLES];
    tally_slot    out[MAX_RETURNS + MAX_METRICS];
    tally_buffer  to[MAX_RETURNS];
    tally_metric *back[MAX_METRICS];
    tally_error   err = { 0, 0, "" };
    int           n_in = collect_in(b, call, in), n_out = 0;
    for (int k = 0; k < b->p->n_returns; k++) {
        to[k] = (tally_buffer){ room[k], b->p->reg[b->p->returns[k]].dtype, 0, OUT_ROOM, { 0 } };
        out[n_out++] = tally__out_buffer(&to[k]);
    }
    for (int k = 0; k < b->p->n_metric_refs; k++)
        if (b->p->return_metric[k])
            out[n_out++] = tally__out_metric(&back[k]);
    t->at[call] = t->n;
    t->status[call] = tally_call(f, in, n_in, n_out ? out : NULL, n_out, &err);
    memcpy(t->text[call], t->status[call] ? err.text : "", t->status[call] ? sizeof err.text : 1);
    for (int k = 0; k < b->p->n_returns && !t->status[call]; k++)
        note_buffer(t, &to[k]);
    note_stores(b, t);
}

static void run_variant(bench *b, const variant *v, transcript *t)
{
    tally_context_options  co = TALLY_CONTEXT_OPTIONS_INIT;
    tally_function_options fo = TALLY_FUNCTION_OPTIONS_INIT;
    tally_error            err;
    t->n = 0;
    co.log = note_line;
    co.user = t;
    fo.context = tally_context_new(&co, &err);
    b->rec.p = b->p;
    for (int k = 0; k < b->p->n_stores; k++)
        assert_non_null(b->rec.metric[k] = kind_new(b->p->store[k], fo.context, &err));
    for (int k = 0; k < b->p->n_variables; k++) {
        tally_tensor x = array_view(b->variable[k]);
        assert_non_null(b->rec.variable[k] = tally_variable_new(fo.context, &x, &err));
    }
    tally_function *f = tally_function_new(program_body, &b->rec, &fo, &err);
    tally__function_tune(f, v->passes, v->isa, v->block);
    for (int call = 0; call < CALLS; call++)
        run_call(b, f, call, t);
    tally_function_release(f);
    for (int k = 0; k < b->p->n_stores; k++)
        tally_metric_release(b->rec.metric[k]);
    for (int k = 0; k < b->p->n_variables; k++)
        tally_variable_release(b->rec.variable[k]);
    tally_context_release(fo.context);
}

/* the first call that differs, or -1 */
static int differs(const transcript *a, const transcript *b)
{
    for (int call = 0; call < CALLS; call++) {
        size_t end_a = call + 1 < CALLS ? a->at[call + 1] : a->n, end_b = call + 1 < CALLS ? b->at[call + 1] : b->n;
        if (a->status[call] != b->status[call] || strcmp(a->text[call], b->text[call]) || end_a != end_b ||
            memcmp(a->byte + a->at[call], b->byte + b->at[call], end_a - a->at[call]))
            return call;
    }
    return -1;
}

static const char *told(const transcript *t, int call) { return t->status[call] ? t->text[call] : "right"; }

static uint64_t seed_of(size_t k)
{
    test_rng r = { UINT64_C(0x91a5) + k };
    return test_next(&r);
}

/* how many plans of this program are wrong */
static int judge(size_t at, bool show, size_t *failed)
{
    static transcript base, other;
    variant           v[VARIANTS];
    int               n = all_variants(v), wrong = 0;
    bench             b = { .p = program_make(seed_of(at)) };
    b.r.state = ~b.p->seed;
    make_data(&b);
    run_variant(&b, &v[0], &base);
    for (int call = 0; call < CALLS; call++)
        *failed += base.status[call] != TALLY_OK;
    for (int i = 1; i < n; i++) {
        run_variant(&b, &v[i], &other);
        int call = differs(&base, &other);
        wrong += call >= 0;
        if (call >= 0 && show)
            print_error("program %zu, call %d, %s: %s; as recorded: %s\n", at, call, v[i].name, told(&other, call), told(&base, call));
    }
    if (wrong && show)
        program_print(b.p);
    program_free(b.p);
    return wrong;
}

static void every_plan_of_a_program_gives_the_bits_of_its_recording(void **state)
{
    const char *only = getenv("TALLY_PROGRAM");
    size_t      n = only ? 1 : test_scaled(PROGRAMS), from = only ? strtoul(only, NULL, 0) : 0, failed = 0, wrong = 0;
    variant     v[VARIANTS];
    (void)state;
    for (size_t k = from; k < from + n; k++)
        wrong += judge(k, wrong < SHOWN, &failed) != 0;
    print_message("%zu programs under %d plans each, %zu of %zu calls had to fail and did\n", n, all_variants(v) - 1, failed, n * CALLS);
    assert_int_equal(wrong, 0);
    assert_true(only || failed * 2 < n * CALLS);
}

/* ---- what the passes join, on labels that take the short way and others that do not ---- */
enum { JOINED_ROWS = 300, JOINED_ROUNDS = 400 };
typedef struct joined {
    int32_t      dtype[2];              /* of labels and scores */
    double       label[JOINED_ROWS], score[JOINED_ROWS];
    uint64_t     room[2][JOINED_ROWS];
    tally_tensor x[2];
} joined;

static void make_joined(joined *j, test_rng *r)
{
    static const int32_t labels[] = { TALLY_F32, TALLY_F64, TALLY_I32, TALLY_I64, TALLY_U8, TALLY_BOOL, TALLY_F16 };
    static const double  scores[] = { 0, -0.0, 1, 1e-7, 1 - 1e-7, 0x1p-24, 1 - 0x1p-24, 1e-40, -1, 2, INFINITY, -INFINITY, NAN };
    const int64_t        n = (int64_t)test_below(r, JOINED_ROWS + 1), whole = (int64_t)test_below(r, 3);
    j->dtype[0] = labels[test_below(r, TALLY__COUNT(labels))];
    j->dtype[1] = test_below(r, 2) ? TALLY_F32 : TALLY_F64;
    for (int64_t i = 0; i < n; i++) {
        const double truth = (double)test_below(r, 2);
        j->label[i] = whole || test_below(r, 4) ? (truth != 0 || test_below(r, 2) ? truth : -0.0) : test_below(r, 9) ? test_unit(r) : (double)NAN;
        j->score[i] = test_below(r, 8) ? test_unit(r) : scores[test_below(r, TALLY__COUNT(scores))];
        if (!tally__is_float(j->dtype[0]))
            j->label[i] = truth;
    }
    tally__convert(j->room[0], j->dtype[0], j->label, TALLY_F64, 1, (size_t)n);
    tally__convert(j->room[1], j->dtype[1], j->score, TALLY_F64, 1, (size_t)n);
    for (int k = 0; k < 2; k++)
        j->x[k] = tally_tensor_view(j->room[k], (tally_dtype)j->dtype[k], 1, &n, NULL);
}

static void joined_body(tally_trace *t, void *user)
{
    const joined *j = user;
    tally_node    y = tally_arg(t, 0), p = tally_arg(t, 1), one = tally_num(1);
    tally_node    q = tally_clip(p, tally_num(1e-7), tally_num(1 - 1e-7)), v = j->dtype[0] == j->dtype[1] ? y : tally_cast(y, (tally_dtype)j->dtype[1]);
    for (int k = 2; k < 4; k++)
        tally_update_state(t, tally_arg_metric(t, k), y, p);
    tally_return(t, tally_neg(tally_add(tally_mul(v, tally_log(q)), tally_mul(tally_sub(one, v), tally_log(tally_sub(one, q))))));
    tally_return(t, tally_eq(y, tally_gt(p, tally_num(0.5))));
    tally_return(t, tally_ne(tally_ge(p, tally_num(0.5)), y));
    tally_return(t, tally_maximum(tally_log(q), tally_num(-17)));
}

static void run_joined(joined *j, const variant *v, transcript *t)
{
    enum { OUTS = 4 };
    static uint64_t room[OUTS][JOINED_ROWS], bytes[OUT_ROOM];
    static const int32_t dtype[OUTS] = { 0, TALLY_BOOL, TALLY_BOOL, 0 };
    tally_error     err;
    tally_buffer    to[OUTS];
    tally_metric   *m[2] = { tally_binary_crossentropy_new(NULL, &err), tally_binary_accuracy_new(NULL, &err) };
    tally_function *f = tally_function_new(joined_body, j, NULL, &err);
    for (int k = 0; k < OUTS; k++)
        to[k] = (tally_buffer){ room[k], dtype[k] ? dtype[k] : j->dtype[1], 0, JOINED_ROWS, { 0 } };
    tally__function_tune(f, v->passes, v->isa, v->block);
    t->n = 0;
    assert_ok(tally_call(f, TALLY_IN(&j->x[0], &j->x[1], m[0], m[1]), TALLY_OUT(&to[0], &to[1], &to[2], &to[3]), &err), &err);
    for (int k = 0; k < OUTS; k++)
        note_buffer(t, &to[k]);
    for (int k = 0; k < 2; k++) {
        const size_t n = tally_metric_pack(m[k], bytes, sizeof bytes);
        assert_true(n <= sizeof bytes);
        note(t, bytes, n);
        tally_metric_release(m[k]);
    }
    tally_function_release(f);
}

static void what_is_joined_gives_the_bits_of_its_parts(void **state)
{
    static transcript base, other;
    static joined     j;
    variant           v[VARIANTS];
    const int         n = all_variants(v);
    test_rng          r = { 77 };
    (void)state;
    for (size_t round = 0; round < test_scaled(JOINED_ROUNDS); round++) {
        make_joined(&j, &r);
        run_joined(&j, &v[0], &base);
        for (int i = 1; i < n; i++) {
            run_joined(&j, &v[i], &other);
            if (base.n != other.n || memcmp(base.byte, other.byte, base.n))
                fail_msg("round %zu, %lld rows, labels %s, scores %s: %s differs from its recording", round, (long long)j.x[0].shape[0],
                         tally_dtype_name((tally_dtype)j.dtype[0]), tally_dtype_name((tally_dtype)j.dtype[1]), v[i].name);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_plan_of_a_program_gives_the_bits_of_its_recording),
        cmocka_unit_test(what_is_joined_gives_the_bits_of_its_parts),
    };
    return cmocka_run_group_tests_name("laws/plan_laws", tests, NULL, NULL);
}
