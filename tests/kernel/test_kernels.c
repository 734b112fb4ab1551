/* kernel: every loop of every instruction set that this machine has against the reference kernel of the same node, bit for
 * bit (one NaN is as good as another): random and special values, all lengths from 0 to 130, on their own pages with
 * nothing readable behind or before them. A loop that should exist and does not is a failure too. */
#include "fenced.h"
#include "../graph/domain.h"

#include "../../src/kernel/kernel.h"

enum { MOST = 130, ROOM = 8192, OPERANDS = 3, MARK = 0xa5 };
static const int32_t dtype_of[TALLY__LANE_TYPES] = { TALLY_F32, TALLY_F64, TALLY_I32, TALLY_I64, TALLY_U8, TALLY_BOOL };
static const char *const type_name[TALLY__LANE_TYPES] = { "f32", "f64", "i32", "i64", "u8", "bool" };

static const tally__kernel_set *sets[3];
static int                      n_sets;

static void find_sets(void)
{
    for (int isa = TALLY__ISA_BASE; isa <= (int)tally__cpu(); isa++) {
        const tally__kernel_set *set = tally__kernels_for((tally__isa)isa);
        if (!n_sets || sets[n_sets - 1] != set)
            sets[n_sets++] = set;
    }
}

static fenced operand[OPERANDS], result;

/* ---- values */
static void put_float(void *to, int type, double v)
{
    if (type == TALLY__LANE_F32)
        memcpy(to, &(float){ (float)v }, sizeof(float));
    else
        memcpy(to, &v, sizeof v);
}

static void put_value(test_rng *r, void *to, int type)
{
    static const double special[] = { 0.0,      -0.0,       1.0,    -1.0,    0.5,     2.0,     3.0,      -3.0,   1e-7, 88.72283,
                                      -103.97,  709.78,     -745.1, 0x1p-126, 0x1p-149, 0x1p-1022, 0x1p-1074, 0x1p24, 1e38, 1e308,
                                      0x1p127,  -0x1p127,   1e-30,  0.99999994, 1.0000001, 20.0, -45.0 };
    uint64_t            bits = test_next(r);
    size_t              kind = test_below(r, 4);
    if (type > TALLY__LANE_F64) {
        static const int64_t whole[] = { 0, 1, -1, 2, 127, 128, 255, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN };
        uint64_t v = kind == 0 ? (uint64_t)whole[test_below(r, TALLY__COUNT(whole))] : kind == 1 ? bits % 7 : bits;
        if (type == TALLY__LANE_BOOL && kind < 3)
            v &= 1;                                       /* any other byte is true as well */
        if (type == TALLY__LANE_I32)
            memcpy(to, &(uint32_t){ (uint32_t)v }, 4);
        else if (type == TALLY__LANE_I64)
            memcpy(to, &v, 8);
        else
            *(uint8_t *)to = (uint8_t)v;
    } else if (kind == 0) {
        size_t k = test_below(r, TALLY__COUNT(special) + 3);
        put_float(to, type, k < TALLY__COUNT(special) ? special[k] : k == TALLY__COUNT(special) ? (double)NAN
                                                              : k == TALLY__COUNT(special) + 1 ? (double)INFINITY : -(double)INFINITY);
    } else if (kind == 1) {
        memcpy(to, &bits, type == TALLY__LANE_F32 ? 4 : 8);
    } else {
        put_float(to, type, (test_unit(r) - 0.3) * (kind == 2 ? 2.0 : 50.0));
    }
}

/* one that the op may be given as its last operand */
static void put_operand(test_rng *r, void *to, int type, int op)
{
    do
        put_value(r, to, type);
    while (type <= TALLY__LANE_F64 && !domain_has(op, dtype_of[type], tally__load_f64(to, dtype_of[type])));
}

/* in half the runs all labels are 0, -0 or 1 */
static void put_labels(test_rng *r, void *to, int type, size_t n)
{
    static const double label[] = { 0.0, -0.0, 1.0 };
    const bool          whole = test_below(r, 2);
    for (size_t i = 0; i < n; i++) {
        char *at = (char *)to + i * tally__element_size(dtype_of[type]);
        if (whole)
            put_float(at, type, label[test_below(r, TALLY__COUNT(label))]);
        else
            put_value(r, at, type);
    }
}

static bool same_element(const void *a, const void *b, int32_t dtype)
{
    if (tally__is_float(dtype)) {
        double x = tally__load_f64(a, dtype), y = tally__load_f64(b, dtype);
        if (x != x && y != y)
            return true;
    }
    return !memcmp(a, b, tally__element_size(dtype));
}

/* ---- one loop */
typedef struct trial {
    const char          *set;
    tally__node          node;
    int                  types[OPERANDS];
    unsigned             form;             /* bit i: operand i is one value */
    tally__loop_kernel  *count[3];         /* of each set: what counts the results that are true, NULL: not bool */
} trial;

static void fail_trial(const trial *t, const char *what, size_t n, int place, size_t i)
{
    print_error("%s %s %s form %u, set %s, length %zu, place %d, element %zu: %s\n", tally__op_table[t->node.op].name,
                type_name[t->types[tally__op_table[t->node.op].takes[0] == 'c']], tally__op_table[t->node.op].takes, t->form, t->set, n, place, i, what);
    fail();
}

static void check_result(const trial *t, const tally_tensor *want, const unsigned char *got, size_t n, int place)
{
    size_t size = tally__element_size(t->node.dtype);
    for (size_t i = 0; i < n; i++)
        if (!same_element(got + i * size, (const char *)want->data + (int64_t)(i * size) * want->stride[0], t->node.dtype))
            fail_trial(t, "differs from the reference", n, place, i);
    for (const unsigned char *p = result.first; p < result.first + result.size; p++)
        if ((p < got || p >= got + n * size) && *p != MARK)
            fail_trial(t, "wrote beyond its result", n, place, (size_t)(p - result.first));
}

static void check_count(const trial *t, tally__loop_kernel *count, const void *const *p, const unsigned char *want, size_t step, size_t n, int place)
{
    int64_t all = 0, got = -1;
    for (size_t i = 0; i < n; i++)
        all += want[i * step] != 0;
    count(&got, p[0], p[1], p[2], n);
    if (got != all)
        fail_trial(t, "counts otherwise than the reference", n, place, (size_t)got);
}

static void run_place(trial *t, tally__loop_kernel *const *kernels, size_t n, int place, test_rng *r, tally__arena *work)
{
    tally_tensor        x[OPERANDS], want = { NULL, 0, 0, { 0 }, { 0 } };
    const tally_tensor *arg[OPERANDS] = { &x[0], &x[1], &x[2] };
    const void         *p[OPERANDS] = { NULL, NULL, NULL };
    size_t              size = tally__element_size(t->node.dtype);
    tally_error         err;
    for (uint32_t i = 0; i < t->node.n_arg; i++) {
        bool   one = t->form >> i & 1;
        size_t count = one ? 1 : n, element = tally__element_size(dtype_of[t->types[i]]);
        char  *at = fenced_at(&operand[i], count * element, element, place);
        for (size_t k = 0; k < count && i + 1 == t->node.n_arg; k++)
            put_operand(r, at + k * element, t->types[i], t->node.op);
        for (size_t k = 0; k < count && i + 1 < t->node.n_arg; k++)
            put_value(r, at + k * element, t->types[i]);
        if (t->node.op == TALLY__OP_binary_crossentropy && i == 0)
            put_labels(r, at, t->types[i], count);
        x[i] = (tally_tensor){ at, dtype_of[t->types[i]], one ? 0 : 1, { (int64_t)n }, { 1 } };
        p[i] = at;
    }
    t->node.rank = 1;
    assert_ok(tally__evaluate(&t->node, arg, &want, work, &err), &err);
    for (int s = 0; s < n_sets; s++) {
        unsigned char *out = fenced_at(&result, n * size, size, place);
        memset(result.first, MARK, result.size);
        t->set = sets[s]->name;
        kernels[s](out, p[0], p[1], p[2], n);
        check_result(t, &want, out, n, place);
        if (t->count[s])
            check_count(t, t->count[s], p, want.data, (size_t)want.stride[0], n, place);
    }
    tally__arena_rewind(work, (tally__arena_mark){ NULL, 0 });
}

static void run_trial(trial *t, tally__loop_kernel *const *kernels, tally__arena *work)
{
    test_rng r = { t->node.op * 1000u + (unsigned)t->types[0] * 10u + t->form };
    size_t   step = test_scaled(100) < 100 ? test_scaled(100) < 10 ? 43 : 13 : 1;
    for (size_t n = 0; n <= MOST; n += n < 3 ? 1 : step)
        for (int place = 0; place < 3; place++)
            run_place(t, kernels, n, place, &r, work);
}

/* ---- which loops there should be */
static bool accepts(int op, int type)
{
    switch ((tally__accept)tally__op_table[op].accepts) {
    case TALLY__ACCEPT_ANY: return true;
    case TALLY__ACCEPT_NUMERIC: return type != TALLY__LANE_BOOL;
    case TALLY__ACCEPT_FLOAT: return type <= TALLY__LANE_F64;
    case TALLY__ACCEPT_BOOL: return type == TALLY__LANE_BOOL;
    }
    return false;
}

static bool has_form(int op, unsigned form)
{
    if (op == TALLY__OP_clip)
        return form == TALLY__FORM_VSS;
    if (op == TALLY__OP_eq_gt)
        return form == TALLY__FORM_VSV;
    if (op == TALLY__OP_select)
        return !(form & 1);
    return form < 1u << tally__op_table[op].arity && form + 1 != 1u << tally__op_table[op].arity;
}

static bool should_have_loop(int op, int type, unsigned form)
{
    return tally__op_table[op].form == TALLY__FORM_ELEMENT && op != TALLY__OP_cast && op != TALLY__OP_ratio && accepts(op, type) &&
           has_form(op, form);
}

static bool should_have_count(int op, int type, unsigned form)
{
    return should_have_loop(op, type, form) && (tally__op_table[op].result == TALLY__RESULT_BOOL || type == TALLY__LANE_BOOL);
}

/* a conversion that C defines for every value: to a float, to truth, to a wider integer; and the one to int32, of indices */
static bool should_have_cast(int from, int to)
{
    if (from == to)
        return false;
    if (to <= TALLY__LANE_F64 || to == TALLY__LANE_BOOL || from >= TALLY__LANE_U8)
        return true;
    return (to == TALLY__LANE_I32 && from <= TALLY__LANE_F64) || (to == TALLY__LANE_I64 && from == TALLY__LANE_I32);
}

static void every_op_has_the_loops_that_it_should(void **state)
{
    (void)state;
    for (int s = 0; s < n_sets; s++)
        for (int type = 0; type < TALLY__LANE_TYPES; type++) {
            for (int op = 0; op < TALLY__OPS; op++)
                for (unsigned form = 0; form < TALLY__FORMS; form++)
                    if (!sets[s]->element[op][type][form] != !should_have_loop(op, type, form) ||
                        !sets[s]->count[op][type][form] != !should_have_count(op, type, form)) {
                        print_error("%s %s form %u, set %s: %s\n", tally__op_table[op].name, type_name[type], form, sets[s]->name,
                                    should_have_loop(op, type, form) ? "no loop, or none that counts" : "a loop that no node can use");
                        fail();
                    }
            for (int to = 0; to < TALLY__LANE_TYPES; to++)
                if (!sets[s]->cast[type][to] != !should_have_cast(type, to)) {
                    print_error("cast %s to %s, set %s\n", type_name[type], type_name[to], sets[s]->name);
                    fail();
                }
        }
}

static void every_loop_gives_the_bits_of_the_reference(void **state)
{
    tally__arena work;
    tally__arena_init(&work, *state);
    for (int op = 0; op < TALLY__OPS; op++)
        for (int type = 0; type < TALLY__LANE_TYPES; type++)
            for (unsigned form = 0; form < TALLY__FORMS; form++) {
                if (!should_have_loop(op, type, form))
                    continue;
                trial t = { .node = { .op = (uint16_t)op, .n_arg = tally__op_table[op].arity }, .types = { type, type, type }, .form = form };
                tally__loop_kernel *kernels[3];
                t.node.dtype = (uint8_t)(tally__op_table[op].result == TALLY__RESULT_BOOL ? TALLY_BOOL : dtype_of[type]);
                if (tally__op_table[op].takes[0] == 'c')
                    t.types[0] = TALLY__LANE_BOOL;
                for (int s = 0; s < n_sets; s++) {
                    kernels[s] = sets[s]->element[op][type][form];
                    t.count[s] = sets[s]->count[op][type][form];
                }
                run_trial(&t, kernels, &work);
            }
    tally__arena_release(&work);
}

static void every_cast_gives_the_bits_of_the_reference(void **state)
{
    tally__arena work;
    tally__arena_init(&work, *state);
    for (int from = 0; from < TALLY__LANE_TYPES; from++)
        for (int to = 0; to < TALLY__LANE_TYPES; to++) {
            if (!should_have_cast(from, to))
                continue;
            trial t = { .node = { .op = TALLY__OP_cast, .n_arg = 1, .dtype = (uint8_t)dtype_of[to] }, .types = { from } };
            tally__loop_kernel *kernels[3];
            for (int s = 0; s < n_sets; s++)
                kernels[s] = sets[s]->cast[from][to];
            run_trial(&t, kernels, &work);
        }
    tally__arena_release(&work);
}

/* more than a lane can count */
static void many_results_are_counted(void **state)
{
    enum { MANY = 3 * 65536 + 77 };
    static uint8_t truth[MANY];
    (void)state;
    for (int part = 0; part < 2; part++) {
        memset(truth, 1, sizeof truth);
        memset(truth, 0, part ? 65536 : 0);
        for (int s = 0; s < n_sets; s++) {
            int64_t got = -1;
            sets[s]->count[TALLY__OP_and][TALLY__LANE_BOOL][TALLY__FORM_VVV](&got, truth, truth, NULL, MANY);
            assert_int_equal(got, MANY - (part ? 65536 : 0));
        }
    }
}

/* ---- a node gets the loop of its types and operands */
static void a_node_gets_the_loop_of_its_operands(void **state)
{
    const tally__kernel_set *set = sets[n_sets - 1];
    tally__id                arg[3] = { 1, 2, 3 };
    tally__node node[5] = { { .op = 0 }, { .dtype = TALLY_F32, .rank = 1 }, { .dtype = TALLY_F32 }, { .dtype = TALLY_F32 }, { .rank = 1, .arg = arg } };
    tally__graph g = { .node = node, .n_node = 5 };
    (void)state;
    node[4].op = TALLY__OP_add, node[4].n_arg = 2, node[4].dtype = TALLY_F32;
    assert_ptr_equal(tally__kernel_of(set, &g, &node[4]), set->element[TALLY__OP_add][TALLY__LANE_F32][TALLY__FORM_VSV]);
    node[4].op = TALLY__OP_clip, node[4].n_arg = 3;
    assert_ptr_equal(tally__kernel_of(set, &g, &node[4]), set->element[TALLY__OP_clip][TALLY__LANE_F32][TALLY__FORM_VSS]);
    node[1].rank = node[4].rank = 0;
    assert_ptr_equal(tally__kernel_of(set, &g, &node[4]), set->element[TALLY__OP_clip][TALLY__LANE_F32][TALLY__FORM_VSS]);
    node[4].op = TALLY__OP_lt, node[4].n_arg = 2, node[4].dtype = TALLY_BOOL;
    assert_ptr_equal(tally__kernel_of(set, &g, &node[4]), set->element[TALLY__OP_lt][TALLY__LANE_F32][TALLY__FORM_VVV]);
    node[2].dtype = TALLY_F64;
    assert_null(tally__kernel_of(set, &g, &node[4]));                     /* mixed types: the reference */
    node[1].dtype = node[2].dtype = TALLY_F16;
    assert_null(tally__kernel_of(set, &g, &node[4]));
    node[1].dtype = TALLY_F64, node[1].rank = 2, node[4].rank = 1, node[4].n_arg = 1, node[4].axis = 1;
    node[4].op = TALLY__OP_sum, node[4].dtype = TALLY_F64;
    assert_ptr_equal(tally__kernel_of(set, &g, &node[4]), set->row->op[TALLY__OP_sum][TALLY__LANE_F64]);
    node[4].axis = 0;
    assert_null(tally__kernel_of(set, &g, &node[4]));
    node[1].rank = 1;
    assert_null(tally__kernel_of(set, &g, &node[4]));                 /* along the first axis a sum is exact */
    node[4].op = TALLY__OP_max;
    assert_ptr_equal(tally__kernel_of(set, &g, &node[4]), set->row->op[TALLY__OP_max][TALLY__LANE_F64]);
    assert_ptr_equal(tally__kernels_for(TALLY__ISA_BASE), &tally__kernels_base);
}

static int begin(void **state)
{
    for (int i = 0; i < OPERANDS; i++)
        operand[i] = fenced_new(ROOM);
    result = fenced_new(ROOM);
    find_sets();
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
        cmocka_unit_test(every_op_has_the_loops_that_it_should),
        cmocka_unit_test(every_loop_gives_the_bits_of_the_reference),
        cmocka_unit_test(every_cast_gives_the_bits_of_the_reference),
        cmocka_unit_test(many_results_are_counted),
        cmocka_unit_test(a_node_gets_the_loop_of_its_operands),
    };
    return cmocka_run_group_tests_name("kernels", tests, begin, end);
}
