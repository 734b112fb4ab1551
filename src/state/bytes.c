/* bytes: a store's state as canonical bytes, and back. Equal states give equal bytes on every machine, whatever way led
 * there. Reading trusts nothing: a checksum over all, every length held against what is left, every value required to
 * be the one way to write it; only then one commit.
 *
 *     "TLYS"  version u32  fingerprint u64  name length u32, class name  cells u32
 *     per cell: kind u8  dtype u8  rank u8  built u8, and if built: sizes u64 each, elements (kind.c)
 *     checksum u64                                                    all little endian
 */
#include "state.h"

enum { BYTES_VERSION = 1, BYTES_FRONT = 4 + 4 + 8 + 4, BYTES_CHECK = 8 };
static const uint8_t bytes_magic[4] = { 'T', 'L', 'Y', 'S' };

/* ---- pack */

typedef struct byte_writer {
    uint8_t *p;        /* NULL: only counts */
    size_t   n;
} byte_writer;

static void write_number(byte_writer *w, uint64_t v, size_t bytes)
{
    if (w->p)
        tally__put_le(w->p + w->n, v, bytes);
    w->n += bytes;
}

static void write_raw(byte_writer *w, const void *p, size_t n)
{
    if (w->p && n)
        memcpy(w->p + w->n, p, n);
    w->n += n;
}

static void write_cell(byte_writer *w, const tally__cell *c)
{
    write_number(w, (uint64_t)c->kind, 1);
    write_number(w, (uint64_t)c->dtype, 1);
    write_number(w, (uint64_t)c->rank, 1);
    write_number(w, c->built, 1);
    if (!c->built)
        return;
    for (int i = 0; i < c->rank; i++)
        write_number(w, (uint64_t)c->shape[i], 8);
    w->n += tally__kind_of(c->kind)->pack(c, w->p ? w->p + w->n : NULL);
}

static size_t write_store(const tally__store *s, uint8_t *out)
{
    byte_writer  w = { out, 0 };
    const size_t name = strlen(s->schema->class_name);
    write_raw(&w, bytes_magic, sizeof bytes_magic);
    write_number(&w, BYTES_VERSION, 4);
    write_number(&w, s->schema->fingerprint, 8);
    write_number(&w, name, 4);
    write_raw(&w, s->schema->class_name, name);
    write_number(&w, (uint64_t)s->schema->n_cells, 4);
    for (int i = 0; i < s->schema->n_cells; i++)
        write_cell(&w, &s->cell[i]);
    write_number(&w, out ? tally__hash(out, w.n, 0) : 0, BYTES_CHECK);
    return w.n;
}

/* Under the lock, as the state must be one commit's: bounded work, no allocation. */
size_t tally__store_pack(tally__store *s, void *buf, size_t n)
{
    tally__lock_take(&s->lock);
    const size_t need = write_store(s, NULL);
    if (buf && n >= need)
        write_store(s, buf);
    tally__lock_drop(&s->lock);
    return need;
}

/* ---- fingerprint */

/* element k as a cell of its own, so that its bytes need no more room than one element's */
static uint64_t hash_element(const tally__cell *c, int64_t k, uint64_t seed)
{
    uint8_t     bytes[TALLY__SUM_BYTES_MAX];
    tally__cell one = *c;
    assert(tally__kind_of(c->kind)->held != TALLY__HELD_BLOCK);
    one.n = 1;
    one.whole = c->whole ? c->whole + k : NULL;
    one.sum = c->wide ? c->sum + k : NULL;
    one.real = c->real ? c->real + k : NULL;
    return tally__hash(bytes, tally__kind_of(c->kind)->pack(&one, bytes), seed);
}

static uint64_t hash_cell(const tally__cell *c, uint64_t seed)
{
    uint8_t sizes[8 * TALLY_MAX_RANK];
    if (!c->built)
        return tally__hash(NULL, 0, seed);
    for (int i = 0; i < c->rank; i++)
        tally__put_le(sizes + 8 * i, (uint64_t)c->shape[i], 8);
    seed = tally__hash(sizes, 8 * (size_t)c->rank, seed);
    for (int64_t k = 0; k < c->n; k++)
        seed = hash_element(c, k, seed);
    return seed;
}

uint64_t tally__store_fingerprint(tally__store *s)
{
    tally__lock_take(&s->lock);
    uint64_t h = s->schema->fingerprint;
    for (int i = 0; i < s->schema->n_cells; i++)
        h = hash_cell(&s->cell[i], h);
    tally__lock_drop(&s->lock);
    return h;
}

/* ---- unpack */

typedef struct byte_reader {
    const uint8_t *p;
    size_t         n, at;
    bool           short_of;     /* asked for more than there is */
} byte_reader;

static uint64_t read_number(byte_reader *r, size_t bytes)
{
    if (r->n - r->at < bytes) {
        r->short_of = true;
        return 0;
    }
    r->at += bytes;
    return tally__get_le(r->p + r->at - bytes, bytes);
}

static tally_status damaged(const tally__store *s, const byte_reader *r, const char *what, tally_error *err)
{
    char title[80];
    tally__store_title(s, title, sizeof title);
    return tally__fail(err, TALLY_DATA_LOSS, -1, "%s: packed bytes, expected a whole state, found %s at byte %z of %z",
                       title, what, r->at, r->n + BYTES_CHECK);
}

/* a foreign name may hold anything */
static void read_name(byte_reader *r, char *name, size_t room)
{
    const uint64_t n = read_number(r, 4);
    size_t         kept = 0;
    for (uint64_t i = 0; i < n && !r->short_of; i++) {
        const char c = (char)read_number(r, 1);
        if (!r->short_of && kept + 1 < room)
            name[kept++] = c > ' ' && c < 127 ? c : '?';
    }
    name[kept] = 0;
}

static tally_status read_front(byte_reader *r, const tally__store *s, tally_error *err)
{
    char title[80], name[48];
    tally__store_title(s, title, sizeof title);
    r->at = sizeof bytes_magic;
    const uint64_t version = read_number(r, 4);
    if (version != BYTES_VERSION)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, -1, "%s: packed bytes, expected version %d, found %l", title,
                           BYTES_VERSION, (int64_t)version);
    const uint64_t print = read_number(r, 8);
    const size_t   at = r->at + 4, own = strlen(s->schema->class_name);
    read_name(r, name, sizeof name);
    if (print != s->schema->fingerprint)
        return tally__fail(err, TALLY_INVALID_ARGUMENT, -1,
                           "%s: packed bytes, expected %s with this configuration, found %s with another "
                           "configuration or definition", title, s->schema->class_name, name);
    const bool same = !r->short_of && r->at - at == own && memcmp(r->p + at, s->schema->class_name, own) == 0;
    if (!same || read_number(r, 4) != (uint64_t)s->schema->n_cells)
        return damaged(s, r, "another head", err);
    return TALLY_OK;
}

static bool read_sizes(byte_reader *r, const tally__cell *c, int64_t shape[TALLY_MAX_RANK])
{
    for (int i = 0; i < c->rank; i++) {
        const uint64_t v = read_number(r, 8);
        if (v > INT64_MAX)
            return false;
        shape[i] = (int64_t)v;
    }
    const int64_t n = r->short_of ? -1 : tally__cell_size(c->rank, shape);
    return n >= 0 && tally__cell_fits(c, shape) && (uint64_t)n <= (r->n - r->at) / tally__kind_of(c->kind)->least;
}

/* memory for what is about to be read: never more than a small multiple of the bytes given */
static tally_status ready_cell(tally__delta *d, int cell, const int64_t *shape, tally_error *err)
{
    tally__cell *c = &d->cell[cell];
    if (tally__kind_of(c->kind)->held != TALLY__HELD_BLOCK)
        return tally__cell_build(c, d->context, shape, err);
    const size_t bytes = (size_t)tally__cell_size(c->rank, shape) * tally__element_size(c->dtype);
    tally__cell_shape(c, shape);
    c->block = tally__block_take(d->store, bytes);
    d->did_assign = true;
    return c->block ? TALLY_OK : tally__fail_memory(err, bytes);
}

static tally_status read_cell(byte_reader *r, tally__delta *d, int cell, tally_error *err)
{
    tally__cell   *c = &d->cell[cell];
    int64_t        shape[TALLY_MAX_RANK];
    size_t         used = 0;
    const uint64_t kind = read_number(r, 1), dtype = read_number(r, 1), rank = read_number(r, 1);
    const uint64_t built = read_number(r, 1);
    if (r->short_of || kind != (uint64_t)c->kind || dtype != (uint64_t)c->dtype || rank != (uint64_t)c->rank)
        return damaged(d->store, r, "another state", err);
    if (built > 1 || (!built && !c->open))
        return damaged(d->store, r, "a wrong mark", err);
    if (!built)
        return TALLY_OK;
    if (!read_sizes(r, c, shape))
        return damaged(d->store, r, "wrong sizes", err);
    tally_status s = ready_cell(d, cell, shape, err);
    if (s)
        return s;
    if (!tally__kind_of(c->kind)->unpack(c, d->context, r->p + r->at, r->n - r->at, &used, &s, err))
        return s ? s : damaged(d->store, r, "no such elements", err);
    r->at += used;
    return TALLY_OK;
}

static tally_status read_store(byte_reader *r, tally__delta *d, tally_error *err)
{
    tally_status s = read_front(r, d->store, err);
    if (!s)
        s = tally__deltas_begin(d, 1, err);
    for (int i = 0; i < d->n_cells && !s; i++)
        s = read_cell(r, d, i, err);
    if (!s && r->at != r->n)
        s = damaged(d->store, r, "more bytes", err);
    if (s)
        return s;
    d->effects = d->more = d->replaces = true;
    return tally__commit(d->context, d, 1, err);
}

tally_status tally__store_unpack(tally__store *s, const void *buf, size_t n, tally_error *err)
{
    byte_reader  r = { buf, n > BYTES_CHECK ? n - BYTES_CHECK : 0, 0, false };
    tally__delta d = { 0 };
    if (!buf || r.n < BYTES_FRONT)
        return damaged(s, &r, "too few bytes", err);
    if (memcmp(r.p, bytes_magic, sizeof bytes_magic) != 0)
        return damaged(s, &r, "another file", err);
    if (tally__hash(r.p, r.n, 0) != tally__get_le(r.p + r.n, BYTES_CHECK))
        return damaged(s, &r, "a wrong checksum", err);
    tally_status status = tally__delta_prepare(&d, s->context, s, err);
    if (!status)
        status = read_store(&r, &d, err);
    tally__deltas_end(&d, 1);
    tally__delta_drop(&d);
    return status;
}
