/* function: a body, recorded once per signature and called. */
#ifndef TALLY_FUNCTION_H
#define TALLY_FUNCTION_H
#include "graph.h"
TALLY_BEGIN_DECLS
typedef struct tally_function tally_function;
typedef struct tally_function_options { size_t size; tally_context *context; const char *name; int32_t max_traces, reserved; void (*drop_user)(void *user); } tally_function_options;
#define TALLY_FUNCTION_OPTIONS_INIT { sizeof(tally_function_options), NULL, NULL, 64, 0, NULL }
typedef enum tally_kind { TALLY_KIND_NONE, TALLY_KIND_TENSOR, TALLY_KIND_METRIC, TALLY_KIND_VARIABLE, TALLY_KIND_BUFFER, TALLY_KIND_F64, TALLY_KIND_F32, TALLY_KIND_I64, TALLY_KIND_METRIC_OUT } tally_kind;
typedef struct tally_value { const void *p; int32_t kind, reserved; } tally_value;
typedef struct tally_slot { void *p; int32_t kind, reserved; } tally_slot;
TALLY_API tally_function *tally_function_new(tally_body body, void *user, const tally_function_options *o, tally_error *err);
TALLY_API tally_function *tally_function_retain(tally_function *f);
TALLY_API void            tally_function_release(tally_function *f);
TALLY_API TALLY_CHECKED tally_status tally_call(tally_function *f, const tally_value *in, int n_in, const tally_slot *out, int n_out, tally_error *err);
TALLY_API TALLY_CHECKED tally_status tally_function_prepare(tally_function *f, const tally_value *in, int n_in, tally_error *err);
TALLY_API int    tally_function_traces(const tally_function *f);
TALLY_API size_t tally_function_dump(const tally_function *f, int trace, char *buf, size_t n);
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
