/* function, floor 7: signature, trace cache, call and commit. Knows how to find or make the graph for a call and run it;
 * nothing of metric classes (to it a metric is a store with a schema). */
#ifndef TALLY__FUNCTION_H
#define TALLY__FUNCTION_H

#include <tally/function.h>
#include "../exec/exec.h"

/* ---- cache.c: a function and its versions, one per signature */
typedef struct tally__version tally__version;
struct tally__version {                     /* published once, then never changed but for its frames; lives as long as the function */
    tally__version           *next;         /* the one before */
    tally__graph             *graph;        /* as recorded */
    tally__plan              *plan;         /* what runs; NULL: the graph itself, node by node */
    tally_trace              *trace;        /* its small remains: a stale node still finds it */
    _Atomic(tally__frame *)   idle;         /* the frame that is at home here, NULL while a call has it */
    bool                      homed;        /* there is such a frame; under the function's lock */
    tally__frame             *spare;        /* more of them, where calls overlapped; likewise */
};
typedef struct tally__pending tally__pending;
struct tally__pending {                     /* a recording that runs, or that its body left by a jump */
    tally__pending  *next, **link;
    tally_trace     *trace;
    const void      *thread;                /* whose stack it runs on */
    uintptr_t        stack;                 /* how deep */
    bool             left;                  /* surely over: its stack frame is gone */
    int32_t          n_in;
    tally__argument *argument;              /* [n_in] behind this struct */
    tally__store   **store;                 /* [n_in] likewise; borrowed for the recording */
    uint64_t        *key;                   /* [n_in] likewise: of its schema */
    size_t           bytes;
};
#if defined TALLY_TINY_LIMITS
enum { TALLY__STALE_KEPT = 1 };
#else
enum { TALLY__STALE_KEPT = 8 };
#endif
struct tally_function {
    atomic_size_t             references;
    tally_context            *context;
    tally_body                body;
    void                     *user;
    void                    (*drop_user)(void *user);
    char                     *name;
    int32_t                   max_traces;
    unsigned                  passes;       /* of plans; 0: none, node by node */
    tally__isa                isa;          /* whose loops plans use */
    uint32_t                  block;        /* elements that their fused loops take at once */
    _Atomic(tally__version *) newest, last; /* last: of the latest call; only a guess */
    atomic_int                n_versions;
    tally__lock               lock;         /* guards publishing, pending, spare frames, failed */
    tally__pending           *pending;
    tally_trace              *failed[TALLY__STALE_KEPT];   /* remains of recordings that failed, the oldest gives way */
    uint32_t                  n_failed;
    tally_function           *next, **link; /* all functions of the context, under its lock */
    uint64_t                  trimmed;      /* the last trim that saw it */
};
tally_context  *tally__function_context(const tally_function *f);
/* for tests, before the first call: which passes make plans (0: run node by node), the loops of which instruction set, how many elements at once */
void            tally__function_tune(tally_function *f, unsigned passes, tally__isa isa, uint32_t block);
/* of trace i (oldest first); NULL beyond the last */
const tally__version *tally__version_at(const tally_function *f, int i);
/* the graph of trace i, for tests; NULL beyond the last */
const tally__graph *tally__function_graph(const tally_function *f, int i);
/* its plan, or NULL */
const tally__plan  *tally__function_plan(const tally_function *f, int i);

/* ---- record.c: a version for a call that none fits; verb: the caller's, for texts */
tally__version *tally__function_record(tally_function *f, const tally_value *in, int n_in, const char *verb, tally_error *err);
void            tally__pending_free(tally_function *f, tally__pending *p);

/* ---- frames.c: idle frames of a version; the functions of a context, for tally_context_trim */
tally__frame *tally__frame_take(tally_function *f, tally__version *v, tally_error *err);
void          tally__frame_spare(tally_function *f, tally__version *v, tally__frame *fr);
static inline void tally__frame_give(tally_function *f, tally__version *v, tally__frame *fr)
{
    if (fr->home)
        atomic_store_explicit(&v->idle, fr, memory_order_release);
    else
        tally__frame_spare(f, v, fr);
}
void          tally__functions_enter(tally_function *f);
void          tally__functions_leave(tally_function *f);

/* ---- signature.c */
static inline tally__store *tally__value_store(const tally_value *v) { return (tally__store *)(uintptr_t)v->p; }
tally_status    tally__arguments_check(const tally_value *in, int n_in, const char *verb, tally_error *err);
tally__argument tally__argument_of(const tally_value *v);            /* slot is left at -1 */
bool            tally__version_fits(const tally__version *v, const tally_value *in, int n_in);
tally__version *tally__version_find(tally_function *f, const tally_value *in, int n_in);   /* NULL: record one */
bool            tally__argument_same(const tally__argument *a, const tally__schema *sa, const tally__argument *b, const tally__schema *sb);
void            tally__put_argument(tally__text *t, const tally__argument *a, const tally__schema *s);   /* "f32 of rank 1", "metric Mean" */

/* ---- output.c: destinations. check: before anything runs; write: what can still fail, before the commit; settle: handles and sizes, after it */
tally_status tally__outputs_check(const tally__graph *g, const tally_value *in, int n_in, const tally_slot *out, int n_out, const char *verb, tally_error *err);
tally_status tally__outputs_write(const tally__frame *f, const tally_slot *out, int n_out, const char *verb, tally_error *err);
void         tally__outputs_settle(const tally__frame *f, const tally_slot *out, int n_out);

/* ---- call.c: as tally_call; verb is how the caller is named in texts ("Mean.update_state"), NULL: the function's name */
tally_status tally__call(tally_function *f, const tally_value *in, int n_in, const tally_slot *out, int n_out, const char *verb, tally_error *err);

#endif
