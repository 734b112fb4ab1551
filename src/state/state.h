/* state, floor 3: what lives outside a computation. A store is a set of cells with one lock; a metric and a variable are
 * stores. Knows tensors and exact sums, nothing of graphs or classes: to this floor a class is a schema with opaque bytes. */
#ifndef TALLY__STATE_H
#define TALLY__STATE_H

#include <tally/state.h>
#include "../tensor/tensor.h"

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
    int32_t kind, dtype, rank;
    bool    built;                           /* every size is known and memory for n elements is there */
    bool    wide;                            /* SUM: sum[] holds the value, else whole[] does */
    int64_t shape[TALLY_MAX_RANK], n;        /* n: elements */
    int64_t    *whole;                       /* SUM while every element is whole and fits, and COUNT */
    tally__sum *sum;                         /* SUM otherwise; kept (not freed) by reset */
    double     *real;                        /* MIN, MAX: -0 below +0, one canonical NaN that stays until reset */
    tally__block *block;                     /* TENSOR */
    tally__guess guess;                      /* speed only */
} tally__cell;

/* The values of a cell. Memory comes from the context that is passed (a store's own, or the frame's). */
void         tally__cell_init(tally__cell *c, const tally__cell_spec *spec);       /* unbuilt, no memory */
tally_status tally__cell_build(tally__cell *c, tally_context *x, const int64_t *shape, tally_error *err);
void         tally__cell_drop(tally__cell *c, tally_context *x);
void         tally__cell_reset(tally__cell *c);                                    /* keeps memory and sizes */
/* state += sum of w*v over the leading axes. The last c->rank axes of value are the cell's, in order; weight and mask are absent (NULL) or align
 * with value from the left (rank <= value's; equal sizes, or 1 which repeats). Where mask is false nothing is read. An absent weight never multiplies;
 * a product is fl64(w*v); a weight of exactly 1 adds v itself. value: any dtype, or TALLY__EXACT. COUNT: + number of v != 0 with w absent or != 0.
 * MIN, MAX: of v where w is absent or != 0. Fails only for memory, and then the cell is undefined (a delta is thrown away). */
tally_status tally__cell_accumulate(tally__cell *c, tally_context *x, const tally_tensor *value, const tally_tensor *weight,
                                    const tally_tensor *mask, tally_error *err);
/* element k: SUM and COUNT exactly, MIN and MAX as the sum that holds the double (an infinite one too) */
void         tally__cell_get(const tally__cell *c, int64_t k, tally__sum *out);
double       tally__cell_round(const tally__cell *c, int64_t k);                   /* nearest double */

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
} tally__schema;
/* key_bytes: what floor 8 wants compared for the key beside spec (may hold function pointers); print_bytes: the same for the fingerprint */
tally__schema *tally__schema_new(tally_context *x, tally__what what, const char *class_name, int n_cells, const tally__cell_spec *spec,
                                 const void *opaque, size_t opaque_size, const void *key_bytes, size_t key_n,
                                 const void *print_bytes, size_t print_n, tally_error *err);
void tally__schema_retain(tally__schema *s);
void tally__schema_release(tally__schema *s);
bool tally__schema_same(const tally__schema *a, const tally__schema *b);  /* pointer, else key and everything it was made of */

/* ---- store.c: tally_metric and tally_variable are this struct */
typedef struct tally__store {
    atomic_size_t  references;
    tally_context *context;                  /* stored memory comes from here */
    tally__schema *schema;
    char          *name;                     /* copied; the metric's or variable's own */
    tally__lock    lock;                     /* guards what follows */
    uint64_t       commits;                  /* number of commits so far, resets included */
    tally__cell   *cell;                     /* schema->n_cells */
} tally__store;
static inline tally__store *tally__store_of_metric(const tally_metric *m) { return (tally__store *)(uintptr_t)m; }
static inline tally__store *tally__store_of_variable(const tally_variable *v) { return (tally__store *)(uintptr_t)v; }
/* cells whose sizes the schema fixes are built at once. The schema is retained. context: retained */
tally__store *tally__store_new(tally_context *x, tally__schema *schema, const char *name, tally_error *err);
void          tally__store_retain(tally__store *s);
void          tally__store_release(tally__store *s);
tally_status  tally__store_reset(tally__store *s);                        /* one commit; cannot fail */
tally_status  tally__store_merge(tally__store *into, tally__store *const *from, int n, tally_error *err);   /* one commit; all or nothing */
tally__store *tally__store_clone(tally__store *s, tally_error *err);      /* same context, schema, name; own cells */
/* clones of all at one instant (all locks held together, in address order) */
tally_status  tally__store_snapshot(tally__store *const *s, int n, tally__store **out, tally_error *err);
/* canonical bytes: magic, version, fingerprint, cells, checksum. Equal states give equal bytes on every machine. Returns the bytes needed;
 * writes only if n suffices. unpack: DATA_LOSS for damage, INVALID_ARGUMENT for bytes of another class; nothing changed on error */
size_t        tally__store_pack(tally__store *s, void *buf, size_t n);
tally_status  tally__store_unpack(tally__store *s, const void *buf, size_t n, tally_error *err);
/* sizes of cell i as built now, under the lock: the rank, or -1 while unbuilt */
int           tally__store_shape(tally__store *s, int i, int64_t shape[TALLY_MAX_RANK]);

/* ---- delta.c, commit.c: what one call does to one store. All effects compose to (reset?, delta); a read gives the copy plus the call's own effects */
typedef struct tally__delta {
    tally_context *context;                  /* pays for copy and cell (the frame's) */
    tally__schema *schema;                   /* what the memory below was made for */
    tally__store  *store;                    /* of the call that runs; borrowed */
    bool           reads;                    /* set by the caller before begin: this call may read the store */
    bool           did_read, did_reset, did_update;
    uint64_t       seen;                     /* store->commits when it was copied */
    tally__cell   *copy;                     /* [n_cells] the store as this call sees it, without its own effects */
    tally__cell   *cell;                     /* [n_cells] what this call adds, since its reset if it did one */
    /* further fields for reservation and spare memory belong to delta.c and commit.c */
    tally__cell   *reserve;                  /* [n_cells] memory that apply may hand to the store (of the store's context) */
} tally__delta;
/* memory for a store of this schema, taken once and kept between calls (d is all zero before the first time) */
tally_status tally__delta_prepare(tally__delta *d, tally_context *frame_context, tally__store *s, tally_error *err);
void         tally__delta_drop(tally__delta *d);
/* start of a call: deltas empty; stores with `reads` are copied together, under their locks: one instant. No allocation under a lock */
tally_status tally__deltas_begin(tally__delta *d, int n, tally_error *err);
/* sizes of an unbuilt cell as this call binds them; a cell already built must agree, else INVALID_ARGUMENT naming metric, state, both sizes */
tally_status tally__delta_build(tally__delta *d, int cell, const int64_t *shape, tally_error *err);
/* effects of the call, in program order */
void         tally__delta_reset(tally__delta *d);
tally_status tally__delta_accumulate(tally__delta *d, int cell, const tally_tensor *value, const tally_tensor *weight,
                                     const tally_tensor *mask, tally_error *err);
tally_status tally__delta_assign(tally__delta *d, int cell, const tally_tensor *value, tally_error *err);  /* TENSOR; same dtype and sizes; any strides */
/* reads: element k of a SUM or COUNT cell exactly (MIN, MAX as the sum that holds the double) */
void         tally__delta_read(tally__delta *d, int cell, int64_t k, tally__sum *out);
tally_tensor tally__delta_tensor(tally__delta *d, int cell);     /* TENSOR: a view that lives until the call ends */
int64_t      tally__delta_elements(const tally__delta *d, int cell, int64_t shape[TALLY_MAX_RANK]);   /* -1 while unbuilt */
/* the five steps: reserve, lock, validate, apply, unlock (DESIGN 5.7). ABORTED: a store that this call did read and did overwrite (reset, assign) has
 * new commits. INVALID_ARGUMENT: sizes built meanwhile differ. All or nothing; never retried here except when a reservation no longer suffices. */
tally_status tally__commit(tally_context *x, tally__delta *d, int n, tally_error *err);
void         tally__deltas_end(tally__delta *d, int n);          /* lets go of what the call held (views of variables); keeps memory */

/* ---- variable.c: the public face of a TENSOR store (tally/state.h). dtype and sizes are fixed by the initial value */

#endif
