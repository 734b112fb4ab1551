/* function: a body, recorded once per signature and called as often as you like.
 *
 * The body is a C callback. It receives tensors and metrics as nodes and references, describes what to compute, and runs
 * only while it is recorded: once per combination of argument kinds, dtypes, ranks, metric classes and configurations,
 * and of which arguments are one and the same metric. Never once per batch size, never once per handle.
 *
 *     static void evaluate(tally_trace *t, void *user)
 *     {
 *         tally_metric_ref mean = tally_arg_metric(t, 1);
 *         tally_update_state(t, mean, tally_square(tally_arg(t, 0)));
 *         tally_return(t, tally_result(t, mean));
 *     }
 *     tally_function *f = tally_function_new(evaluate, NULL, NULL, &err);
 *     double now;
 *     if (tally_call(f, TALLY_IN(&x, mean), TALLY_OUT(&now), &err)) puts(err.text);
 */
#ifndef TALLY_FUNCTION_H
#define TALLY_FUNCTION_H
#include "graph.h"
TALLY_BEGIN_DECLS
typedef struct tally_function tally_function;
typedef struct tally_function_options {
    size_t size;               /* set by the initializer */
    tally_context *context;    /* NULL: a private one */
    const char *name;          /* in texts of errors; copied. NULL: "function" */
    int32_t max_traces;        /* signatures that may be recorded; at least 1 */
    int32_t reserved;
    void (*drop_user)(void *user);   /* called once, when the function dies */
} tally_function_options;
#define TALLY_FUNCTION_OPTIONS_INIT { sizeof(tally_function_options), NULL, NULL, 64, 0, NULL }
typedef enum tally_kind {
    TALLY_KIND_NONE, TALLY_KIND_TENSOR, TALLY_KIND_METRIC, TALLY_KIND_VARIABLE, TALLY_KIND_BUFFER, TALLY_KIND_F64,
    TALLY_KIND_F32, TALLY_KIND_I64, TALLY_KIND_METRIC_OUT
} tally_kind;
typedef struct tally_value { const void *p; int32_t kind, reserved; } tally_value;   /* an argument: TALLY_IN makes a list */
typedef struct tally_slot { void *p; int32_t kind, reserved; } tally_slot;           /* a destination: TALLY_OUT makes a list */

/** A function of this body.
 *
 *  In:      body       records; called with a trace and user, on the thread of the call that needs a recording. It must
 *                      record the same each time it sees the same arguments. It may call functions, and may leave by
 *                      longjmp or an exception: what it left is freed with the function (and a floating-point mode that
 *                      the caller had changed is then not put back).
 *           user       handed to the body; after a successful call of this, options.drop_user frees it
 *  Returns: the function, or NULL: INVALID_ARGUMENT (no body, max_traces below 1), RESOURCE_EXHAUSTED
 *  Owns:    the caller one reference, to be given to tally_function_release; the function retains its context and what
 *           its body captured. On failure user stays the caller's.
 *  Threads: any
 *  Source:  tf.function; sizes are never part of a signature, so there is no reduce_retracing
 */
TALLY_API tally_function *tally_function_new(tally_body body, void *user, const tally_function_options *o, tally_error *err);

/** One more reference to f.
 *
 *  Returns: f; NULL for NULL
 *  Threads: any
 */
TALLY_API tally_function *tally_function_retain(tally_function *f);

/** Gives a reference back; with the last one the function dies, and everything that its bodies captured is released.
 *
 *  Owns:    NULL is fine. No call of f may be running.
 *  Threads: any
 */
TALLY_API void            tally_function_release(tally_function *f);

/** Runs the body's program on these arguments: all of it, or nothing.
 *
 *  In:      in, n_in    TALLY_IN(&x, metric, variable ...): exactly as many as the body uses. Tensors are views; they are
 *                       neither copied nor written, and must stay as they are until the call returns.
 *           out, n_out  TALLY_OUT(&number, &buffer, &metric ...): one per return of the body, in order, or TALLY_NO_OUT.
 *                       double and float take any number (rounded to nearest); int64_t takes integers and bools, never a
 *                       float; a buffer needs the very dtype and gets its rank and shape set; a metric's place gets the
 *                       very handle that came in, borrowed. No destination may overlap an argument or another one.
 *  Returns: TALLY_OK
 *           INVALID_ARGUMENT     an argument or destination of the wrong kind, dtype or number, sizes that do not match,
 *                                a body that records nonsense: with the body's file and line
 *           OUT_OF_RANGE         an index, a loop limit, a buffer that is too small (with the capacity needed)
 *           FAILED_PRECONDITION  a tally_assert of the body; a state that no batch has built yet was read
 *           RESOURCE_EXHAUSTED   memory, more signatures than max_traces, a body that calls itself without end
 *           CANCELLED            the context's interrupt hook said so
 *           ABORTED              the call read and overwrote a state that another call changed meanwhile: repeat it
 *           On anything but TALLY_OK every state and variable is as it was; buffers and numbers are undefined.
 *  Owns:    nothing changes hands
 *  Threads: any number may call one function, on the same metrics too: each sees its metrics at one instant, and its
 *           changes become visible at once
 *  Cost:    no allocation once a call with this signature and no smaller sizes has run; no lock but the metrics' own
 *  Exact:   the states depend on the samples only, never on batches, order or threads
 *  Source:  calling a tf.function
 */
TALLY_API TALLY_CHECKED tally_status tally_call(tally_function *f, const tally_value *in, int n_in, const tally_slot *out, int n_out, tally_error *err);

/** Records the body for these arguments and takes the memory that a call needs, without running anything.
 *
 *  Returns: as tally_call, as far as nothing runs; a state that is not built yet is no error
 *  Threads: any
 *  Cost:    a later call of this signature and these sizes never records
 *  Source:  get_concrete_function
 */
TALLY_API TALLY_CHECKED tally_status tally_function_prepare(tally_function *f, const tally_value *in, int n_in, tally_error *err);

/** How many signatures have been recorded; 0 for NULL.
 *
 *  Threads: any
 *  Source:  experimental_get_tracing_count
 */
TALLY_API int    tally_function_traces(const tally_function *f);

/** The program of one recording as text, then its plan: what each pass did with it, and the steps as they run. "rows of n"
 *  is one pass over n rows, block by block, through all that stands below it; it loads what comes from outside and keeps
 *  what is needed whole behind it. At the right, what computes a line: loops of an instruction set, or the reference
 *  kernels. For people: the form of the text may change.
 *
 *  In:      trace  0 is the oldest
 *           buf    n bytes, or NULL with n 0; what does not fit is cut, the text is always terminated
 *  Returns: bytes that the whole text needs, its end included; 0 where there is no such recording
 *  Threads: any
 */
TALLY_API size_t tally_function_dump(const tally_function *f, int trace, char *buf, size_t n);

/** One recording, or its plan, as a picture in DOT, the language of Graphviz (`dot -Tsvg`): a box for each node with its line of
 *  tally_function_dump and what stands at the right of it, an edge from each operand. Loops, branches, and what a plan does row
 *  by row are clusters. A dashed edge leads from an effect to a later one that must keep behind it; updates of one state, which
 *  any order adds up alike, have none between them.
 *
 *  In:      trace  0 is the oldest
 *           plan   0: what the body recorded; else what runs
 *           buf    n bytes, or NULL with n 0; what does not fit is cut, the text is always terminated
 *  Returns: bytes that the whole text needs, its end included; 0: INVALID_ARGUMENT (NULL, no such recording) or
 *           RESOURCE_EXHAUSTED, and buf is ""
 *  Threads: any
 *  Cost:    one allocation, given back at once; finding the dashed edges of some hundred effects takes a second
 */
TALLY_API size_t tally_function_dot(const tally_function *f, int trace, int plan, char *buf, size_t n, tally_error *err);

/** All that is recorded, in the words of a person who wants to know what runs. Of each recording, the oldest first: the arguments
 *  that make its signature, and what the body captured; the states of its metrics and variables, with their kind, what sizes
 *  they have ("?": the first batch decides) and what the body does to them; the nodes before and after each pass and what it did;
 *  the steps as they run, as tally_function_dump shows them; the bytes that a call holds. The frame is there once for every call
 *  at the same time, slots are what its largest loop makes of a block, where a row is one element; values that are needed whole
 *  and states come on top. For people: the form of the text may change. It is the same on every machine but for the names of
 *  instruction sets (base, v3 is AVX2, v4 is AVX-512) and bytes.
 *
 *  In:      buf    n bytes, or NULL with n 0; what does not fit is cut, the text is always terminated
 *  Returns: bytes that the whole text needs, its end included; 0: INVALID_ARGUMENT (NULL) or RESOURCE_EXHAUSTED, and buf is "".
 *           Nothing recorded so far is no error: the text says so
 *  Threads: any; what is recorded meanwhile may be left out
 *  Cost:    one allocation for each recording, given back at once
 *  Source:  pretty_printed_concrete_signatures of a tf.function, and more
 */
TALLY_API size_t tally_function_describe(const tally_function *f, char *buf, size_t n, tally_error *err);

static inline tally_value tally__in_tensor(const tally_tensor *x) { tally_value v = { x, TALLY_KIND_TENSOR, 0 }; return v; }
static inline tally_value tally__in_metric(const tally_metric *x) { tally_value v = { x, TALLY_KIND_METRIC, 0 }; return v; }
static inline tally_value tally__in_variable(const tally_variable *x) { tally_value v = { x, TALLY_KIND_VARIABLE, 0 }; return v; }
static inline tally_slot tally__out_buffer(tally_buffer *x) { tally_slot v = { x, TALLY_KIND_BUFFER, 0 }; return v; }
static inline tally_slot tally__out_f64(double *x) { tally_slot v = { x, TALLY_KIND_F64, 0 }; return v; }
static inline tally_slot tally__out_f32(float *x) { tally_slot v = { x, TALLY_KIND_F32, 0 }; return v; }
static inline tally_slot tally__out_i64(int64_t *x) { tally_slot v = { x, TALLY_KIND_I64, 0 }; return v; }
static inline tally_slot tally__out_metric(tally_metric **x) { tally_slot v = { x, TALLY_KIND_METRIC_OUT, 0 }; return v; }
TALLY_END_DECLS
#ifdef __cplusplus
inline tally_value tally__in(const tally_tensor *x) { return tally__in_tensor(x); }
inline tally_value tally__in(const tally_metric *x) { return tally__in_metric(x); }
inline tally_value tally__in(const tally_variable *x) { return tally__in_variable(x); }
inline tally_slot tally__out(tally_buffer *x) { return tally__out_buffer(x); }
inline tally_slot tally__out(double *x) { return tally__out_f64(x); }
inline tally_slot tally__out(float *x) { return tally__out_f32(x); }
inline tally_slot tally__out(int64_t *x) { return tally__out_i64(x); }
inline tally_slot tally__out(tally_metric **x) { return tally__out_metric(x); }
template <class... A> tally__array<tally_value, sizeof...(A)> tally__ins(A... a) { return { { tally__in(a)... } }; }
template <class... A> tally__array<tally_slot, sizeof...(A)> tally__outs(A... a) { return { { tally__out(a)... } }; }
#define TALLY_IN(...)  tally__ins(__VA_ARGS__).v, TALLY__NARG(__VA_ARGS__)
#define TALLY_OUT(...) tally__outs(__VA_ARGS__).v, TALLY__NARG(__VA_ARGS__)
#else
#define TALLY__IN1(x) _Generic((x), tally_tensor *: tally__in_tensor, const tally_tensor *: tally__in_tensor, tally_metric *: tally__in_metric, tally_variable *: tally__in_variable)(x)
#define TALLY__OUT1(x) _Generic((x), tally_buffer *: tally__out_buffer, double *: tally__out_f64, float *: tally__out_f32, int64_t *: tally__out_i64, tally_metric **: tally__out_metric)(x)
#define TALLY_IN(...)  ((tally_value[]){ TALLY__MAP(TALLY__IN1, __VA_ARGS__) }), TALLY__NARG(__VA_ARGS__)
#define TALLY_OUT(...) ((tally_slot[]){ TALLY__MAP(TALLY__OUT1, __VA_ARGS__) }), TALLY__NARG(__VA_ARGS__)
#endif
#define TALLY_NO_OUT   NULL, 0
#endif
