/* group: metrics under names, treated as one: one pass feeds all, one commit resets or merges all, one instant is what
 * results and snapshots show. It holds references and names; states are the metrics' own. */
#include "metric.h"

struct tally_group {
    atomic_size_t  references;
    tally_context *context;
    tally_metric **metric;              /* [room], in the order in which they were added */
    char         **name;                /* [room] */
    int            n, room;
};

enum { GROUP_LEAST = 8 };
_Static_assert(sizeof(tally_slot) == sizeof(tally_value), "one list has room for both");

static tally_status no_group(const char *verb, tally_error *err)
{
    return tally__fail(err, TALLY_INVALID_ARGUMENT, -1, "%s: group, expected a group, found NULL", verb);
}

/* ---- life */

tally_group *tally_group_new(tally_context *c, tally_error *err)
{
    tally_context *x = tally__context_for(c, err);
    tally_group   *g = x ? tally__zalloc(x, sizeof *g) : NULL;
    if (g) {
        atomic_init(&g->references, 1);
        g->context = x;
    } else if (x) {
        tally__fail_memory(err, sizeof *g);
        tally_context_release(x);
    }
    return g;
}

tally_group *tally_group_retain(tally_group *g)
{
    if (g)
        atomic_fetch_add_explicit(&g->references, 1, memory_order_relaxed);
    return g;
}

void tally_group_release(tally_group *g)
{
    if (!g || atomic_fetch_sub_explicit(&g->references, 1, memory_order_acq_rel) != 1)
        return;
    tally_context *c = g->context;
    for (int i = 0; i < g->n; i++) {
        tally_metric_release(g->metric[i]);
        tally__free(c, g->name[i], strlen(g->name[i]) + 1);
    }
    tally__free(c, g->metric, (size_t)g->room * sizeof *g->metric);
    tally__free(c, g->name, (size_t)g->room * sizeof *g->name);
    tally__free(c, g, sizeof *g);
    tally_context_release(c);
}

/* ---- add */

/* a copy of the list with more room in its place */
static void *longer(tally_context *c, void *list, size_t bytes, size_t more, tally_error *err)
{
    void *fresh = tally__alloc(c, more);
    if (!fresh) {
        tally__fail_memory(err, more);
        return NULL;
    }
    if (bytes)
        memcpy(fresh, list, bytes);
    return fresh;
}

static tally_status group_grow(tally_group *g, tally_error *err)
{
    const size_t   room = (size_t)TALLY__MAX(2 * g->room, GROUP_LEAST), was = (size_t)g->room;
    tally_metric **metric = longer(g->context, g->metric, was * sizeof *metric, room * sizeof *metric, err);
    char         **name = metric ? longer(g->context, g->name, was * sizeof *name, room * sizeof *name, err) : NULL;
    if (!name) {
        tally__free(g->context, metric, room * sizeof *metric);
        return TALLY_RESOURCE_EXHAUSTED;
    }
    tally__free(g->context, g->metric, was * sizeof *metric);
    tally__free(g->context, g->name, was * sizeof *name);
    g->metric = metric;
    g->name = name;
    g->room = (int)room;
    return TALLY_OK;
}

static int group_index(const tally_group *g, const char *name)
{
    for (int i = 0; i < g->n; i++)
        if (strcmp(g->name[i], name) == 0)
            return i;
    return -1;
}

static tally_status add_check(const tally_group *g, const char *name, const tally_metric *m, tally_error *err)
{
    if (group_index(g, name) >= 0)
        return tally__fail(err, TALLY_ALREADY_EXISTS, 1, "group: name, expected one that is not taken, found \"%s\"", name);
    for (int i = 0; i < g->n; i++)
        if (g->metric[i] == m)
            return tally__fail(err, TALLY_ALREADY_EXISTS, 2, "group: metric \"%s\", expected one that is not in the group, found it as "
                               "\"%s\"", name, g->name[i]);
    return TALLY_OK;
}

tally_status tally_group_add(tally_group *g, const char *name, tally_metric *m, tally_error *err)
{
    if (!g)
        return no_group("add", err);
    if (!m)
        return tally__no_metric("add", -1, err);
    if (!name)
        name = tally_metric_name(m);
    const size_t bytes = strlen(name) + 1;
    tally_status s = add_check(g, name, m, err);
    if (!s && g->n == g->room)
        s = group_grow(g, err);
    char *copy = s ? NULL : tally__alloc(g->context, bytes);
    if (!copy)
        return s ? s : tally__fail_memory(err, bytes);
    memcpy(copy, name, bytes);
    g->name[g->n] = copy;
    g->metric[g->n++] = tally_metric_retain(m);
    return TALLY_OK;
}

/* ---- walk */

int tally_group_count(const tally_group *g)
{
    return g ? g->n : 0;
}

const char *tally_group_name(const tally_group *g, int i)
{
    return g && i >= 0 && i < g->n ? g->name[i] : "";
}

tally_metric *tally_group_metric(const tally_group *g, int i)
{
    return g && i >= 0 && i < g->n ? g->metric[i] : NULL;
}

tally_metric *tally_group_find(const tally_group *g, const char *name)
{
    return g && name ? tally_group_metric(g, group_index(g, name)) : NULL;
}

/* ---- all at once */

tally_status tally_group_update_state_n(tally_group *g, const tally_tensor *const *operands, int n, tally_error *err)
{
    return g ? tally_metrics_update_state_n(g->metric, g->n, operands, n, err) : no_group("update_state", err);
}

/* one call with every metric as an argument, and a destination for each where out is given */
static tally_status call_all(const tally_group *g, tally__verb verb, double *out, const char *name, tally_error *err)
{
    if (!g->n)
        return TALLY_OK;
    tally__arguments *a = tally__arguments_take(g->metric[0], 2 * g->n, err);
    if (!a)
        return TALLY_RESOURCE_EXHAUSTED;
    tally_slot *slot = (tally_slot *)(void *)(a->in + g->n);
    for (int i = 0; i < g->n; i++)
        a->in[i] = tally__in_metric(g->metric[i]);
    for (int i = 0; out && i < g->n; i++)
        slot[i] = tally__out_f64(&out[i]);
    tally_status s = tally__call(tally__eager(g->metric[0], verb), a->in, g->n, out ? slot : NULL, out ? g->n : 0, name, err);
    tally__arguments_give(g->metric[0], a);
    return s;
}

tally_status tally_group_results(const tally_group *g, double *out, int n, tally_error *err)
{
    if (!g)
        return no_group("results", err);
    if (n < g->n || (g->n && !out))
        return tally__fail(err, n < g->n ? TALLY_OUT_OF_RANGE : TALLY_INVALID_ARGUMENT, -1,
                           "results: out, expected room for %d values, found %s and %d", g->n, out ? "a list" : "NULL", n);
    return call_all(g, TALLY__VERB_RESULTS, out, "results", err);
}

tally_status tally_group_reset_state(tally_group *g, tally_error *err)
{
    return g ? call_all(g, TALLY__VERB_RESET, NULL, "reset_state", err) : no_group("reset_state", err);
}

/* ---- merge, snapshot */

/* into's names in from, in into's order */
static tally_status find_all(const tally_group *into, const tally_group *from, int source, tally__store **out, tally_error *err)
{
    if (!from)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, source, "merge_state: group %d, expected a group, found NULL", source);
    if (from->n != into->n)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, source, "merge_state: group %d, expected the same %d names, found %d", source,
                           into->n, from->n);
    for (int i = 0; i < into->n; i++) {
        tally_metric *m = tally_group_find(from, into->name[i]);
        if (!m)
            return tally__fail(err, TALLY_INVALID_ARGUMENT, source, "merge_state: group %d, expected a metric \"%s\", found none", source,
                               into->name[i]);
        out[i] = tally__store_of_metric(m);
    }
    return TALLY_OK;
}

tally_status tally_group_merge_state(tally_group *into, tally_group *const *from, int n, tally_error *err)
{
    if (!into)
        return no_group("merge_state", err);
    if (n < 0 || (n && !from))
        return tally__fail(err, TALLY_INVALID_ARGUMENT, -1, "merge_state: groups, expected a list and its length, found %s and %d",
                           from ? "a list" : "NULL", n);
    const size_t   bytes = (size_t)n * (size_t)into->n * sizeof(tally__store *);
    tally__store **source = tally__alloc(into->context, bytes);
    tally_status   s = TALLY_OK;
    if (bytes && !source)
        return tally__fail_memory(err, bytes);
    for (int i = 0; i < n && !s; i++)
        s = find_all(into, from[i], i, source + (size_t)i * (size_t)into->n, err);
    if (!s)
        s = tally__stores_merge((tally__store *const *)(void *)into->metric, into->n, source, n, false, err);
    tally__free(into->context, source, bytes);
    return s;
}

static tally_status add_copies(tally_group *to, const tally_group *g, tally_metric **copy, tally_error *err)
{
    tally_status s = tally_metrics_snapshot(g->metric, g->n, copy, err);
    for (int i = 0; i < g->n && !s; i++)
        s = tally_group_add(to, g->name[i], copy[i], err);
    for (int i = 0; i < g->n; i++)
        tally_metric_release(copy[i]);
    return s;
}

tally_group *tally_group_snapshot(const tally_group *g, tally_error *err)
{
    if (!g) {
        no_group("snapshot", err);
        return NULL;
    }
    const size_t   bytes = (size_t)g->n * sizeof(tally_metric *);
    tally_metric **copy = tally__zalloc(g->context, bytes);
    tally_group   *to = !bytes || copy ? tally_group_new(g->context, err) : NULL;
    if (bytes && !copy)
        tally__fail_memory(err, bytes);
    if (to && add_copies(to, g, copy, err)) {
        tally_group_release(to);
        to = NULL;
    }
    tally__free(g->context, copy, bytes);
    return to;
}
