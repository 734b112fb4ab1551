/* The laws of every elementwise row: each flag holds, bit for bit with all NaN being one, on
 * special values of every dtype that the op takes, and each flag that is absent has a
 * counterexample there. So a wrong flag fails either way. A row that has its meaning for some
 * operands only has no flags. */
#include "apply.h"
#include "domain.h"

typedef bool holds(bench *b, tally__op op, int32_t dtype);

static bool accepts(tally__op op, int32_t dtype)
{
    switch (tally__op_table[op].accepts) {
    case TALLY__ACCEPT_ANY: return true;
    case TALLY__ACCEPT_NUMERIC: return dtype != TALLY_BOOL;
    case TALLY__ACCEPT_FLOAT: return tally__is_float(dtype);
    default: return dtype == TALLY_BOOL;
    }
}

static bool same(const tally_tensor *x, const tally_tensor *y)
{
    size_t      size = tally__element_size(x->dtype);
    const char *p = x->data, *q = y->data;
    assert_int_equal(x->dtype, y->dtype);
    for (int64_t i = 0; i < tally__elements(x->rank, x->shape); i++, p += size, q += size)
        if (memcmp(p, q, size) &&
            !(tally__is_float(x->dtype) && isnan(tally__load_f64(p, x->dtype)) &&
              isnan(tally__load_f64(q, x->dtype))))
            return false;
    return true;
}

/* n^axes combinations of the special values: operand k runs along axis k of three */
static tally_tensor along(bench *b, int32_t dtype, int axis, int axes)
{
    double       v[SPECIALS];
    int          n = specials(dtype, v), total = 1;
    for (int i = 0; i < axes; i++)
        total *= n;
    double *all = tally__arena_alloc(&b->work, (size_t)total * sizeof *all);
    int     every = axis == 0 ? 1 : axis == 1 ? n : n * n;
    for (int i = 0; i < total; i++)
        all[i] = v[i / every % n];
    return vector_of(dense_values(b, dtype, all, (size_t)total), dtype, total);
}

static tally_tensor filled(bench *b, int32_t dtype, int64_t n, double v)
{
    double *all = tally__arena_alloc(&b->work, (size_t)n * sizeof *all);
    for (int64_t i = 0; i < n; i++)
        all[i] = v;
    return vector_of(dense_values(b, dtype, all, (size_t)n), dtype, n);
}

static tally_tensor two(bench *b, tally__op op, const tally_tensor *x, const tally_tensor *y)
{
    return packed(b, apply(b, op, PTRS(x, y, y), 0, 0));
}

static bool commutes(bench *b, tally__op op, int32_t dtype)
{
    tally_tensor x = along(b, dtype, 0, 2), y = along(b, dtype, 1, 2), p = two(b, op, &x, &y),
                 q = two(b, op, &y, &x);
    return same(&p, &q);
}

static bool associates(bench *b, tally__op op, int32_t dtype)
{
    tally_tensor x = along(b, dtype, 0, 3), y = along(b, dtype, 1, 3), z = along(b, dtype, 2, 3);
    tally_tensor xy = two(b, op, &x, &y), yz = two(b, op, &y, &z), p = two(b, op, &xy, &z),
                 q = two(b, op, &x, &yz);
    return same(&p, &q);
}

static bool is_idempotent(bench *b, tally__op op, int32_t dtype)
{
    tally_tensor x = along(b, dtype, 0, 1), y = two(b, op, &x, &x);
    if (tally__op_table[op].arity == 2)
        return same(&x, &y);
    tally_tensor z = two(b, op, &y, &y);
    return same(&y, &z);
}

static bool is_involution(bench *b, tally__op op, int32_t dtype)
{
    tally_tensor x = along(b, dtype, 0, 1), y = two(b, op, &x, &x), z = two(b, op, &y, &y);
    return same(&x, &z);
}

static bool right_neutral(bench *b, tally__op op, int32_t dtype, double v)
{
    tally_tensor x = along(b, dtype, 0, 1), y = filled(b, dtype, x.shape[0], v),
                 z = two(b, op, &x, &y);
    return same(&x, &z);
}
static bool right_one(bench *b, tally__op op, int32_t dtype)
{
    return right_neutral(b, op, dtype, 1.0);
}
static bool right_zero(bench *b, tally__op op, int32_t dtype)
{
    return right_neutral(b, op, dtype, 0.0);
}

/* ---- a law over the dtypes it speaks of: does it hold on all of them? */
static bool holds_on_all(bench *b, tally__op op, holds *law, bool floats, int32_t *broken)
{
    for (int32_t d = TALLY_BOOL; d <= TALLY_F64; d++) {
        if (!accepts(op, d) || (!floats && tally__is_float(d)))
            continue;
        tally__arena_mark mark = tally__arena_here(&b->work);
        bool              ok = law(b, op, d);
        tally__arena_rewind(&b->work, mark);
        if (!ok) {
            *broken = d;
            return false;
        }
    }
    return true;
}

static void check_flag(bench *b, tally__op op, unsigned flag, unsigned stronger, const char *name,
                       holds *law, bool floats)
{
    const tally__op_info *info = &tally__op_table[op];
    int32_t               broken = 0;
    bool                  flagged = (info->laws & (flag | stronger)) != 0,
         holding = holds_on_all(b, op, law, floats, &broken);
    if (flagged && !holding)
        fail_msg("%s says %s, which %s breaks", info->name, name,
                 tally_dtype_name((tally_dtype)broken));
    if (!flagged && holding)
        fail_msg("%s does not say %s, though it holds on all special values", info->name, name);
}

static void every_flag_of_every_row_holds_and_every_absent_one_does_not(void **state)
{
    bench *b = *state;
    for (tally__op op = TALLY__OP_none; op < TALLY__OPS; op++) {
        const tally__op_info *info = &tally__op_table[op];
        bool                  plain = info->form == TALLY__FORM_ELEMENT &&
                     strspn(info->takes, "vm") == strlen(info->takes) && !(info->laws & DOMAIN_MARKS);
        assert_true(!(info->laws & DOMAIN_MARKS) || !(info->laws & ~DOMAIN_MARKS));
        if (!plain || op == TALLY__OP_cast || op == TALLY__OP_ratio || info->arity > 2)
            continue;
        if (info->arity == 2)
            check_flag(b, op, TALLY__LAW_COMM, 0, "COMM", commutes, true);
        if (info->result != TALLY__RESULT_SAME)
            continue;
        check_flag(b, op, TALLY__LAW_IDEMPOTENT, 0, "IDEMPOTENT", is_idempotent, true);
        if (info->arity == 1) {
            check_flag(b, op, TALLY__LAW_INVOLUTION, 0, "INVOLUTION", is_involution, true);
            continue;
        }
        check_flag(b, op, TALLY__LAW_ASSOC, 0, "ASSOC", associates, true);
        check_flag(b, op, TALLY__LAW_RIGHT_ONE, 0, "RIGHT_ONE", right_one, true);
        check_flag(b, op, TALLY__LAW_RIGHT_ZERO, 0, "RIGHT_ZERO", right_zero, true);
        if (info->accepts != TALLY__ACCEPT_FLOAT) {
            check_flag(b, op, TALLY__LAW_ASSOC_INT, TALLY__LAW_ASSOC, "ASSOC_INT", associates,
                       false);
            check_flag(b, op, TALLY__LAW_RIGHT_ZERO_INT, TALLY__LAW_RIGHT_ZERO, "RIGHT_ZERO_INT",
                       right_zero, false);
        }
    }
}

static void what_looks_at_sizes_only_gives_the_same_for_any_elements(void **state)
{
    bench *b = *state;
    for (tally__op op = TALLY__OP_none; op < TALLY__OPS; op++) {
        if (!(tally__op_table[op].laws & TALLY__LAW_SIZES))
            continue;
        tally_tensor x = along(b, TALLY_F32, 0, 1), y = filled(b, TALLY_F32, x.shape[0], 3.5),
                     p = two(b, op, &x, &x), q = two(b, op, &y, &y);
        assert_true(same(&p, &q));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(every_flag_of_every_row_holds_and_every_absent_one_does_not),
        CASE(what_looks_at_sizes_only_gives_the_same_for_any_elements),
    };
    return cmocka_run_group_tests_name("graph/ops_laws", tests, NULL, NULL);
}
