/* program_run: the tree run directly on data, and the judgement: the same function called three times with other sizes
 * and values, every returned value, state and variable compared bit for bit; after a call that must fail, everything as
 * it was. */
#include "layout.h"
#include "program.h"

/* ---- the machine ---- */

static tally_status run_block(machine *m, const block *b);

static bool same_number(double a, double b)
{
    return (a != a && b != b) || test_bits_f64(a) == test_bits_f64(b);
}

static tally_status run_update(machine *m, const instr *in)
{
    int                 store = m->p->ref[in->metric].store;
    const array        *operand[3];
    tally_tensor        x[3];
    const tally_tensor *pointer[3];
    tally_error         err;
    for (int k = 0; k < in->n_operands; k++) {
        operand[k] = m->value[in->arg[k]];
        x[k] = array_view(operand[k]);
        pointer[k] = &x[k];
    }
    tally_status s = tally_metric_update_state_n(m->mirror[store], pointer, in->n_operands, &err);
    if (s) {
        static char text[320];
        snprintf(text, sizeof text, "an eager update of a metric of kind %d failed: %s", (int)m->p->store[store], err.text);
        m->wrong = text;
        return s;
    }
    model_update(m->model[store], operand, in->n_operands);
    return TALLY_OK;
}

static tally_status run_result(machine *m, const instr *in)
{
    int     store = m->p->ref[in->metric].store;
    double  eager = tally_metric_result(m->mirror[store]), formula = eager;
    array  *out = m->value[in->dst] = array_new(m->pool, TALLY_F64, 0, NULL);
    if (model_result(m->model[store], &formula) && !same_number(eager, formula))
        m->wrong = "an eager result differs from its formula";
    array_put(out, 0, number_float(eager));
    return TALLY_OK;
}

static tally_status run_effect(machine *m, const instr *in)
{
    switch ((int)in->op) {
    case OP_UPDATE: return run_update(m, in);
    case OP_RESULT: return run_result(m, in);
    case OP_RESET:
        tally_metric_reset_state(m->mirror[m->p->ref[in->metric].store]);
        model_reset(m->model[m->p->ref[in->metric].store]);
        return TALLY_OK;
    case OP_READ: m->value[in->dst] = m->variable[in->variable]; return TALLY_OK;
    case OP_ASSIGN: m->variable[in->variable] = m->value[in->arg[0]]; return TALLY_OK;
    case OP_ASSERT:
        for (int64_t k = 0; k < m->value[in->arg[0]]->n; k++)
            if (!number_true(array_get(m->value[in->arg[0]], k)))
                return TALLY_FAILED_PRECONDITION;
        return TALLY_OK;
    default: m->prints++; return TALLY_OK;
    }
}

static void carry(machine *m, const instr *in, const int *from)
{
    array *next[MAX_CARRIED];
    for (int k = 0; k < in->n_carry; k++)
        next[k] = m->value[from[k]];
    for (int k = 0; k < in->n_carry; k++)
        m->value[in->carry[k]] = next[k];
}

static tally_status run_while(machine *m, const instr *in)
{
    carry(m, in, in->init);
    for (int turn = 0; ; turn++) {
        tally_status s = run_block(m, in->inner[0]);
        if (s || m->unclear || m->wrong || !number_true(array_get(m->value[in->inner[0]->yield[0]], 0)))
            return s;
        if (in->limit >= 0 && turn == in->limit)
            return in->limit_is_error ? TALLY_OUT_OF_RANGE : TALLY_OK;
        s = run_block(m, in->inner[1]);
        if (s || m->unclear || m->wrong)
            return s;
        carry(m, in, in->inner[1]->yield);
    }
}

static tally_status run_region(machine *m, const instr *in)
{
    if (in->op == OP_WHILE)
        return run_while(m, in);
    const block *arm = in->inner[in->op == OP_IF && !number_true(array_get(m->value[in->arg[0]], 0))];
    carry(m, in, in->init);
    tally_status s = run_block(m, arm);
    if (s || m->unclear || m->wrong)
        return s;
    if (in->op == OP_IF)
        carry(m, in, arm->yield);
    for (int k = 0; k < in->n_out; k++)
        m->value[in->out[k]] = m->value[arm->yield[k]];
    return TALLY_OK;
}

static tally_status run_block(machine *m, const block *b)
{
    for (int k = 0; k < b->n; k++) {
        const instr *in = &b->at[k];
        tally_status s = in->op >= OP_IF ? run_region(m, in) : in->op >= OP_UPDATE ? run_effect(m, in) : op_run(m, in);
        if (s || m->unclear || m->wrong)
            return s;
    }
    return TALLY_OK;
}

tally_status machine_run(machine *m)
{
    return run_block(m, m->p->body);
}

/* ---- data ---- */

static number random_number(test_rng *r, int dtype, bool wild)
{
    if (wild && test_below(r, 4) == 0) {
        uint64_t bits = test_next(r);
        if (dtype_float(dtype)) {
            switch (test_below(r, 12)) {
            case 0: return number_float(INFINITY);
            case 1: return number_float(-INFINITY);
            case 2: return number_float(NAN);
            case 3: return number_float(-0.0);
            case 4: return number_float(test_any_f64(r));
            default: return number_float(ldexp((double)(int64_t)(bits >> 11) * 0x1p-52 - 1, (int)test_below(r, 40) - 20));
            }
        }
        number n = { dtype == TALLY_U64 ? NUMBER_UINT64 : NUMBER_INT, (int64_t)bits, bits, 0 };
        return n;
    }
    if (dtype == TALLY_BOOL)
        return number_int((int64_t)test_below(r, 2));
    if (dtype_integer(dtype))
        return number_int((int64_t)test_below(r, 8) - (dtype == TALLY_I8 || dtype == TALLY_I16 || dtype == TALLY_I32 || dtype == TALLY_I64 ? 3 : 0));
    return number_float((double)(int64_t)test_below(r, 65) / 8 - 3);
}

array *random_array(test_rng *r, pool *p, type t, const int64_t *size, bool wild)
{
    int64_t shape[MAX_RANK];
    for (int k = 0; k < t.rank; k++)
        shape[k] = size[t.size[k]];
    array *a = array_new(p, t.dtype, t.rank, shape);
    for (int64_t k = 0; k < a->n; k++)
        array_put(a, k, random_number(r, t.dtype, wild));
    return a;
}

/* ---- the judgement ---- */

typedef struct court {
    const program  *p;
    pool           *pool;
    test_rng        r;
    test_memory     memory;
    tally_context  *context;
    tally_function *function;
    recording       rec;
    tally_metric   *mirror[MAX_METRICS];
    store_model    *model[MAX_METRICS];
    array          *variable[MAX_VARIABLES];
    machine         m;
    int             prints, call;
    char           *text;
    size_t          room;
} court;

static int verdict(court *c, const char *format, ...)
{
    int     n = snprintf(c->text, c->room, "seed 0x%016llx, call %d: ", (unsigned long long)c->p->seed, c->call);
    va_list list;
    va_start(list, format);
    vsnprintf(c->text + n, c->room - (size_t)n, format, list);
    va_end(list);
    return 1;
}

static void count_print(void *user, tally_level level, const char *line)
{
    (void)line;
    if (level == TALLY_LOG_PRINT)
        ++*(int *)user;
}

/* a third of the programs have their rows shared out, the last part first */
static void last_first(void *user, size_t n, void (*task)(void *arg, size_t i), void *arg)
{
    (void)user;
    while (n-- > 0)
        task(arg, n);
}

static void fold(program_counts *n, const void *p, size_t size)
{
    const unsigned char *byte = p;
    for (size_t k = 0; k < size; k++)
        n->bits = (n->bits ^ byte[k]) * UINT64_C(0x100000001b3);
}

static void fold_number(program_counts *n, double v)
{
    uint64_t bits = v != v ? UINT64_C(0x7ff8000000000000) : test_bits_f64(v);
    fold(n, &bits, sizeof bits);
}

/* packed bytes, in the pool */
static void *packed(court *c, const tally_metric *m, size_t *size)
{
    *size = tally_metric_pack(m, NULL, 0);
    void *bytes = pool_alloc(c->pool, *size);
    (void)tally_metric_pack(m, bytes, *size);
    return bytes;
}

static int judge_stores(court *c, program_counts *n)
{
    tally_error err;
    for (int k = 0; k < c->p->n_stores; k++) {
        size_t a, b;
        void  *got = packed(c, c->rec.metric[k], &a), *want = packed(c, c->mirror[k], &b);
        double formula, result = tally_metric_result(c->rec.metric[k]);
        if (a != b || memcmp(got, want, a))
            return verdict(c, "metric %d (kind %d): the state differs from the same updates made eagerly", k, (int)c->p->store[k]);
        if (model_result(c->model[k], &formula) && !same_number(result, formula))
            return verdict(c, "metric %d (kind %d): result %.17g (%a), expected %.17g (%a)", k, (int)c->p->store[k], result, result, formula, formula);
        fold_number(n, result);
    }
    for (int k = 0; k < c->p->n_variables; k++) {
        const array *want = c->variable[k];
        array       *got = array_new(c->pool, want->dtype, want->rank, want->shape);
        tally_buffer b = { got->data, got->dtype, 0, got->n, { 0 } };
        if (tally_variable_read(c->rec.variable[k], &b, &err))
            return verdict(c, "variable %d: %s", k, err.text);
        int64_t at = array_differs(want, got->data);
        if (at >= 0)
            return verdict(c, "variable %d: element %lld is %.17g, expected %.17g", k, (long long)at, number_f64(array_get(got, at)), number_f64(array_get(want, at)));
        for (int64_t j = 0; j < got->n; j++)
            fold_number(n, number_f64(array_get(got, j)));
    }
    return 0;
}

static int judge_output(court *c, program_counts *n, int k, const tally_buffer *b)
{
    const array *want = c->m.value[c->p->returns[k]];
    if (b->dtype != want->dtype || b->rank != want->rank || memcmp(b->shape, want->shape, sizeof(int64_t) * (size_t)want->rank))
        return verdict(c, "return %d (register %d): dtype %d rank %d, expected %d and %d, or the sizes differ", k, c->p->returns[k], b->dtype, b->rank, want->dtype, want->rank);
    int64_t at = array_differs(want, b->data);
    array   got = *want;
    got.data = b->data;
    if (at >= 0)
        return verdict(c, "return %d (register %d, dtype %s): element %lld of %lld is %.17g (%a), expected %.17g (%a)", k, c->p->returns[k], tally_dtype_name((tally_dtype)want->dtype), (long long)at,
                       (long long)want->n, number_f64(array_get(&got, at)), number_f64(array_get(&got, at)), number_f64(array_get(want, at)), number_f64(array_get(want, at)));
    for (int64_t j = 0; j < want->n; j++)
        fold_number(n, number_f64(array_get(want, j)));
    return 0;
}

static int bind_stores(court *c, tally_value *in, int n)
{
    for (int k = 0; k < c->p->n_metric_refs; k++)
        if (!c->p->ref[k].captured)
            in[n++] = tally__in_metric(c->rec.metric[c->p->ref[k].store]);
    for (int k = 0; k < c->p->n_variables; k++)
        if (!c->p->variable_captured[k])
            in[n++] = tally__in_variable(c->rec.variable[k]);
    return n;
}

enum { MOST_IN = MAX_INPUTS + MAX_METRICS + MAX_VARIABLES, MOST_OUT = MAX_RETURNS + MAX_METRICS };

static int judge_call(court *c, program_counts *n, tally_value *in, int n_in, tally_status want)
{
    tally_buffer  b[MAX_RETURNS];
    tally_slot    out[MOST_OUT];
    tally_metric *back[MAX_METRICS] = { NULL };
    tally_error   err = { 0, 0, "" };
    int           n_out = 0, printed = c->prints;
    for (int k = 0; k < c->p->n_returns; k++) {
        const array *a = want ? NULL : c->m.value[c->p->returns[k]];
        type         t = c->p->reg[c->p->returns[k]];
        int64_t      room = a ? a->n : 4096;
        b[k] = (tally_buffer){ pool_alloc(c->pool, (size_t)room * dtype_bytes(t.dtype)), t.dtype, 0, room, { 0 } };
        out[n_out++] = tally__out_buffer(&b[k]);
    }
    for (int k = 0; k < c->p->n_metric_refs; k++)
        if (c->p->return_metric[k])
            out[n_out++] = tally__out_metric(&back[k]);
    tally_status got = tally_call(c->function, in, n_in, n_out ? out : NULL, n_out, &err);
    if (got != want)
        return verdict(c, "%s (%s), expected %s", tally_status_name(got), got ? err.text : "", tally_status_name(want));
    if (want && (err.status != want || !strstr(err.text, "program_record.c:")))
        return verdict(c, "the text of a failure names no line of the body: \"%s\"", err.text);
    if (c->prints - printed != c->m.prints)
        return verdict(c, "%d prints, expected %d", c->prints - printed, c->m.prints);
    for (int k = 0; k < c->p->n_metric_refs && !want; k++)
        if (c->p->return_metric[k] && back[k] != c->rec.metric[c->p->ref[k].store])
            return verdict(c, "returned metric %d is not the one that came in", k);
    for (int k = 0; k < c->p->n_returns && !want; k++)
        if (judge_output(c, n, k, &b[k]))
            return 1;
    return 0;
}

static int64_t largest_value(const court *c)
{
    int64_t most = 0;
    for (int k = 0; k < c->p->n_registers; k++) {
        int64_t n = 1;
        for (int j = 0; j < c->p->reg[k].rank; j++)
            n *= c->p->reg[k].size[j] < SIZE_FIRST_RUN ? c->m.size[c->p->reg[k].size[j]] : c->m.size[SIZE_N];
        most = n > most ? n : most;
    }
    return most;
}

static bool loops(const block *b)
{
    for (int k = 0; k < b->n; k++)
        for (int j = 0; j < 2 && b->at[k].op >= OP_IF; j++)
            if (b->at[k].op == OP_WHILE || (b->at[k].inner[j] && loops(b->at[k].inner[j])))
                return true;
    return false;
}

/* more rows than a block holds, as long as no value gets too large for an unhurried oracle */
static void many_rows(court *c)
{
    static const int64_t rows[] = { 2100, 1100, 300, 70, 35, 12 };
    int                  k = loops(c->p->body) ? 4 : (int)test_below(&c->r, 3);
    do
        c->m.size[SIZE_N] = rows[k++];
    while (k < 6 && largest_value(c) > 5000);
    if (largest_value(c) > 5000)
        c->m.size[SIZE_N] = 4;
}

static void new_sizes(court *c)
{
    static const int64_t rows[] = { 0, 1, 2, 3, 5, 7, 4, 3 }, widths[] = { 1, 2, 3, 5, 2, 3, 4, 33 };
    c->m.size[SIZE_MADE] = 1;
    c->m.size[SIZE_N] = rows[test_below(&c->r, 8)];
    c->m.size[SIZE_M] = widths[test_below(&c->r, test_below(&c->r, 6) ? 7 : 8)];
    c->m.size[SIZE_K] = test_below(&c->r, 12) ? widths[test_below(&c->r, 4)] : 0;
    if (test_below(&c->r, 20) == 0)
        many_rows(c);
    c->m.size[SIZE_THREE] = 3;
    c->m.size[SIZE_FOUR] = 4;
}

static bool reads_unbuilt(const court *c, const block *b)
{
    for (int k = 0; k < b->n; k++) {
        const instr *in = &b->at[k];
        if (in->op == OP_RESULT && c->p->store[c->p->ref[in->metric].store] == KIND_COLUMNS &&
            tally_metric_result_shape(c->mirror[c->p->ref[in->metric].store], (int64_t[TALLY_MAX_RANK]){ 0 }) < 0)
            return true;
        for (int j = 0; j < 2; j++)
            if (in->op >= OP_IF && in->inner[j] && reads_unbuilt(c, in->inner[j]))
                return true;
    }
    return false;
}

/* one row for the metrics whose width the first batch decides, most times */
static int build_columns(court *c, int k)
{
    int64_t       shape[2] = { 1, 4 };
    array        *a = array_new(c->pool, TALLY_F64, 2, shape);
    const array  *operand[1] = { a };
    tally_tensor  x = array_view(a);
    if (c->p->store[k] != KIND_COLUMNS || test_below(&c->r, 4) == 0)
        return 0;
    model_update(c->model[k], operand, 1);
    return tally_metric_update_state(c->rec.metric[k], &x) || tally_metric_update_state(c->mirror[k], &x) ? verdict(c, "no first row") : 0;
}

/* what this call must answer, on copies of all that it may change */
static tally_status rehearse(court *c, tally_metric **next)
{
    machine *m = &c->m;
    for (int k = 0; k < c->p->n_stores; k++) {
        m->mirror[k] = next[k] = tally_metric_clone(c->mirror[k], NULL);
        m->model[k] = model_copy(c->pool, c->model[k]);
    }
    memcpy(m->variable, c->variable, sizeof m->variable);
    m->prints = 0;
    m->unclear = reads_unbuilt(c, c->p->body);              /* sizes bind before anything runs: its own tests say when */
    return m->unclear ? TALLY_OK : machine_run(m);
}

/* -1: this case is left open */
static int one_call(court *c, program_counts *n)
{
    tally_value   in[MOST_IN];
    tally_tensor  x[MAX_INPUTS];
    tally_metric *next[MAX_METRICS] = { NULL };
    int           n_in = c->p->n_inputs;
    new_sizes(c);
    for (int k = 0; k < c->p->n_inputs; k++) {
        c->m.value[k] = random_array(&c->r, c->pool, c->p->input[k], c->m.size, c->p->wild);
        x[k] = array_scatter(&c->r, c->pool, c->m.value[k]);
        in[k] = tally__in_tensor(&x[k]);
    }
    n_in = bind_stores(c, in, n_in);
    tally_status want = rehearse(c, next);
    int          bad = c->m.wrong ? verdict(c, "%s", c->m.wrong) : 0;
    if (!bad && !c->m.unclear)
        bad = judge_call(c, n, in, n_in, want);
    for (int k = 0; k < c->p->n_stores; k++) {
        tally_metric **drop = bad || c->m.unclear || want ? &next[k] : &c->mirror[k];
        tally_metric_release(*drop);
        if (drop == &c->mirror[k])
            c->mirror[k] = next[k];
    }
    if (bad || c->m.unclear)
        return bad ? bad : -1;
    n->calls++;
    n->failed += want != TALLY_OK;
    if (!want) {
        memcpy(c->model, c->m.model, sizeof c->model);
        memcpy(c->variable, c->m.variable, sizeof c->variable);
    }
    return judge_stores(c, n);
}

static void collect_captured(court *c, const block *b)
{
    int64_t size[SIZE_FIRST_RUN] = { 1, 0, 0, 0, 3, 4 };
    for (int k = 0; k < b->n; k++)
        if (b->at[k].op == OP_CAPTURED)
            c->rec.captured[b->at[k].dst] = random_array(&c->r, c->pool, c->p->reg[b->at[k].dst], size, c->p->wild);
}

static int open_court(court *c)
{
    int64_t                size[SIZE_FIRST_RUN] = { 1, 0, 0, 0, 3, 4 };
    tally_context_options  co = TALLY_CONTEXT_OPTIONS_INIT;
    tally_function_options fo = TALLY_FUNCTION_OPTIONS_INIT;
    tally_error            err;
    co.allocator = test_allocator(&c->memory);
    co.log = count_print;
    co.user = &c->prints;
    co.parallel_for = c->p->seed % 3 ? NULL : last_first;
    fo.context = c->context = tally_context_new(&co, &err);
    if (!c->context)
        return verdict(c, "no context: %s", err.text);
    for (int k = 0; k < c->p->n_stores; k++) {
        c->rec.metric[k] = kind_new(c->p->store[k], c->context, &err);
        c->mirror[k] = kind_new(c->p->store[k], NULL, &err);
        c->model[k] = model_new(c->pool, c->p->store[k]);
        if (!c->rec.metric[k] || !c->mirror[k])
            return verdict(c, "no metric of kind %d: %s", (int)c->p->store[k], err.text);
        if (build_columns(c, k))
            return 1;
    }
    for (int k = 0; k < c->p->n_variables; k++) {
        c->variable[k] = random_array(&c->r, c->pool, c->p->variable[k], size, c->p->wild);
        tally_tensor x = array_view(c->variable[k]);
        c->rec.variable[k] = tally_variable_new(c->context, &x, &err);
        if (!c->rec.variable[k])
            return verdict(c, "no variable: %s", err.text);
    }
    collect_captured(c, c->p->body);
    c->m.captured = c->rec.captured;
    c->rec.p = c->m.p = c->p;
    c->m.pool = c->pool;
    c->function = tally_function_new(program_body, &c->rec, &fo, &err);
    return c->function ? 0 : verdict(c, "no function: %s", err.text);
}

static void close_court(court *c)
{
    for (int k = 0; k < c->p->n_stores; k++) {
        tally_metric_release(c->mirror[k]);
        tally_metric_release(c->rec.metric[k]);
    }
    for (int k = 0; k < c->p->n_variables; k++)
        tally_variable_release(c->rec.variable[k]);
    tally_function_release(c->function);
    tally_context_release(c->context);
}

int program_judge(uint64_t seed, program_counts *counts, char *text, size_t room)
{
    static tally_function *eager[OPS * MAX_RANK];
    program *p = program_make(seed);
    court   *c = pool_alloc(p->pool, sizeof *c);
    c->p = p;
    c->pool = p->pool;
    c->r.state = ~seed;
    c->text = text;
    c->room = room;
    c->m.eager = eager;
    int bad = open_court(c);
    for (c->call = 0; c->call < 3 && !bad; c->call++)
        bad = one_call(c, counts);
    if (bad < 0) {
        counts->unclear++;
        bad = 0;
    } else if (!bad && tally_function_traces(c->function) != 1) {
        bad = verdict(c, "%d traces, expected 1", tally_function_traces(c->function));
    }
    close_court(c);
    if (!bad && c->memory.blocks)
        bad = verdict(c, "%zu blocks of memory are still held", (size_t)c->memory.blocks);
    if (!bad)
        counts->instructions += (size_t)p->body->n;
    program_free(p);
    return bad;
}
