/* law_algebra: states as numbers that are added: order, cuts and merge trees, inverses, copies, bytes. */
#include "selftest.h"

enum { ROWS = TALLY__TRIAL_ROWS, PARTS = 5, TURNS = 4, TEXT_ROOM = 1024 };

void tally__law_zero_rows(tally__trial *c)
{
    const tally__batch none = tally__batch_make(c, 0), f = tally__batch_make(c, 5);
    tally_metric      *m = tally__fed(c, &none);
    tally__same(c, "an update of a new metric", m, tally__fresh(c));
    tally__eat(c, m, &f);
    tally__same(c, "the updates after it", m, tally__fed(c, &f));
    tally__eat(c, m, &none);
    tally__same(c, "an update", m, tally__fed(c, &f));
}

void tally__law_order(tally__trial *c)
{
    const tally__batch f = tally__batch_make(c, ROWS);
    tally_metric      *want = tally__fed(c, &f);
    for (int turn = 0; turn < TURNS; turn++) {
        int64_t at[ROWS];
        tally__shuffled(c, at, ROWS);
        const tally__batch g = tally__batch_rows(c, &f, at, ROWS);
        tally__same(c, "rows in another order", tally__fed(c, &g), want);
    }
}

void tally__law_split(tally__trial *c)
{
    const tally__batch f = tally__batch_make(c, ROWS);
    tally_metric      *want = tally__fed(c, &f);
    for (int turn = 0; turn < TURNS; turn++) {
        tally_metric *m = tally__fresh(c);
        for (int64_t from = 0, n; from < ROWS && !c->status; from += n) {
            n = (int64_t)tally__below(c, 7);
            n = n > ROWS - from ? ROWS - from : n;
            const tally__batch part = tally__batch_part(c, &f, from, n);
            tally__eat(c, m, &part);
        }
        tally__same(c, "cut into batches", m, want);
    }
}

/* any two become one until one is left */
static tally_metric *merged_in_a_tree(tally__trial *c, tally_metric **m, int n)
{
    while (n > 1 && !c->status) {
        const int   a = (int)tally__below(c, (size_t)n), b = (a + 1 + (int)tally__below(c, (size_t)n - 1)) % n;
        tally_error why = { 0, -1, "" };
        tally__must(c, tally_metric_merge_state(m[a], &m[b], 1, &why), "a merge", &why);
        m[b] = m[--n];
    }
    return m[0];
}

/* one that is given twice, or to itself, counts twice */
static void merged_twice(tally__trial *c, const tally__batch *f)
{
    tally_metric *m = tally__fed(c, f), *twice = tally__fresh(c), *from[2] = { m, m };
    if (c->status)
        return;
    tally__must(c, tally_metric_merge_state(twice, from, 2, NULL), "a merge of one metric twice", NULL);
    tally__must(c, tally_metric_merge_state(m, &m, 1, NULL), "a merge of a metric with itself", NULL);
    tally__same(c, "a metric and itself", m, twice);
}

void tally__law_merge(tally__trial *c)
{
    const tally__batch some = tally__batch_make(c, 5);
    tally__batch       part[2 * PARTS];
    tally_metric      *want = tally__fresh(c);
    for (int k = 0; k < 2 * PARTS; k++) {
        part[k] = tally__batch_make(c, (int64_t)tally__below(c, 4));
        tally__eat(c, want, &part[k]);
    }
    for (int turn = 0; turn < TURNS; turn++) {
        int64_t       at[2 * PARTS];
        tally_metric *m[PARTS];
        for (int k = 0; k < PARTS; k++)
            m[k] = tally__fresh(c);
        tally__shuffled(c, at, 2 * PARTS);
        for (int k = 0; k < 2 * PARTS; k++)
            tally__eat(c, m[tally__below(c, PARTS)], &part[at[k]]);
        tally__same(c, "batches of several metrics", merged_in_a_tree(c, m, PARTS), want);
    }
    merged_twice(c, &some);
}

void tally__law_unmerge(tally__trial *c)
{
    const tally__batch f = tally__batch_make(c, 6), g = tally__batch_make(c, 5), h = tally__batch_make(c, 3);
    tally_metric      *m = tally__fed(c, &f), *from[2] = { tally__fed(c, &g), tally__fed(c, &h) }, *was = tally__copy(c, m);
    tally_error        why = { 0, -1, "" };
    const bool         refuses = tally__has_kind(m, TALLY_STATE_MIN) || tally__has_kind(m, TALLY_STATE_MAX) ||
                               tally__has_kind(m, TALLY_STATE_LAST);
    if (c->status)
        return;
    tally__must(c, tally_metric_merge_state(m, from, 2, &why), "a merge", &why);
    tally_metric      *merged = tally__copy(c, m);
    const tally_status s = c->status ? TALLY_OK : tally_metric_unmerge_state(m, from, 2, &why);
    if (!refuses)
        tally__must(c, s, "an inverse", &why);
    tally__meant(c, !refuses || s == TALLY_FAILED_PRECONDITION, "a refusal as a state has no inverse", tally_status_name(s));
    tally__same(c, "merged and taken away", m, refuses ? merged : was);
}

void tally__law_clone(tally__trial *c)
{
    const tally__batch f = tally__batch_make(c, 7), g = tally__batch_make(c, 4);
    tally_metric      *m = tally__fed(c, &f), *want_f = tally__fed(c, &f), *want_both = tally__fed(c, &f), *snap = NULL;
    tally_error        why = { 0, -1, "" };
    tally__eat(c, want_both, &g);
    tally_metric *copy = tally__copy(c, m);
    tally__same(c, "a clone", copy, want_f);
    tally__eat(c, copy, &g);
    tally__same(c, "what was cloned, its clone updated", m, want_f);
    tally__same(c, "a clone updated", copy, want_both);
    if (c->status)
        return;
    tally__must(c, tally_metrics_snapshot(&m, 1, &snap, &why), "a snapshot", &why);
    snap = tally__keep(c, snap, &why);
    tally__eat(c, m, &g);
    tally__same(c, "a snapshot, its metric updated", snap, want_f);
    tally__same(c, "what was taken a snapshot of, updated", m, want_both);
}

/* the sizes that a first batch decided stay: only then are the bytes not those of a new one */
static bool is_sized_late(const tally_metric *m)
{
    const tally_state_spec *s;
    for (int i = 0; (s = tally_metric_state_at(m, i)); i++)
        for (int a = 0; a < s->rank; a++)
            if (s->shape[a] < 0)
                return true;
    return false;
}

void tally__law_reset(tally__trial *c)
{
    const tally__batch f = tally__batch_make(c, 7), g = tally__batch_make(c, 4);
    tally_metric      *m = tally__fed(c, &f), *merged = tally__fed(c, &g), *none = tally__fresh(c);
    if (c->status)
        return;
    tally_metric_reset_state(m);
    if (!is_sized_late(m))
        tally__same(c, "reset", m, none);
    tally__must(c, tally_metric_merge_state(merged, &m, 1, NULL), "a merge of what was reset", NULL);
    tally__must(c, tally_metric_merge_state(merged, &none, 1, NULL), "a merge of a new metric", NULL);
    tally__same(c, "merged with a new one and one reset", merged, tally__fed(c, &g));
    tally__eat(c, m, &g);
    tally__same(c, "reset, then updated", m, tally__fed(c, &g));
}

void tally__law_pack(tally__trial *c)
{
    const tally__batch f = tally__batch_make(c, 9), g = tally__batch_make(c, 3);
    tally_metric      *m = tally__fed(c, &f), *to = tally__fed(c, &g), *none = tally__fresh(c);
    const tally__bytes full = tally__packed(c, m), empty = tally__packed(c, none);
    unsigned char      small[4] = { 1, 2, 3, 4 };
    tally_error        why = { 0, -1, "" };
    if (c->status)
        return;
    tally__meant(c, tally_metric_pack(m, small, 4) == full.n && small[0] == 1 && small[3] == 4, "too little room left alone",
                 "it written");
    tally__must(c, tally_metric_unpack(to, full.at, full.n, &why), "bytes to come back", &why);
    tally__same(c, "what came back", to, m);
    tally__same_values(c, "what came back", tally__result_of(c, to), tally__result_of(c, m));
    tally__eat(c, m, &g);
    tally__eat(c, to, &g);
    tally__same(c, "what came back, updated", to, m);
    tally__must(c, tally_metric_unpack(to, empty.at, empty.n, &why), "a new metric's bytes to come back", &why);
    tally__same(c, "a new one come back", to, none);
}

void tally__law_text(tally__trial *c)
{
    const tally__batch f = tally__batch_make(c, 9);
    tally_metric      *m = tally__fed(c, &f);
    char               text[TEXT_ROOM], again[TEXT_ROOM];
    const size_t       n = c->status ? 0 : tally_metric_to_text(m, text, sizeof text);
    tally_error        why = { 0, -1, "" };
    if (!n)
        return;
    tally__meant(c, n <= sizeof text, "a text of at most 1023 characters", "a longer one");
    if (c->status)
        return;
    tally_metric *made = tally__keep(c, tally_metric_from_text(text, c->context[0], &why), &why);
    tally__eat(c, made, &f);
    tally__same(c, text, made, m);
    if (!c->status && (tally_metric_to_text(made, again, sizeof again) != n || strcmp(text, again)))
        tally__broken(c, "expected %.80s, found %.80s", text, again);
}

/* equal states, and only those, have equal bytes; a batch may hold nothing that a class counts */
static void told_by_bytes(tally__trial *c, const tally_metric *a, const tally_metric *b)
{
    const tally__bytes x = tally__packed(c, a), y = tally__packed(c, b);
    if (c->status)
        return;
    const bool same = x.n == y.n && !memcmp(x.at, y.at, x.n);
    tally__meant(c, tally_metric_equal(a, b) == same, same ? "equal metrics" : "metrics that are not equal", "the contrary");
    tally__meant(c, (tally_metric_fingerprint(a) == tally_metric_fingerprint(b)) == same,
                 same ? "one fingerprint" : "two fingerprints", "the contrary");
}

void tally__law_equal(tally__trial *c)
{
    const tally__batch f = tally__batch_make(c, 8), g = tally__batch_make(c, 4);
    tally_metric      *a = tally__fresh(c), *b = tally__fresh(c), *none = tally__fresh(c);
    told_by_bytes(c, a, b);
    tally__eat(c, a, &f);
    told_by_bytes(c, a, none);
    tally__eat(c, a, &g);
    told_by_bytes(c, a, b);
    tally__eat(c, b, &g);
    tally__eat(c, b, &f);
    told_by_bytes(c, a, b);
    tally__same(c, "batches in another order", b, a);
}
