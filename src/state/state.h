/* state, floor 3: what lives outside a computation. A store is a set of cells with one lock; a metric and a variable are
 * stores. Knows tensors and exact sums, nothing of graphs or classes: to this floor a class is a schema with opaque bytes. */
#ifndef TALLY__STATE_H
#define TALLY__STATE_H

#include <tally/state.h>
#include "../tensor/tensor.h"

#define TALLY__SWAP(T, a, b) do { T tally_swap_ = (a); (a) = (b); (b) = tally_swap_; } while (0)

/* ---- cell.c, state.def: one state. One row of state.def per kind gives reset value, merge, byte form. */
typedef struct tally__cell_spec {
    const char *name;
    int32_t     kind;                        /* tally_state_kind */
    int32_t     dtype;                       /* of a TENSOR; 0 otherwise */
    int32_t     rank;
    int64_t     shape[TALLY_MAX_RANK];       /* < 0: decided by the first update (TALLY_DIM_OPERAND) */
} tally__cell_spec;

typedef struct tally__block tally__block;    /* an immutable, counted tensor buffer; block.c */

typedef struct tally__cell {
    /* first, in one cache line, what an update of a scalar state touches */
    int32_t kind, dtype, rank;
    bool    number;                          /* a SUM of rank 0, the commonest state: in a store and in a delta always built */
    bool    built;                           /* every size is known and memory for n elements is there */
    bool    open;                            /* the schema leaves a size to the first update */
    bool    touched;                         /* something was accumulated or assigned since the last reset */
    bool    wide;                            /* SUM: sum[] holds the value, else whole[] does */
    bool    alone;                           /* number of a delta, not wide: its value is `lone`, and whole[0] is 0; never in a store */
    bool    listed;                          /* SUM of a delta, not wide: its value is what its entries add up to, and whole[] is 0; never in a store */
    bool    weighed;                         /* entries have units; else each adds 1 */
    int16_t unit;                            /* SUM of a delta, not wide: whole[] counts units of 2^unit, unit <= 0; in a store 0 */
    tally__guess guess;                      /* speed only */
    int64_t      n;                          /* elements */
    int64_t     *whole;                      /* SUM while every element is whole and fits; COUNT, read as unsigned, modulo 2^64 */
    tally__sum  *sum;                        /* SUM otherwise; kept (not freed) by reset */
    double       lone;                       /* the one value that is not whole; a second one widens the cell */
    double      *real;                       /* MIN, MAX: -0 below +0, one canonical NaN that stays until reset; LAST: -NaN before any */
    tally__block *block;                     /* TENSOR */
    int64_t shape[TALLY_MAX_RANK];           /* while unbuilt: the schema's, with its negative entries */
    int64_t *entry;                          /* the elements that entries go to, and, from room_entry on, how many units */
    int64_t n_entry, room_entry;
    int64_t bound;                           /* of a SUM of rank 1 or more: no |whole[k]|, or sum of |entries|, is greater */
    int64_t room, room_sum;                  /* elements that whole or real, and sum, have memory for (cells keep memory) */
    int64_t want, want_sum;                  /* what tally__cell_grow shall provide: noted under a lock, taken outside it */
} tally__cell;

/* The values of a cell. Memory comes from the context that is passed (a store's own, or the frame's). */
void         tally__cell_init(tally__cell *c, const tally__cell_spec *spec);       /* unbuilt, no memory */
/* a TENSOR gets a block of zeros */
tally_status tally__cell_build(tally__cell *c, tally_context *x, const int64_t *shape, tally_error *err);
void         tally__cell_drop(tally__cell *c, tally_context *x);                   /* all memory; as after init, whose sizes it keeps if built */
void         tally__cell_reset(tally__cell *c);                                    /* keeps memory and sizes; a TENSOR keeps its value */
static inline void tally__cell_empty(tally__cell *c)                               /* the same for a cell of a delta, at its shortest for one number */
{
    if (!c->number) {
        tally__cell_reset(c);
        return;
    }
    c->touched = c->wide = c->alone = false;
    *c->whole = 0;
}
/* state += sum of w*v over the leading axes. The last c->rank axes of value are the cell's, in order; weight and mask are absent (NULL) or align
 * with value from the left (rank <= value's; equal sizes, or 1 which repeats). Where mask is false nothing is read. An absent weight never multiplies;
 * a product is fl64(w*v); a weight of exactly 1 adds v itself. value: any dtype, or TALLY__EXACT. COUNT: + number of v != 0 with w absent or != 0.
 * MIN, MAX: of v where w is absent or != 0. Fails only for memory, and then the cell is undefined (a delta is thrown away). Zero rows: nothing,
 * the cell is not even touched. Not for a TENSOR. */
tally_status tally__cell_accumulate(tally__cell *c, tally_context *x, const tally_tensor *value, const tally_tensor *weight,
                                    const tally_tensor *mask, tally_error *err);
/* the same of one float64 scalar, and of the value 1 n times (n >= 0), without weight and mask. The cell has rank 0 */
tally_status tally__cell_add_one(tally__cell *c, tally_context *x, double v, tally_error *err);
tally_status tally__cell_add_ones(tally__cell *c, tally_context *x, int64_t n, tally_error *err);
/* for every element e of index, state[e's index] += w*v. Indices count through the axes of the state from `axis` on, in row-major order; one outside
 * adds nothing. The axes before are the last of index. weight and mask align with index from the left as above; value has index's shape or rank 0 */
tally_status tally__cell_scatter(tally__cell *c, tally_context *x, int axis, const tally_tensor *index, const tally_tensor *value,
                                 const tally_tensor *weight, const tally_tensor *mask, tally_error *err);
/* element k: SUM and COUNT exactly, MIN and MAX as the sum that holds the double (an infinite one too) */
void         tally__cell_get(const tally__cell *c, int64_t k, tally__sum *out);
double       tally__cell_round(const tally__cell *c, int64_t k);                   /* nearest double */

/* inside the floor */
/* n values for one element. w, m: NULL or aligned with v; strides in elements, 0 repeats */
typedef struct tally__addends {
    const char *v, *w, *m;
    int32_t     dv, dw, dm;
    int64_t     sv, sw, sm;
    size_t      n;
} tally__addends;
tally_status tally__cell_add_run(tally__cell *c, tally_context *x, int64_t k, const tally__addends *r, tally_error *err);
void         tally__load_doubles(double *to, const char *p, int32_t dtype, int64_t stride, size_t n);
tally_status tally__cell_to_words(tally__cell *c, tally_context *x, tally_error *err);    /* SUM: memory, then wide */
tally_status tally__cell_room_entries(tally__cell *c, tally_context *x, tally_error *err);  /* for scatter into a large state */
static inline int64_t tally__entry_units(const tally__cell *c, int64_t i) { return c->weighed ? c->entry[c->room_entry + i] : 1; }
void         tally__cell_unlist(tally__cell *c);                                          /* its entries go into whole[], where they fit */
int64_t      tally__cell_size(int rank, const int64_t *shape);                     /* elements; -1: a size is open, or too many for memory */
void         tally__cell_shape(tally__cell *c, const int64_t *shape);              /* sizes only: the caller has seen to the memory */
bool         tally__cell_fits(const tally__cell *c, const int64_t *shape);         /* as built, or as the schema allows while unbuilt */
tally_status tally__cell_grow(tally__cell *c, tally_context *x, tally_error *err); /* room >= want, room_sum >= want_sum; values are lost where it grows */
tally_status tally__cell_room_wide(tally__cell *c, tally_context *x, tally_error *err);   /* SUM: memory for sum[] */
void         tally__cell_widen(tally__cell *c);                                    /* SUM: sum[] holds the value from now on; memory is there */
bool         tally__cell_overflows(const tally__cell *into, const tally__cell *from);     /* merging two SUMs that are not wide needs sum[] */
/* equal sizes, memory is there (sum[] if either is wide or they overflow); not for a TENSOR */
void         tally__cell_merge(tally__cell *into, const tally__cell *from);
/* the same, and memory is seen to; into is built */
tally_status tally__cell_take_in(tally__cell *into, tally_context *x, const tally__cell *from, tally_error *err);
tally_status tally__cell_negate(tally__cell *c, tally_context *x, tally_error *err);      /* merging it then takes away what it held; its kind can */
void         tally__cell_merge_sum(tally__cell *into, const tally__cell *from);    /* the same, of SUMs */
bool         tally__cell_holds(tally__cell *to, const tally__cell *from);          /* memory for a copy is there; else notes it in want */
void         tally__cell_copy(tally__cell *to, const tally__cell *from);           /* after _holds; a TENSOR shares the block */
bool         tally__cell_same(const tally__cell *a, const tally__cell *b);         /* equal states, however they are held */
void         tally__cell_get2(const tally__cell *a, const tally__cell *b, int64_t k, tally__sum *out);   /* merged; NULL or unbuilt: neutral */

/* kind.c: the rows of state.def */
enum { TALLY__HELD_WHOLE, TALLY__HELD_REAL, TALLY__HELD_BLOCK };                   /* which memory of a cell holds a kind */
typedef struct tally__kind {
    const char *name;                        /* "sum" */
    int         held;
    double      reset;                       /* value of an element */
    size_t      least;                       /* bytes that an element takes at least */
    void   (*merge)(tally__cell *into, const tally__cell *from);                   /* NULL: has no merge */
    void   (*negate)(tally__cell *c);                                              /* NULL: has no inverse. SUM: -value fits, or sum[] is there */
    bool   (*same)(const tally__cell *a, const tally__cell *b);
    void   (*get)(const tally__cell *a, const tally__cell *b, int64_t k, tally__sum *out);
    size_t (*pack)(const tally__cell *c, uint8_t *out);                            /* bytes of all elements; out may be NULL */
    /* fills a built cell; bytes read into *used. false: damaged (then *status is TALLY_OK), or no memory */
    bool   (*unpack)(tally__cell *c, tally_context *x, const uint8_t *in, size_t n, size_t *used, tally_status *status, tally_error *err);
} tally__kind;
extern const tally__kind tally__kind_row[TALLY_STATE_TENSOR + 1];
static inline const tally__kind *tally__kind_of(int32_t kind)                      /* NULL for an unknown one */
{
    return kind >= TALLY_STATE_SUM && kind <= TALLY_STATE_TENSOR ? &tally__kind_row[kind] : NULL;
}
static inline void tally__put_le(uint8_t *out, uint64_t v, size_t bytes) { for (size_t i = 0; i < bytes; i++) out[i] = (uint8_t)(v >> 8 * i); }
static inline uint64_t tally__get_le(const uint8_t *in, size_t bytes)
{
    uint64_t v = 0;
    for (size_t i = 0; i < bytes; i++) v |= (uint64_t)in[i] << 8 * i;
    return v;
}
/* whole.c: adds as many of n values as are whole, in blocks, while the total fits; how many */
size_t tally__whole_prefix(int64_t *into, int32_t dtype, const void *p, int64_t stride, size_t n);
/* whole and below 2^51: no bit of the fraction below the unit. From bits, which is half as long a wait as a conversion to and fro */
static inline bool tally__whole_takes(double v)
{
    const uint64_t u = tally__f64_bits(v);
    const int      exponent = (int)(u >> 52 & 2047) - 1023;
    return exponent < 0 ? u << 1 == 0 : exponent < 51 && u << (12 + exponent) == 0;
}
static inline bool tally__whole_fits(int64_t a, int64_t b)                         /* their sum has the sign of one of them */
{
    const uint64_t u = (uint64_t)a, v = (uint64_t)b, sum = u + v;
    return !(((u ^ sum) & (v ^ sum)) >> 63);
}
static inline bool tally__whole_add(int64_t *into, int64_t v)                      /* false: would not fit; nothing added */
{
    const bool fits = tally__whole_fits(*into, v);
    if (fits)
        *into += v;
    return fits;
}
/* MIN and MAX: into, once v was seen. -0 is below +0; NaN stays */
double tally__least(double into, double v);
double tally__most(double into, double v);
/* LAST: v as it is kept, and whether that stands for nothing yet */
static inline double tally__last(double v) { return v == v ? v : tally__f64_from((uint64_t)0x7ff8 << 48); }
static inline bool   tally__last_none(double kept) { return kept != kept && tally__f64_bits(kept) >> 63; }

/* block.c. Whoever lets go of the last reference hands the block to the store's pool, so a steady state allocates none. */
struct tally__block {
    atomic_size_t references;
    tally__block *next;                      /* in a pool, or retired in a delta */
    size_t        bytes;                     /* of data */
    void         *data;                      /* 64-aligned, behind this struct */
};
struct tally__store;
tally__block *tally__block_new(tally_context *x, size_t bytes);
void          tally__block_retain(tally__block *b);
void          tally__block_free(tally__block *b, tally_context *x);                /* lets go of one reference, frees with the last; NULL is fine */
tally__block *tally__block_take(struct tally__store *s, size_t bytes);             /* from the pool, else new; NULL without memory */
void          tally__block_give(tally__block *b, struct tally__store *s);          /* lets go of one reference, pools with the last; NULL is fine */

/* ---- schema.c: what stores of one class and configuration share; immutable, counted */
typedef enum tally__what { TALLY__METRIC = 1, TALLY__VARIABLE } tally__what;
typedef struct tally__schema {
    atomic_size_t     references;
    tally_context    *context;
    tally__what       what;
    const char       *class_name;            /* "Mean"; "variable" */
    int               n_cells;
    tally__cell_spec *spec;                  /* names are copied too */
    const void       *opaque;                /* floor 8's class and configuration, copied, 16-aligned */
    size_t            opaque_size;
    uint64_t          key;                   /* hash of all that makes two stores interchangeable in one trace (this process) */
    uint64_t          fingerprint;           /* the same without pointers: equal on every machine, goes into packed bytes */
    const void       *key_bytes, *print_bytes;
    size_t            key_n, print_n;
    size_t            bytes;                 /* of this allocation, which holds all of the above */
} tally__schema;
/* key_bytes: what floor 8 wants compared for the key beside spec (may hold function pointers); print_bytes: the same for the fingerprint */
tally__schema *tally__schema_new(tally_context *x, tally__what what, const char *class_name, int n_cells, const tally__cell_spec *spec,
                                 const void *opaque, size_t opaque_size, const void *key_bytes, size_t key_n,
                                 const void *print_bytes, size_t print_n, tally_error *err);
void tally__schema_retain(tally__schema *s);
void tally__schema_release(tally__schema *s);
bool tally__schema_same(const tally__schema *a, const tally__schema *b);  /* pointer, else key and everything it was made of */

/* ---- store.c: tally_metric and tally_variable are this struct */
/* what floor 8 keeps for a context as long as it has a metric (its eager functions): every store holds a share */
typedef struct tally__companion {
    atomic_size_t references;
    void        (*drop)(struct tally__companion *c);
} tally__companion;
typedef struct tally__store {
    atomic_size_t  references;
    tally_context *context;                  /* stored memory comes from here */
    tally__schema *schema;
    char          *name;                     /* copied; the metric's or variable's own */
    tally__lock    lock;                     /* guards what follows */
    uint64_t       commits;                  /* number of commits so far, resets included */
    tally__cell   *cell;                     /* schema->n_cells */
    tally__block  *pool;                     /* blocks without a holder, for the next assign */
    tally__companion *companion;             /* set once by floor 8 before anybody else sees the store; NULL is fine */
    size_t         bytes;                    /* of this allocation: the struct, the cells, the name */
} tally__store;
/* "Mean \"loss\"", "variable": how errors call it */
void          tally__store_title(const tally__store *s, char *out, size_t n);
static inline tally__store *tally__store_of_metric(const tally_metric *m) { return (tally__store *)(uintptr_t)m; }
static inline tally__store *tally__store_of_variable(const tally_variable *v) { return (tally__store *)(uintptr_t)v; }
/* cells whose sizes the schema fixes are built at once. The schema is retained. context: retained */
tally__store *tally__store_new(tally_context *x, tally__schema *schema, const char *name, tally_error *err);
void          tally__store_retain(tally__store *s);
void          tally__store_release(tally__store *s);
tally_status  tally__store_reset(tally__store *s);                        /* one commit; cannot fail */
bool          tally__store_same(tally__store *a, tally__store *b);         /* one schema, equal states at one instant */
tally__store *tally__store_clone(tally__store *s, tally_error *err);      /* same context, schema, name; own cells */
/* clones of all at one instant (all locks held together, in address order) */
tally_status  tally__store_snapshot(tally__store *const *s, int n, tally__store **out, tally_error *err);
/* bytes.c: canonical bytes: magic, version, fingerprint, cells, checksum. Equal states give equal bytes on every machine. Returns the bytes needed;
 * writes only if n suffices. unpack: DATA_LOSS for damage, INVALID_ARGUMENT for bytes of another class; nothing changed on error */
size_t        tally__store_pack(tally__store *s, void *buf, size_t n);
tally_status  tally__store_unpack(tally__store *s, const void *buf, size_t n, tally_error *err);
uint64_t      tally__store_fingerprint(tally__store *s);                   /* of schema and state; the same on every machine */
/* sizes of cell i as built now, under the lock: the rank, or -1 while unbuilt */
int           tally__store_shape(tally__store *s, int i, int64_t shape[TALLY_MAX_RANK]);

/* merge.c: n different targets take what `sources` sources have for them, or (away) give it back; source i's for target k is from[i * n + k].
 * The sources are taken at one instant. One commit; all or nothing */
tally_status  tally__stores_merge(tally__store *const *into, int n, tally__store *const *from, int sources, bool away, tally_error *err);
static inline tally_status tally__store_merge(tally__store *into, tally__store *const *from, int n, tally_error *err)
{
    return tally__stores_merge(&into, 1, from, n, false, err);
}

/* ---- link.c: several stores at one instant: their locks, each once, in address order */
typedef struct tally__link {
    struct tally__link *next;
    tally__store  *store;
    tally_context *context;                  /* pays for to */
    tally__cell   *to;                       /* [n_cells] what a copy fills */
    uint64_t       seen;                     /* store->commits when it was copied */
} tally__link;
void         tally__links_add(tally__link **list, tally__link *l);        /* keeps address order; a store may come twice */
void         tally__links_lock(tally__link *list);
void         tally__links_unlock(tally__link *list);
tally_status tally__links_copy(tally__link *list, tally_error *err);      /* no allocation under a lock: look, let go, allocate, look again */

/* ---- delta.c, commit.c: what one call does to one store. All effects compose to (reset?, delta); a read gives the copy plus the call's own effects */
typedef struct tally__delta {
    tally_context *context;                  /* pays for copy and cell (the frame's); borrowed, as store and schema are */
    tally__schema *schema;                   /* of store: valid while a call runs; between calls it is compared, never followed */
    tally__store  *store;                    /* of the call that runs; borrowed */
    bool           reads;                    /* set by the caller before begin: this call may read the store */
    bool           effects;                  /* there is something to commit */
    bool           more;                     /* than numbers added: sizes bound, other cells touched, a reset, an assign */
    bool           did_read, did_reset;      /* did_read: a read saw the store (one after an own reset or assign sees the call alone) */
    bool           did_assign;               /* a TENSOR was assigned */
    bool           replaces;                 /* unpack: cell is the whole new state */
    bool           handed;                   /* a view of this call's own block was given out */
    bool           lacks;                    /* validate found that reserve does not suffice */
    bool           reserved;                 /* reserve holds memory */
    uint64_t       seen;                     /* store->commits when it was copied */
    tally__cell   *copy;                     /* [n_cells] the store as this call sees it, without its own effects */
    tally__cell   *cell;                     /* [n_cells] what this call adds, since its reset if it did one */
    tally__cell   *reserve;                  /* [n_cells] memory of the store's context that apply may hand over; empty outside commit */
    tally__block  *retired;                  /* own blocks that were replaced while views of them may live */
    tally__link    link;
    int            n_cells;
    uint64_t       key;                      /* of the schema the memory was made for */
} tally__delta;
/* memory for a store of this schema, taken once and kept between calls (d is all zero before the first time) */
tally_status tally__delta_prepare(tally__delta *d, tally_context *frame_context, tally__store *s, tally_error *err);
void         tally__delta_drop(tally__delta *d);
/* Start of a call: deltas empty; stores with `reads` are copied together, under their locks: one instant. No allocation under a lock. After a commit
 * that only added, which has emptied them itself, there is nothing to do. */
tally_status tally__deltas_renew(tally__delta *d, int n, tally_error *err);   /* of begin, where there is */
static inline tally_status tally__deltas_begin(tally__delta *d, int n, tally_error *err)
{
    for (int i = 0; i < n; i++)
        if (d[i].reads | d[i].effects | d[i].more | d[i].did_read)
            return tally__deltas_renew(d, n, err);
    return TALLY_OK;
}
/* sizes of an unbuilt cell as this call binds them; a cell already built must agree, else INVALID_ARGUMENT naming metric, state, both sizes */
tally_status tally__delta_build(tally__delta *d, int cell, const int64_t *shape, tally_error *err);
/* effects of the call, in program order */
void         tally__delta_reset(tally__delta *d);
tally_status tally__delta_accumulate(tally__delta *d, int cell, const tally_tensor *value, const tally_tensor *weight,
                                     const tally_tensor *mask, tally_error *err);
tally_status tally__delta_scatter(tally__delta *d, int cell, int axis, const tally_tensor *index, const tally_tensor *value,
                                  const tally_tensor *weight, const tally_tensor *mask, tally_error *err);   /* the cell is built */
tally_status tally__delta_one_more(tally__delta *d, int cell, double v, tally_error *err);     /* of add_one, where there is more to it */
tally_status tally__delta_count_more(tally__delta *d, int cell, int64_t n, tally_error *err);  /* of count */
/* The bits of tally__delta_accumulate for one float64 scalar, without weight and mask, at the cost of storing it where the cell is a SUM that the
 * call has not touched. The cell is a SUM, COUNT, MIN or MAX of rank 0. A float32, and an integer of up to 53 bits, may come as the float64 it is. */
static inline tally_status tally__delta_add_one(tally__delta *d, int cell, double v, tally_error *err)
{
    tally__cell *c = &d->cell[cell];
    if (!c->number || c->touched)
        return tally__delta_one_more(d, cell, v, err);
    c->touched = d->effects = true;
    if (tally__whole_takes(v))
        *c->whole = (int64_t)v;
    else
        c->alone = true, c->lone = v;
    return TALLY_OK;
}
/* the same for the value 1, n times; n >= 0, and for 0 nothing happens. Costs the same for any n */
static inline tally_status tally__delta_count(tally__delta *d, int cell, int64_t n, tally_error *err)
{
    tally__cell *c = &d->cell[cell];
    if (!c->number || c->touched || !n)
        return tally__delta_count_more(d, cell, n, err);
    c->touched = d->effects = true;
    *c->whole = n;
    return TALLY_OK;
}
/* TENSOR; same dtype and sizes, else INVALID_ARGUMENT; any strides; value may be a view that tally__delta_tensor gave */
tally_status tally__delta_assign(tally__delta *d, int cell, const tally_tensor *value, tally_error *err);
/* reads: element k of a SUM or COUNT cell exactly (MIN, MAX as the sum that holds the double) */
void         tally__delta_read(tally__delta *d, int cell, int64_t k, tally__sum *out);
tally_tensor tally__delta_tensor(tally__delta *d, int cell);     /* TENSOR: a view that lives until the call ends */
/* the same copied to dense memory: for loops that read and assign, where a view per round would keep a block per round until the call ends */
void         tally__delta_tensor_copy(tally__delta *d, int cell, void *dst);
int64_t      tally__delta_elements(const tally__delta *d, int cell, int64_t shape[TALLY_MAX_RANK]);   /* -1 while unbuilt */
/* the five steps: reserve, lock, validate, apply, unlock (DESIGN 5.7). ABORTED: a store that this call did read and did overwrite (reset, assign) has
 * new commits. INVALID_ARGUMENT: sizes built meanwhile differ. All or nothing; never retried here except when a reservation no longer suffices. */
tally_status tally__commit(tally_context *x, tally__delta *d, int n, tally_error *err);
/* settle.c: steps of a commit for one delta, whatever it holds */
tally_status tally__settle_reserve(tally__delta *d, tally_error *err);    /* the memory that validate missed; no lock is held */
tally_status tally__settle_validate(tally__delta *d, tally_error *err);   /* sets d->lacks */
void         tally__settle_apply(tally__delta *d);
void         tally__settle_drop(tally__delta *d);                         /* what is left of the reserve */
void         tally__delta_give(tally__delta *d);                 /* of end, where blocks may be held */
static inline void tally__deltas_end(tally__delta *d, int n)     /* lets go of what the call held (views of variables); keeps memory */
{
    for (int i = 0; i < n; i++)
        if (d[i].reads | d[i].did_assign)
            tally__delta_give(&d[i]);
}
/* part.c: a prepared, empty delta that another thread fills: a cell with the sizes of the whole's, and all memory that adding may need.
 * merge: what the part holds goes into the whole, exactly; the part is empty after it */
tally_status tally__delta_part(tally__delta *part, const tally__delta *whole, int cell, tally_error *err);
tally_status tally__delta_part_merge(tally__delta *whole, tally__delta *part, int cell, tally_error *err);

/* ---- recent.c: a store that holds the sum of the last contributions, and these, packed. One thread at a time; the total may be read by any */
typedef struct tally__contribution {
    int64_t rows;
    size_t  at, bytes;                       /* in the ring of bytes */
} tally__contribution;
typedef struct tally__recent {
    tally__store *total;                     /* owned */
    tally__cell  *next;                      /* [n_cells] the total in the making; after it the one before */
    tally__cell  *one;                       /* [n_cells] a contribution unpacked */
    tally__cell  *back;                      /* [n_cells] kinds without an inverse: what the contributions behind the turned ones come to */
    tally__contribution *list;               /* a ring; index 0 is the oldest */
    int64_t       first, n, room;
    int64_t       turned;                    /* so many of the oldest hold, for kinds without an inverse, what they and all later turned ones come to */
    int64_t       rows;                      /* of all */
    uint8_t      *bytes;                     /* a ring whose entries lie in one piece each */
    size_t        bytes_room, bytes_used;
} tally__recent;
tally_status tally__recent_init(tally__recent *r, tally__store *total, tally_error *err);   /* takes the reference, also where it fails */
void         tally__recent_drop(tally__recent *r);
/* what part holds comes in; the oldest leave while more than `most` are there or those after them have `rows_kept` rows or more (0: no limit).
 * One commit of the total; on error nothing changed */
tally_status tally__recent_add(tally__recent *r, const tally__store *part, int64_t rows, int64_t most, int64_t rows_kept, tally_error *err);
void         tally__recent_reset(tally__recent *r);                                        /* keeps memory */

/* ---- variable.c: the public face of a TENSOR store (tally/state.h). dtype and sizes are fixed by the initial value */

#endif
