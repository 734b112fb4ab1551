/* law_memory: contexts whose memory is counted and refused: that a steady state asks for none, and that a refusal at every possible
 * place leaves all as it was. */
#include "selftest.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { ROWS = TALLY__TRIAL_ROWS, REFUSALS_MOST = 1000 };

struct counted;
typedef struct heap {                    /* outlives the law where a maker keeps something for itself */
    atomic_size_t   blocks;
    struct counted *law;                 /* NULL: it is over */
} heap;
typedef struct counted {
    heap         *heap;
    atomic_size_t calls;
    size_t        fail_at;               /* this call fails; 0: none */
    bool          and_all_after;
    size_t        refused;               /* refusals that a verb met, and told */
    size_t        own;                   /* calls for the context itself */
} counted;

/* the block that malloc gave stands before what is handed out */
static void *counted_alloc(void *user, size_t size, size_t align)
{
    heap        *h = user;
    counted     *m = h->law;
    if (!m)
        return NULL;
    const size_t call = atomic_fetch_add(&m->calls, 1) + 1;
    if (m->fail_at && (call == m->fail_at || (m->and_all_after && call > m->fail_at)))
        return NULL;
    char *whole = malloc(size + align + sizeof(void *));
    if (!whole)
        return NULL;
    atomic_fetch_add(&h->blocks, 1);
    char *p = whole + sizeof(void *);
    p += (align - (uintptr_t)p % align) % align;
    memcpy(p - sizeof(void *), &whole, sizeof whole);
    return p;
}

static void counted_free(void *user, void *p, size_t size)
{
    heap *h = user;
    char *whole;
    (void)size;
    if (!p)
        return;
    memcpy(&whole, (char *)p - sizeof(void *), sizeof whole);
    free(whole);
    if (atomic_fetch_sub(&h->blocks, 1) == 1 && !h->law)
        free(h);
}

static tally_context *counted_context(counted *m, tally_error *err)
{
    tally_context_options o = TALLY_CONTEXT_OPTIONS_INIT;
    if (!m->heap && (m->heap = malloc(sizeof *m->heap))) {
        atomic_init(&m->heap->blocks, 0);
        m->heap->law = m;
    }
    if (!m->heap)
        return NULL;
    o.allocator = (tally_allocator){ counted_alloc, counted_free, m->heap };
    tally_context *x = tally_context_new(&o, err);
    m->own = m->calls;
    return x;
}

static void is_used(tally__trial *c, const counted *m)
{
    tally__meant(c, c->status || m->calls > m->own, "the metric to take memory from its context", "that it took none");
}

static void all_is_back(tally__trial *c, counted *m, tally_context *x)
{
    tally__trial_end(c);
    tally_context_release(x);
    heap        *h = m->heap;
    const size_t blocks = h ? h->blocks : 0;
    if (blocks)
        tally__broken(c, "expected all memory back, found %zu blocks held%s", blocks, m->fail_at ? " after a refusal" : "");
    if (h)
        h->law = NULL;
    if (!blocks)
        free(h);
    m->heap = NULL;
}

/* ---- steady */
static void use(tally__trial *c, tally_metric *m, const tally__batch *f, tally__values v)
{
    tally_error why = { 0, -1, "" };
    int64_t     shape[TALLY_MAX_RANK];
    tally__eat(c, m, f);
    if (c->status)
        return;
    tally__meant(c, tally_metric_result_shape(m, shape) >= 0, "sizes of a result", "none");
    tally__must(c, tally_metric_values(m, v.at, (int)v.n, &why), "a result", &why);
    (void)tally_metric_is_defined(m);
    tally_metric_reset_state(m);
}

void tally__law_steady(tally__trial *c)
{
    counted            memory = { 0 };
    tally_context     *x = counted_context(&memory, NULL);
    const tally__batch first = tally__batch_make(c, ROWS);
    tally_metric      *m = tally__fresh_with(c, x, TALLY_NAN_PROPAGATE);
    const tally__values v = tally__result_of(c, tally__fed(c, &first));
    for (int turn = 0; turn < 6; turn++) {
        const tally__batch f = tally__batch_make(c, ROWS - turn);
        const size_t       before = memory.calls;
        use(c, m, &f, v);
        is_used(c, &memory);
        if (turn > 2 && memory.calls != before)
            tally__broken(c, "expected no allocation any more, found %zu in update %d", (size_t)memory.calls - before, turn + 1);
    }
    all_is_back(c, &memory, x);
}

/* ---- memory */
typedef struct scene {
    tally__trial *c;
    counted       memory;
    tally_error   why;
    tally__batch  f, g;
    tally__bytes  want[3];               /* of f alone, g alone, both: known from before */
} scene;

/* A verb says OK, or RESOURCE_EXHAUSTED with a text; then memory is there again. true: to be done again */
static bool was_refused(scene *s, tally_status got, const char *what)
{
    const size_t at = s->memory.fail_at;
    if (!got || s->c->status)
        return false;
    if (!at || got != TALLY_RESOURCE_EXHAUSTED || s->why.status != got || !s->why.text[0])
        tally__broken(s->c, "%s, allocation %zu refused: expected RESOURCE_EXHAUSTED, found %s: %.80s", what, at,
                      tally_status_name(got), s->why.text);
    s->memory.refused++;
    s->memory.fail_at = 0;
    return !s->c->status;
}

static tally_metric *scene_metric(scene *s, tally_context *x)
{
    tally_metric *m = s->c->status ? NULL : s->c->make(s->c->user, x, TALLY_NAN_PROPAGATE, &s->why);
    if (!m && was_refused(s, s->why.status, "a new metric"))
        m = s->c->make(s->c->user, x, TALLY_NAN_PROPAGATE, &s->why);
    return s->c->status ? NULL : tally__keep(s->c, m, &s->why);
}

static void scene_update(scene *s, tally_metric *m, const tally__batch *f)
{
    const tally__bytes before = tally__packed(s->c, m);
    if (s->c->status || !was_refused(s, tally__give(m, f, &s->why), "update"))
        return;
    tally__as_before(s->c, "an update without memory", m, before);
    tally__eat(s->c, m, f);
}

static void scene_merge(scene *s, tally_metric *m, tally_metric *from)
{
    const tally__bytes before = tally__packed(s->c, m);
    if (s->c->status || !was_refused(s, tally_metric_merge_state(m, &from, 1, &s->why), "merge"))
        return;
    tally__as_before(s->c, "a merge without memory", m, before);
    tally__must(s->c, tally_metric_merge_state(m, &from, 1, &s->why), "a merge", &s->why);
}

static void scene_unpack(scene *s, tally_metric *m, tally__bytes b)
{
    const tally__bytes before = tally__packed(s->c, m);
    if (s->c->status || !was_refused(s, tally_metric_unpack(m, b.at, b.n, &s->why), "unpack"))
        return;
    tally__as_before(s->c, "an unpack without memory", m, before);
    tally__must(s->c, tally_metric_unpack(m, b.at, b.n, &s->why), "bytes to come back", &s->why);
}

static tally_metric *scene_copy(scene *s, tally_metric *m, bool snapshot)
{
    tally_metric *copy = NULL;
    for (int again = 1; again >= 0 && !copy && !s->c->status; again--) {
        s->why.status = TALLY_OK;
        if (snapshot)
            (void)!tally_metrics_snapshot(&m, 1, &copy, &s->why);
        else
            copy = tally_metric_clone(m, &s->why);
        if (!copy && !was_refused(s, s->why.status, snapshot ? "snapshot" : "clone"))
            break;
    }
    return s->c->status ? NULL : tally__keep(s->c, copy, &s->why);
}

/* its sizes have no status to give: -1 says that they are not known */
static void scene_result(scene *s, tally_metric *m)
{
    int64_t shape[TALLY_MAX_RANK], n = 1;
    int     rank = s->c->status ? 0 : tally_metric_result_shape(m, shape);
    if (rank < 0) {
        s->why = (tally_error){ TALLY_RESOURCE_EXHAUSTED, -1, "no sizes" };
        if (was_refused(s, s->why.status, "result_shape"))
            rank = tally_metric_result_shape(m, shape);
    }
    for (int a = 0; a < rank; a++)
        n *= shape[a];
    double *v = tally__room(s->c, (size_t)n * sizeof *v);
    if (!s->c->status && was_refused(s, tally_metric_values(m, v, (int)n, &s->why), "result"))
        tally__must(s->c, tally_metric_values(m, v, (int)n, &s->why), "a result", &s->why);
}

static void play(scene *s, tally_context *x)
{
    tally_metric *m = scene_metric(s, x), *other = scene_metric(s, x);
    scene_update(s, m, &s->f);
    scene_update(s, other, &s->g);
    tally__as_before(s->c, "an update", m, s->want[0]);
    tally__as_before(s->c, "another update", other, s->want[1]);
    scene_merge(s, m, other);
    tally__as_before(s->c, "a merge", m, s->want[2]);
    tally__as_before(s->c, "a clone", scene_copy(s, m, false), s->want[2]);
    tally__as_before(s->c, "a snapshot", scene_copy(s, m, true), s->want[2]);
    scene_unpack(s, other, s->want[2]);
    tally__as_before(s->c, "an unpack", other, s->want[2]);
    scene_result(s, m);
    tally_metric_reset_state(m);                       /* cannot fail */
}

/* the batches and bytes of a scene outlive it, the metrics do not */
static void play_once(scene *s, size_t fail_at, bool and_all_after)
{
    tally__piece *kept = s->c->memory;
    s->c->memory = NULL;
    s->memory = (counted){ .fail_at = fail_at, .and_all_after = and_all_after };
    tally_context *x = counted_context(&s->memory, &s->why);
    if (!x && was_refused(s, s->why.status, "a context"))
        x = counted_context(&s->memory, &s->why);
    if (x)
        play(s, x);
    all_is_back(s->c, &s->memory, x);
    s->c->memory = kept;
}

static void scene_begin(scene *s, tally__trial *c)
{
    tally_metric *m[2];
    *s = (scene){ .c = c, .f = tally__batch_make(c, 5), .g = tally__batch_make(c, 9) };
    m[0] = tally__fed(c, &s->f);
    m[1] = tally__fed(c, &s->g);
    s->want[0] = tally__packed(c, m[0]);
    s->want[1] = tally__packed(c, m[1]);
    if (!c->status)
        tally__must(c, tally_metric_merge_state(m[0], &m[1], 1, &s->why), "a merge", &s->why);
    s->want[2] = tally__packed(c, m[0]);
}

void tally__law_memory(tally__trial *c)
{
    scene s;
    scene_begin(&s, c);
    play_once(&s, 0, false);
    const size_t calls = s.memory.calls, most = (size_t)(REFUSALS_MOST * c->o->percent / 100);
    const size_t stride = calls > most ? calls / (most ? most : 1) : 1;
    size_t       refused = 0;
    is_used(c, &s.memory);
    for (int all = 0; all < 2; all++)
        for (size_t k = 1; k <= calls && !c->status; k += stride) {
            play_once(&s, k, all);
            refused += s.memory.refused;
        }
    tally__meant(c, c->status || refused, "refusals to be told", "none");
}
