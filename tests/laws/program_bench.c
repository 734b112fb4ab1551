#include "program_bench.h"

#include <pthread.h>

/* ---- transcripts ---- */
void transcript_note(transcript *t, const void *p, size_t n)
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

static void transcript_numbers(transcript *t, const void *data, int dtype, int64_t n)
{
    size_t size = tally__element_size(dtype);
    if (!tally__is_float(dtype)) {
        transcript_note(t, data, (size_t)n * size);
        return;
    }
    for (int64_t k = 0; k < n; k++) {
        double v = tally__load_f64((const char *)data + (size_t)k * size, dtype);
        v = v == v ? v : (double)NAN;
        transcript_note(t, &v, sizeof v);
    }
}

void transcript_buffer(transcript *t, const tally_buffer *b)
{
    transcript_note(t, b->shape, (size_t)b->rank * sizeof b->shape[0]);
    transcript_numbers(t, b->data, b->dtype, tally__elements(b->rank, b->shape));
}

int transcripts_differ(const transcript *a, const transcript *b)
{
    for (int call = 0; call < BENCH_CALLS; call++) {
        bool   last = call + 1 == BENCH_CALLS;
        size_t end_a = last ? a->n : a->at[call + 1], end_b = last ? b->n : b->at[call + 1];
        if (a->status[call] != b->status[call] || strcmp(a->text[call], b->text[call]) || end_a != end_b ||
            memcmp(a->byte + a->at[call], b->byte + b->at[call], end_a - a->at[call]))
            return call;
    }
    return -1;
}

/* ---- a crew: threads that wait for the parts of a loop ---- */
typedef struct crew {
    pthread_mutex_t lock;
    pthread_cond_t  work, done;
    pthread_t       thread[CREW_MOST];
    size_t          n, next, left;
    int             members;                /* that may take parts now */
    bool            over;
    void          (*task)(void *arg, size_t i);
    void           *arg;
} crew;
static crew all = { .lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER, .done = PTHREAD_COND_INITIALIZER };
static int  crew_number[CREW_MOST] = { 0, 1, 2, 3 };

static void *crew_member(void *which)
{
    pthread_mutex_lock(&all.lock);
    while (!all.over) {
        if (all.next < all.n && *(int *)which < all.members) {
            size_t i = all.next++;
            pthread_mutex_unlock(&all.lock);
            all.task(all.arg, i);
            pthread_mutex_lock(&all.lock);
            if (!--all.left)
                pthread_cond_signal(&all.done);
        } else {
            pthread_cond_wait(&all.work, &all.lock);
        }
    }
    pthread_mutex_unlock(&all.lock);
    return NULL;
}

void crew_start(void)
{
    all.over = false;
    for (int i = 0; i < CREW_MOST; i++)
        assert_int_equal(pthread_create(&all.thread[i], NULL, crew_member, &crew_number[i]), 0);
}

void crew_stop(void)
{
    pthread_mutex_lock(&all.lock);
    all.over = true;
    pthread_cond_broadcast(&all.work);
    pthread_mutex_unlock(&all.lock);
    for (int i = 0; i < CREW_MOST; i++)
        pthread_join(all.thread[i], NULL);
}

static void crew_run(int members, size_t n, void (*task)(void *arg, size_t i), void *arg)
{
    pthread_mutex_lock(&all.lock);
    all.members = members;
    all.task = task;
    all.arg = arg;
    all.next = 0;
    all.n = all.left = n;
    pthread_cond_broadcast(&all.work);
    while (all.left)
        pthread_cond_wait(&all.done, &all.lock);
    pthread_mutex_unlock(&all.lock);
}

/* ---- data ---- */
static void new_sizes(bench *b, int64_t *size)
{
    static const int64_t rows[] = { 0, 1, 2, 3, 4, 5, 7, 10, 13, 33, 48, 64 }, widths[] = { 1, 2, 3, 5, 2, 3, 4, 33 };
    size[SIZE_MADE] = 1;
    size[SIZE_N] = rows[test_below(&b->r, test_below(&b->r, 4) ? 9 : 12)];
    size[SIZE_M] = widths[test_below(&b->r, test_below(&b->r, 6) ? 7 : 8)];
    size[SIZE_K] = test_below(&b->r, 12) ? widths[test_below(&b->r, 4)] : 0;
    size[SIZE_THREE] = 3;
    size[SIZE_FOUR] = 4;
}

static void make_captured(bench *b, const int64_t *size)
{
    for (int k = 0; k < b->p->body->n; k++)
        if (b->p->body->at[k].op == OP_CAPTURED) {
            int at = b->p->body->at[k].dst;
            b->captured[at] = random_array(&b->r, b->p->pool, b->p->reg[at], size, b->p->wild);
        }
}

void bench_open(bench *b, uint64_t seed)
{
    int64_t fixed[SIZE_FIRST_RUN] = { 1, 0, 0, 0, 3, 4 };
    memset(b, 0, sizeof *b);
    b->p = program_make(seed);
    b->r.state = ~seed;
    make_captured(b, fixed);
    for (int k = 0; k < b->p->n_variables; k++)
        b->variable[k] = random_array(&b->r, b->p->pool, b->p->variable[k], fixed, b->p->wild);
    for (int call = 0; call < BENCH_CALLS; call++) {
        new_sizes(b, b->size[call]);
        for (int k = 0; k < b->p->n_inputs; k++)
            b->x[call][k] = array_scatter(&b->r, b->p->pool, random_array(&b->r, b->p->pool, b->p->input[k], b->size[call], b->p->wild));
    }
}

void bench_close(bench *b) { program_free(b->p); }

/* ---- ways of running ---- */
int bench_variants(variant v[BENCH_VARIANTS], uint64_t seed)
{
    enum { ALL = TALLY__PASS_ALL };
    const tally__isa best = tally__cpu();
    const variant every[] = {
        { "as recorded", 0, TALLY__ISA_BASE, 1024, 0, UNDISTURBED },
        { "all passes, blocks of 1024", ALL, best, 1024, 0, UNDISTURBED },
        { "all passes, blocks of 3", ALL, best, 3, 0, UNDISTURBED },
        { "without fold", ALL & ~TALLY__PASS_FOLD, best, 3, 0, UNDISTURBED },
        { "without cse", ALL & ~TALLY__PASS_CSE, best, 3, 0, UNDISTURBED },
        { "without ranges", ALL & ~TALLY__PASS_RANGES, best, 3, 0, UNDISTURBED },
        { "without peephole", ALL & ~TALLY__PASS_PEEPHOLE, best, 3, 0, UNDISTURBED },
        { "without count", ALL & ~TALLY__PASS_COUNT, best, 3, 0, UNDISTURBED },
        { "without dce", ALL & ~TALLY__PASS_DCE, best, 3, 0, UNDISTURBED },
        { "without fuse", ALL & ~TALLY__PASS_FUSE, best, 3, 0, UNDISTURBED },
        { "parts of a loop, the last first", ALL, best, 3, CREW_LAST_FIRST, UNDISTURBED },
        { "parts of a loop on threads", ALL, best, 3, 1 + (int)(seed % CREW_MOST), UNDISTURBED },
        { "interrupted", ALL, best, 3, seed % 2 ? CREW_LAST_FIRST : 0, INTERRUPTED },
        { "memory refused", ALL, best, 3, seed % 2 ? CREW_LAST_FIRST : 0, REFUSED },
        { "baseline instructions", ALL, TALLY__ISA_BASE, 1024, 0, UNDISTURBED },
        { "avx2", ALL, TALLY__ISA_AVX2, 1024, 0, UNDISTURBED },
    };
    int n = (int)TALLY__COUNT(every) - (tally__cpu() <= TALLY__ISA_AVX2);      /* the last is the best then, or too good */
    memcpy(v, every, sizeof every);
    return n;
}

/* ---- stages ---- */
static void stage_line(void *user, tally_level level, const char *line)
{
    if (level == TALLY_LOG_PRINT)
        transcript_note(((stage *)user)->t, line, strlen(line));
}

static int stage_interrupt(void *user)
{
    stage *s = user;
    return ++s->polls == s->cancel_at;
}

static void stage_for(void *user, size_t n, void (*task)(void *arg, size_t i), void *arg)
{
    stage *s = user;
    s->shared++;
    if (s->v->workers > 0)
        crew_run(s->v->workers, n, task, arg);
    while (s->v->workers < 0 && n-- > 0)
        task(arg, n);
}

static void stage_context(stage *s)
{
    tally_context_options o = TALLY_CONTEXT_OPTIONS_INIT;
    o.allocator = test_allocator(&s->memory);
    o.log = stage_line;
    o.interrupt = s->v->by == INTERRUPTED ? stage_interrupt : NULL;
    o.parallel_for = s->v->workers ? stage_for : NULL;
    o.user = s;
    assert_non_null(s->context = tally_context_new(&o, NULL));
}

static int stage_in(const stage *s, const tally_tensor *x, tally_value *in)
{
    const program *p = s->b->p;
    int            n = 0;
    for (int k = 0; k < p->n_inputs; k++)
        in[n++] = tally__in_tensor(&x[k]);
    for (int k = 0; k < p->n_metric_refs; k++)
        if (!p->ref[k].captured)
            in[n++] = tally__in_metric(s->rec.metric[p->ref[k].store]);
    for (int k = 0; k < p->n_variables; k++)
        if (!p->variable_captured[k])
            in[n++] = tally__in_variable(s->rec.variable[k]);
    return n;
}

enum { MOST_IN = MAX_INPUTS + MAX_METRICS + MAX_VARIABLES, OUT_ROOM = 1 << 15 };

/* The frame of the calls is made beforehand and told to cut any loop; that a call may have to fail is for the call to say. */
static void stage_cuts_loops(stage *s)
{
    tally_value     in[MOST_IN];
    tally_error     why;
    tally_status    status = tally_function_prepare(s->f, in, stage_in(s, s->b->x[0], in), &why);
    tally__version *v = atomic_load(&s->f->newest);
    tally__frame   *f = v ? atomic_load(&v->idle) : NULL;
    assert_true(f || status);
    if (f) {
        f->share = 1;
        f->parts = 2 + (int)(s->b->p->seed / 4 % 3);
    }
}

void stage_open(stage *s, const bench *b, const variant *v, transcript *t)
{
    tally_function_options o = TALLY_FUNCTION_OPTIONS_INIT;
    memset(s, 0, sizeof *s);
    s->b = b;
    s->v = v;
    s->t = t;
    t->n = 0;
    stage_context(s);
    s->rec.p = b->p;
    memcpy(s->rec.captured, b->captured, sizeof b->captured);
    for (int k = 0; k < b->p->n_stores; k++)
        assert_non_null(s->rec.metric[k] = kind_new(b->p->store[k], s->context, NULL));
    for (int k = 0; k < b->p->n_variables; k++) {
        tally_tensor x = array_view(b->variable[k]);
        assert_non_null(s->rec.variable[k] = tally_variable_new(s->context, &x, NULL));
    }
    o.context = s->context;
    assert_non_null(s->f = tally_function_new(program_body, &s->rec, &o, NULL));
    tally__function_tune(s->f, v->passes, v->isa, v->block);
    if (v->workers)
        stage_cuts_loops(s);
}

void stage_close(stage *s)
{
    tally_function_release(s->f);
    for (int k = 0; k < s->b->p->n_stores; k++)
        tally_metric_release(s->rec.metric[k]);
    for (int k = 0; k < s->b->p->n_variables; k++)
        tally_variable_release(s->rec.variable[k]);
    tally_context_release(s->context);
    assert_int_equal(atomic_load(&s->memory.blocks), 0);
}

void stage_stores(const stage *s, transcript *to)
{
    static uint64_t room[OUT_ROOM];
    for (int k = 0; k < s->b->p->n_stores; k++) {
        size_t n = tally_metric_pack(s->rec.metric[k], room, sizeof room);
        assert_true(n <= sizeof room);
        transcript_note(to, room, n);
    }
    for (int k = 0; k < s->b->p->n_variables; k++) {
        tally_buffer v = { room, s->b->p->variable[k].dtype, 0, OUT_ROOM, { 0 } };
        assert_ok(tally_variable_read(s->rec.variable[k], &v, NULL), NULL);
        transcript_buffer(to, &v);
    }
}

static void call_and_note(stage *s, const tally_tensor *x, int call)
{
    static uint64_t room[MAX_RETURNS][OUT_ROOM];
    const program  *p = s->b->p;
    transcript     *t = s->t;
    tally_value     in[MOST_IN];
    tally_slot      out[MAX_RETURNS + MAX_METRICS];
    tally_buffer    to[MAX_RETURNS];
    tally_metric   *back[MAX_METRICS];
    tally_error     err = { 0, 0, "" };
    int             n_in = stage_in(s, x, in), n_out = 0;
    for (int k = 0; k < p->n_returns; k++) {
        to[k] = (tally_buffer){ room[k], p->reg[p->returns[k]].dtype, 0, OUT_ROOM, { 0 } };
        out[n_out++] = tally__out_buffer(&to[k]);
    }
    for (int k = 0; k < p->n_metric_refs; k++)
        if (p->return_metric[k])
            out[n_out++] = tally__out_metric(&back[k]);
    t->at[call] = t->n;
    t->status[call] = tally_call(s->f, in, n_in, n_out ? out : NULL, n_out, &err);
    memcpy(t->text[call], t->status[call] ? err.text : "", t->status[call] ? sizeof err.text : 1);
    for (int k = 0; k < p->n_returns && !t->status[call]; k++)
        transcript_buffer(t, &to[k]);
}

/* whether the call was cut off at its k-th poll or allocation, with the stores as they were */
static bool cut_off(stage *s, const tally_tensor *x, int call, int k)
{
    static transcript before, after;
    tally_status      want = s->v->by == REFUSED ? TALLY_RESOURCE_EXHAUSTED : TALLY_CANCELLED;
    before.n = after.n = 0;
    s->polls = 0;
    stage_stores(s, &before);
    s->cancel_at = s->v->by == INTERRUPTED ? k : 0;
    s->memory.fail_at = s->v->by == REFUSED ? atomic_load(&s->memory.calls) + (size_t)k : 0;
    s->memory.fail_all_after = call % 2;
    call_and_note(s, x, call);
    s->cancel_at = 0;
    s->memory.fail_at = 0;
    stage_stores(s, &after);
    if (s->t->status[call] != want)
        return false;
    assert_int_equal(before.n, after.n);
    assert_memory_equal(before.byte, after.byte, before.n);
    s->t->n = s->t->at[call];
    return true;
}

void stage_call(stage *s, const tally_tensor *x, int call)
{
    int k = 1;
    if (s->v->by == UNDISTURBED)
        call_and_note(s, x, call);
    else
        while (cut_off(s, x, call, k))
            k += 1 + k / 2;
    stage_stores(s, s->t);
}
