/* rows, spread: every row kernel of every instruction set of this machine against the reference kernel, bit for bit, for all
 * lengths of a row from 0 to 130 and longer ones around lanes, numbers of rows around tiles, on pages of their own with nothing
 * readable behind or before; loops over repeated operands against the reference's broadcasting. */
#include "fenced.h"

#include "../../src/kernel/kernel.h"

static const tally__kernel_set *sets[3];
static int                      n_sets;
enum { ROOM = 1 << 22 };
enum { RANDOM, WILD, FEW_VALUES, EQUAL, KINDS };     /* of values */
static fenced operand[2], result;

static double any_value(test_rng *r, int type, bool wild)
{
    static const double special[] = { 0.0, -0.0, 1e30, -1e30, 0x1p-126, 88.0, -104.0, 700.0 };
    size_t              kind = wild ? test_below(r, 12) : 11;
    double              v = kind == 0 ? (double)NAN : kind == 1 ? (double)INFINITY : kind == 2 ? -(double)INFINITY
                            : kind < 5 ? special[test_below(r, TALLY__COUNT(special))] : (test_unit(r) - 0.5) * 20;
    return type == TALLY__LANE_F32 ? (double)(float)v : v;
}

static void *values(test_rng *r, const fenced *f, int place, int type, size_t n, int how)
{
    size_t size = type == TALLY__LANE_F32 ? 4 : 8;
    char  *p = fenced_at(f, n * size, size, place);
    for (size_t i = 0; i < n; i++)
        tally__store_f64(p + i * size, type == TALLY__LANE_F32 ? TALLY_F32 : TALLY_F64,
                         how == FEW_VALUES ? (double)test_below(r, 3) - 1 : any_value(r, type, how == WILD));
    return p;
}

static bool same(const void *a, const void *b, int32_t dtype)
{
    if (tally__is_float(dtype)) {
        double x = tally__load_f64(a, dtype), y = tally__load_f64(b, dtype);
        if (x != x && y != y)
            return true;
    }
    return !memcmp(a, b, tally__element_size(dtype));
}

static bool takes_ids(int op) { return tally__op_table[op].arity == 2; }

/* an id for each row; some are none of the columns */
static void *ids_of(test_rng *r, const fenced *f, int place, size_t rows, size_t columns)
{
    int64_t *id = fenced_at(f, rows * sizeof *id, sizeof *id, place);
    for (size_t i = 0; i < rows; i++)
        id[i] = test_below(r, 8) ? (int64_t)test_below(r, columns + 1) : test_below(r, 2) ? -1 - (int64_t)test_below(r, 3) : INT64_MAX;
    return id;
}

/* each row one value over and over, but for the last of some rows */
static void make_equal(test_rng *r, char *x, size_t size, size_t rows, size_t columns)
{
    for (size_t i = 0; i < rows; i++) {
        const size_t equal = columns - test_below(r, 2);
        for (size_t c = 1; columns && c < equal; c++)
            memcpy(x + (i * columns + c) * size, x + i * columns * size, size);
    }
}

typedef struct row_trial {
    int    op, type, how, place;
    size_t rows, columns;
} row_trial;

static void run_rows(const row_trial *t, test_rng *r, tally__arena *work)
{
    int32_t             dtype = t->type == TALLY__LANE_F32 ? TALLY_F32 : TALLY_F64;
    bool                keeps = t->op == TALLY__OP_softmax || t->op == TALLY__OP_log_softmax;
    const bool          counts = t->op == TALLY__OP_argmax || t->op == TALLY__OP_rank_of;
    const int32_t       gives = counts ? TALLY_I64 : t->op == TALLY__OP_all_equal ? TALLY_BOOL : dtype;
    tally__node         node = { .op = (uint16_t)t->op, .n_arg = takes_ids(t->op) ? 2 : 1, .axis = 1, .rank = keeps ? 2 : 1,
                                 .dtype = (uint8_t)gives };
    size_t              n = keeps ? t->rows * t->columns : t->rows, size = tally__element_size(node.dtype);
    void               *x = values(r, &operand[0], t->place, t->type, t->rows * t->columns, t->how);
    void               *id = ids_of(r, &operand[1], t->place, t->rows, t->columns);
    if (t->how == EQUAL)
        make_equal(r, x, t->type == TALLY__LANE_F32 ? 4 : 8, t->rows, t->columns);
    tally_tensor        ids = { id, TALLY_I64, 1, { (int64_t)t->rows }, { 1 } };
    tally_tensor        in = { x, dtype, 2, { (int64_t)t->rows, (int64_t)t->columns }, { (int64_t)t->columns, 1 } }, want = in;
    const tally_tensor *arg[2] = { &in, &ids };
    tally_error         err;
    assert_ok(tally__evaluate(&node, arg, &want, work, &err), &err);
    for (int s = 0; s < n_sets; s++) {
        char *out = fenced_at(&result, n * size, size, t->place);
        sets[s]->row->op[t->op][t->type](out, x, &t->columns, takes_ids(t->op) ? id : NULL, t->rows);
        for (size_t i = 0; i < n; i++)
            if (!same(out + i * size, (const char *)want.data + i * size, node.dtype)) {
                print_error("%s of type %d, %zu x %zu, kind %d of values, place %d, set %s: element %zu\n", tally__op_table[t->op].name, t->type, t->rows,
                            t->columns, t->how, t->place, sets[s]->name, i);
                fail();
            }
    }
    tally__arena_rewind(work, (tally__arena_mark){ NULL, 0 });
}

static const int row_ops[] = { TALLY__OP_sum, TALLY__OP_mean, TALLY__OP_max, TALLY__OP_min, TALLY__OP_argmax, TALLY__OP_softmax,
                               TALLY__OP_log_softmax, TALLY__OP_logsumexp, TALLY__OP_rank_of, TALLY__OP_pick,
                               TALLY__OP_all_equal };

/* all numbers of rows, kinds of values and places for this length of a row; the largest of nothing has no place */
static void run_length(int op, size_t columns, const size_t *rows, size_t n, test_rng *r, tally__arena *work)
{
    if (op == TALLY__OP_argmax && !columns)
        return;
    for (int type = 0; type <= TALLY__LANE_F64; type++)
        for (size_t k = 0; k < n; k++)
            for (int how = 0; how < KINDS; how++)
                run_rows(&(row_trial){ op, type, how, (how + (int)(columns + k)) % 3, rows[k], columns }, r, work);
}

static void every_row_kernel_gives_the_bits_of_the_reference(void **state)
{
    static const size_t longer[] = { 255, 256, 257, 300, 1000 }, few[] = { 1, 5, 7, 33 }, rows[] = { 0, 1, 2, 5, 6, 7, 31, 32, 33, 70 };
    tally__arena        work;
    test_rng            r = { 5 };
    size_t              step = test_scaled(100) == 100 ? 1 : 7;
    tally__arena_init(&work, *state);
    for (size_t o = 0; o < TALLY__COUNT(row_ops); o++) {
        for (int s = 0; s < n_sets; s++)
            assert_true(sets[s]->row->op[row_ops[o]][TALLY__LANE_F32] && sets[s]->row->op[row_ops[o]][TALLY__LANE_F64]);
        for (size_t columns = 0; columns <= 130; columns += step)
            run_length(row_ops[o], columns, columns % 31 < 4 ? rows : few, columns % 31 < 4 ? TALLY__COUNT(rows) : TALLY__COUNT(few), &r, &work);
        for (size_t c = 0; c < TALLY__COUNT(longer); c++)
            run_length(row_ops[o], longer[c], rows, TALLY__COUNT(rows), &r, &work);
    }
    tally__arena_release(&work);
}

/* ---- sub over [rows, columns] with operands that repeat, and select with three */
static void run_spread(size_t rows, size_t columns, int left, int right, test_rng *r, tally__arena *work)
{
    size_t              count[] = { 1, rows * columns, rows, columns };
    int32_t             dtype = r->state % 2 ? TALLY_F32 : TALLY_F64;
    int                 type = dtype == TALLY_F32 ? TALLY__LANE_F32 : TALLY__LANE_F64, kind[2] = { left, right };
    size_t              size = tally__element_size(dtype);
    tally_tensor        x[2], want = { NULL, 0, 0, { 0 }, { 0 } };
    const tally_tensor *arg[2] = { &x[0], &x[1] };
    tally__node         node = { .op = TALLY__OP_sub, .n_arg = 2, .dtype = (uint8_t)dtype, .rank = 2, .repeat = 1u | 1u << 6 };
    tally__spread       in[3] = { { NULL, 0, TALLY__SPREAD_ONE }, { NULL, 0, TALLY__SPREAD_ONE }, { NULL, 0, TALLY__SPREAD_ONE } };
    tally_error         err;
    for (int i = 0; i < 2; i++) {
        int64_t n = (int64_t)rows, m = (int64_t)columns;
        void   *p = values(r, &operand[i], (int)(r->state % 3), type, count[kind[i]], RANDOM);
        x[i] = kind[i] == TALLY__SPREAD_WHOLE  ? (tally_tensor){ p, dtype, 2, { n, m }, { m, 1 } }
               : kind[i] == TALLY__SPREAD_ROWS ? (tally_tensor){ p, dtype, 2, { n, 1 }, { 1, 1 } }
               : kind[i] == TALLY__SPREAD_LINE ? (tally_tensor){ p, dtype, 1, { m }, { 1 } }
                                               : (tally_tensor){ p, dtype, 0, { 0 }, { 0 } };
        in[i] = (tally__spread){ p, size, (tally__spread_kind)kind[i] };
    }
    if (columns == 1)
        node.repeat = 0;
    unsigned form = left == TALLY__SPREAD_ONE ? TALLY__FORM_SVV : right == TALLY__SPREAD_ONE ? TALLY__FORM_VSV : TALLY__FORM_VVV;
    assert_ok(tally__evaluate(&node, arg, &want, work, &err), &err);
    for (int s = 0; s < n_sets; s++) {
        char *out = fenced_at(&result, rows * columns * size, size, s % 3);
        tally__loop_spread(sets[s]->element[TALLY__OP_sub][type][form], out, size, in, rows, columns);
        if (rows && columns && memcmp(out, want.data, rows * columns * size)) {
            print_error("sub, %zu x %zu, operands %d and %d, set %s\n", rows, columns, left, right, sets[s]->name);
            fail();
        }
    }
    tally__arena_rewind(work, (tally__arena_mark){ NULL, 0 });
}

static void repeated_operands_are_what_broadcasting_makes_of_them(void **state)
{
    static const size_t size[] = { 1, 2, 3, 10, 16, 17, 40, 255, 1023, 1024, 1025, 2500 };
    static const int    kinds[][2] = { { TALLY__SPREAD_WHOLE, TALLY__SPREAD_ROWS }, { TALLY__SPREAD_WHOLE, TALLY__SPREAD_LINE },
                                       { TALLY__SPREAD_ROWS, TALLY__SPREAD_WHOLE }, { TALLY__SPREAD_LINE, TALLY__SPREAD_WHOLE },
                                       { TALLY__SPREAD_ROWS, TALLY__SPREAD_LINE },  { TALLY__SPREAD_WHOLE, TALLY__SPREAD_ONE },
                                       { TALLY__SPREAD_ONE, TALLY__SPREAD_ROWS } };
    tally__arena        work;
    test_rng            r = { 11 };
    tally__arena_init(&work, *state);
    for (size_t i = 0; i < TALLY__COUNT(size); i++)
        for (size_t j = 0; j < TALLY__COUNT(size); j++)
            for (size_t k = 0; k < TALLY__COUNT(kinds) && size[i] * size[j] < 300000; k++)
                if (kinds[k][0] != TALLY__SPREAD_ONE || size[j] == 1)      /* [n, 1] alone: its result has one column */
                    run_spread(size[i], size[j], kinds[k][0], kinds[k][1], &r, &work);
    tally__arena_release(&work);
}

static int begin(void **state)
{
    for (int isa = TALLY__ISA_BASE; isa <= (int)tally__cpu(); isa++)
        sets[n_sets++] = tally__kernels_for((tally__isa)isa);
    operand[0] = fenced_new(ROOM);
    operand[1] = fenced_new(ROOM);
    result = fenced_new(ROOM);
    *state = tally_context_new(NULL, NULL);
    return *state ? 0 : -1;
}

static int end(void **state)
{
    tally_context_release(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_kernel_gives_the_bits_of_the_reference),
        cmocka_unit_test(repeated_operands_are_what_broadcasting_makes_of_them),
    };
    return cmocka_run_group_tests_name("rows", tests, begin, end);
}
