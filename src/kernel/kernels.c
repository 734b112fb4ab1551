/* kernels: a loop per row of ops.def, type and form of operands, and a cast per pair of types. Plain C that compilers
 * vectorise, compiled once per instruction set with another TALLY__KERNEL_SET. The meanings are those of the reference
 * kernels, operation for operation, so the bits are the same. */
#include "kernel.h"
#include "../graph/math.h"

#if !defined TALLY__KERNEL_SET
#define TALLY__KERNEL_SET base
#endif
#define KERNEL_TEXT_(x) #x
#define KERNEL_TEXT(x) KERNEL_TEXT_(x)
#define KERNEL_JOIN__(a, b, c) a##_##b##_##c
#define KERNEL_JOIN_(a, b, c) KERNEL_JOIN__(a, b, c)
#define KERNEL_SET_NAME_(a, b) a##b
#define KERNEL_SET_NAME(a, b) KERNEL_SET_NAME_(a, b)

typedef uint8_t truth;                 /* of bool results, to tell them from numbers */
enum { COUNT_PART = UINT16_MAX };      /* of these, so many at once when they are counted */

/* ---- elementwise. `form` names the operands: v dense, s one value */
#define NAMED(name, form) KERNEL_JOIN_(name, S, form)
#define LOOP(function, R, operands, elements, ...)                                                     \
    static void function(void *restrict out, const void *restrict x, const void *restrict y,            \
                         const void *restrict z, size_t n)                                             \
    {                                                                                                  \
        R *restrict r = out;                                                                           \
        (void)y, (void)z;                                                                              \
        operands                                                                                       \
        for (size_t i = 0; i < n; i++) {                                                               \
            elements                                                                                   \
            r[i] = (R)(__VA_ARGS__);                                                                   \
        }                                                                                              \
    }
#define DENSE(k, p) const T *k##_at = p;
#define EACH(k) const T k = LOAD(k##_at[i]); (void)k;
#define ONE(k, p) const T *k##_at = p; const T k = LOAD(*k##_at); (void)k;
#define KERNEL_1(name, R, ...) LOOP(NAMED(name, v), R, DENSE(a, x), EACH(a), __VA_ARGS__)
#define KERNEL_2(name, R, ...)                                                                         \
    LOOP(NAMED(name, vv), R, DENSE(a, x) DENSE(b, y), EACH(a) EACH(b), __VA_ARGS__)                    \
    LOOP(NAMED(name, vs), R, DENSE(a, x) ONE(b, y), EACH(a), __VA_ARGS__)                              \
    LOOP(NAMED(name, sv), R, ONE(a, x) DENSE(b, y), EACH(b), __VA_ARGS__)
/* of three operands: clip, and select, whose first is always bool */
#define KERNEL_3(name, R, ...) KERNEL_3_##name(R, __VA_ARGS__)
#define KERNEL_3_clip(R, ...)                                                                          \
    LOOP(NAMED(clip, any), R, DENSE(a, x) ONE(b, y) ONE(c, z), EACH(a), __VA_ARGS__)                   \
    LOOP(NAMED(clip, vss), R, DENSE(a, x) ONE(b, y) ONE(c, z) CLIP_ANY, EACH(a),                       \
         (a <= b ? b : a) > c ? c : a <= b ? b : a)
/* two selects keep NaN and every zero, but for bounds that are NaN or -0 */
#define CLIP_ANY                                                                                       \
    const T nought = 0;                                                                                \
    if (b != b || c != c || (b == 0 && memcmp(&b, &nought, sizeof b)) || (c == 0 && memcmp(&c, &nought, sizeof c))) { \
        NAMED(clip, any)(out, x, y, z, n);                                                             \
        return;                                                                                        \
    }
#define CHOICE const uint8_t *choice_at = x;
#define CHOOSE const bool a = choice_at[i] != 0;
#define KERNEL_3_select(R, ...)                                                                        \
    LOOP(NAMED(select, vvv), R, CHOICE DENSE(b, y) DENSE(c, z), CHOOSE EACH(b) EACH(c), a ? b : c)     \
    LOOP(NAMED(select, vvs), R, CHOICE DENSE(b, y) ONE(c, z), CHOOSE EACH(b), a ? b : c)               \
    LOOP(NAMED(select, vsv), R, CHOICE ONE(b, y) DENSE(c, z), CHOOSE EACH(c), a ? b : c)               \
    LOOP(NAMED(select, vss), R, CHOICE ONE(b, y) ONE(c, z), CHOOSE, a ? b : c)
/* a bool beside values */
#define KERNEL_eq_bool KERNEL_bool
#define KERNEL_ne_bool KERNEL_bool
#define KERNEL_bool(name, R, ...)                                                                      \
    LOOP(NAMED(name, vv), R, CHOICE DENSE(b, y), TRUTH EACH(b), __VA_ARGS__)                           \
    LOOP(NAMED(name, vs), R, CHOICE ONE(b, y), TRUTH, __VA_ARGS__)                                     \
    LOOP(NAMED(name, sv), R, CHOICE const T a = *choice_at != 0; DENSE(b, y), EACH(b), __VA_ARGS__)
/* values against a threshold, and the outcome against a label that is 0 or 1 of their type */
#define KERNEL_eq_gt(name, R, ...)                                                                     \
    LOOP(NAMED(name, vsv), R, DENSE(a, x) ONE(b, y) DENSE(c, z), EACH(a) EACH(c), __VA_ARGS__)
#define TRUTH const T a = choice_at[i] != 0;
/* labels of a block that are all 0 or 1, as they nearly always are, need one logarithm */
#define KERNEL_binary_crossentropy(name, R, ...)                                                       \
    LOOP(NAMED(name, hit), R, DENSE(a, x) DENSE(b, y), EACH(a) EACH(b), FN(binary_crossentropy_hit)(a, b)) \
    LOOP(NAMED(name, vv), R, DENSE(a, x) DENSE(b, y) LABELS, EACH(a) EACH(b), __VA_ARGS__)             \
    LOOP(NAMED(name, vs), R, DENSE(a, x) ONE(b, y), EACH(a), __VA_ARGS__)                              \
    LOOP(NAMED(name, sv), R, ONE(a, x) DENSE(b, y), EACH(b), __VA_ARGS__)
#define LABELS                                                                                         \
    int others = 0;                                                                                    \
    for (size_t i = 0; i < n; i++)                                                                     \
        others |= (a_at[i] != 0) & (a_at[i] != 1);                                                     \
    if (!others) {                                                                                     \
        NAMED(binary_crossentropy, hit)(out, x, y, z, n);                                              \
        return;                                                                                        \
    }
#define KERNEL(name, arity, R, ...) KERNEL_##arity(name, R, __VA_ARGS__)
#include "kernel_types.h"
#undef KERNEL

/* ---- of bool results: how many are true, without writing them down. Parts are as long as a lane can count */
/* such a loop is short enough for its own test and step to cost as much as its work */
#if defined __GNUC__ && !defined __clang__
#define COUNT_UNROLL _Pragma("GCC unroll 4")
#else
#define COUNT_UNROLL
#endif
#undef LOOP
#define LOOP(function, R, ...) COUNT_##R(function, __VA_ARGS__)
#define COUNT_float(...)
#define COUNT_double(...)
#define COUNT_int32_t(...)
#define COUNT_int64_t(...)
#define COUNT_uint8_t(...)
#undef NAMED
#define NAMED(name, form) KERNEL_JOIN_(count_##name, S, form)
#define COUNT_truth(function, operands, elements, ...)                                                 \
    static void function(void *restrict out, const void *restrict x, const void *restrict y,            \
                         const void *restrict z, size_t n)                                             \
    {                                                                                                  \
        int64_t total = 0;                                                                             \
        (void)y, (void)z;                                                                              \
        operands                                                                                       \
        for (size_t at = 0; at < n; at += COUNT_PART) {                                                \
            const size_t end = TALLY__MIN(n, at + COUNT_PART);                                         \
            LANE_COUNT   part = 0;                                                                     \
            COUNT_UNROLL                                                                               \
            for (size_t i = at; i < end; i++) {                                                        \
                elements                                                                               \
                part = (LANE_COUNT)(part + ((__VA_ARGS__) != 0));                                      \
            }                                                                                          \
            total += (int64_t)part;                                                                    \
        }                                                                                              \
        *(int64_t *)out = total;                                                                       \
    }
#define KERNEL(name, arity, R, ...) KERNEL_##arity(name, R, __VA_ARGS__)
#include "kernel_types.h"
#undef KERNEL

/* ---- casts that are one conversion of C, and to int32, which saturates; the others stay with the reference */
#define SATURATE(F, v) ((v) >= (F)0x1p31 ? INT32_MAX : (v) > (F)-0x1p31 ? (int32_t)(v) : (v) != (v) ? 0 : INT32_MIN)
#define CASTS(CAST)                                                                                    \
    CAST(b8, BOOL, uint8_t, f32, F32, float, v != 0) CAST(b8, BOOL, uint8_t, f64, F64, double, v != 0) \
    CAST(b8, BOOL, uint8_t, i32, I32, int32_t, v != 0) CAST(b8, BOOL, uint8_t, i64, I64, int64_t, v != 0)\
    CAST(b8, BOOL, uint8_t, u8, U8, uint8_t, v != 0) CAST(u8, U8, uint8_t, b8, BOOL, uint8_t, v != 0)  \
    CAST(u8, U8, uint8_t, f32, F32, float, v) CAST(u8, U8, uint8_t, f64, F64, double, v)               \
    CAST(u8, U8, uint8_t, i32, I32, int32_t, v) CAST(u8, U8, uint8_t, i64, I64, int64_t, v)            \
    CAST(i32, I32, int32_t, f32, F32, float, v) CAST(i32, I32, int32_t, f64, F64, double, v)           \
    CAST(i32, I32, int32_t, i64, I64, int64_t, v) CAST(i32, I32, int32_t, b8, BOOL, uint8_t, v != 0)   \
    CAST(i64, I64, int64_t, f32, F32, float, v) CAST(i64, I64, int64_t, f64, F64, double, v)           \
    CAST(i64, I64, int64_t, b8, BOOL, uint8_t, v != 0) CAST(f32, F32, float, f64, F64, double, v)      \
    CAST(f32, F32, float, b8, BOOL, uint8_t, v != 0) CAST(f64, F64, double, f32, F32, float, v)        \
    CAST(f64, F64, double, b8, BOOL, uint8_t, v != 0) CAST(f32, F32, float, i32, I32, int32_t, SATURATE(float, v))\
    CAST(f64, F64, double, i32, I32, int32_t, SATURATE(double, v))
#define CAST_LOOP(from, FROM, F, to, TO, R, ...)                                                       \
    static void cast_##from##_##to(void *restrict out, const void *restrict x, const void *restrict y, \
                                   const void *restrict z, size_t n)                                   \
    {                                                                                                  \
        R *restrict r = out;                                                                           \
        const F *a = x;                                                                                \
        (void)y, (void)z;                                                                              \
        for (size_t i = 0; i < n; i++) {                                                               \
            const F v = a[i];                                                                          \
            r[i] = (R)(__VA_ARGS__);                                                                   \
        }                                                                                              \
    }
CASTS(CAST_LOOP)

/* ---- the table */
#define ENTRY_1(name) [TALLY__FORM_VVV] = NAMED(name, v)
#define ENTRY_2(name)                                                                                  \
    [TALLY__FORM_VVV] = NAMED(name, vv), [TALLY__FORM_VSV] = NAMED(name, vs), [TALLY__FORM_SVV] = NAMED(name, sv)
#define ENTRY_eq_bool ENTRY_2
#define ENTRY_ne_bool ENTRY_2
#define ENTRY_eq_gt(name) [TALLY__FORM_VSV] = NAMED(name, vsv)
#define ENTRY_binary_crossentropy ENTRY_2
#define ENTRY_3(name) ENTRY_3_##name
#define ENTRY_3_clip [TALLY__FORM_VSS] = NAMED(clip, vss)
#define ENTRY_3_select                                                                                 \
    [TALLY__FORM_VVV] = NAMED(select, vvv), [TALLY__FORM_VVS] = NAMED(select, vvs),                    \
    [TALLY__FORM_VSV] = NAMED(select, vsv), [TALLY__FORM_VSS] = NAMED(select, vss)
#define CAST_ENTRY(from, FROM, F, to, TO, R, ...) [TALLY__LANE_##FROM][TALLY__LANE_##TO] = cast_##from##_##to,
#define TABLE_ENTRY(name, arity) [TALLY__OP_##name][LANE_TYPE] = { ENTRY_##arity(name) },
#define COUNT_ENTRY(R, ...) COUNT_ENTRY_##R(__VA_ARGS__)
#define COUNT_ENTRY_float(...)
#define COUNT_ENTRY_double(...)
#define COUNT_ENTRY_int32_t(...)
#define COUNT_ENTRY_int64_t(...)
#define COUNT_ENTRY_uint8_t(...)
#define COUNT_ENTRY_truth(name, arity) TABLE_ENTRY(name, arity)

const tally__kernel_set KERNEL_SET_NAME(tally__kernels_, TALLY__KERNEL_SET) = {
    .name = KERNEL_TEXT(TALLY__KERNEL_SET),
    .counts = KERNEL_TEXT(TALLY__KERNEL_SET) " counts",
    .rows = KERNEL_TEXT(TALLY__KERNEL_SET) " rows",
    .count = {
#define KERNEL(name, arity, R, ...) COUNT_ENTRY(R, name, arity)
#include "kernel_types.h"
#undef KERNEL
    },
    .element = {
#undef NAMED
#define NAMED(name, form) KERNEL_JOIN_(name, S, form)
#define KERNEL(name, arity, R, ...) TABLE_ENTRY(name, arity)
#include "kernel_types.h"
    },
    .cast = { CASTS(CAST_ENTRY) },
    .row = &KERNEL_SET_NAME(tally__rows_, TALLY__KERNEL_SET),
};
