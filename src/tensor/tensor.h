/* tensor, floor 2: dtypes, views of the caller's memory, the exact sum. Knows base.
 * Sections follow the files that define them. */
#ifndef TALLY__TENSOR_H
#define TALLY__TENSOR_H

#include <tally/tensor.h>
#include "../base/base.h"

/* dtype.c: one row per dtype in dtype.def */
typedef enum tally__dtype_kind { TALLY__KIND_BOOL = 1, TALLY__KIND_UINT, TALLY__KIND_INT, TALLY__KIND_FLOAT } tally__dtype_kind;
/* An element of a state while it is still exact: tally__sum. Never seen by users: tally_node_dtype says F64. */
enum { TALLY__EXACT = 14 };
bool   tally__dtype_ok(int32_t d);                 /* one of the 13 */
extern const uint16_t tally__element_sizes[TALLY__EXACT + 1];
static inline size_t tally__element_size(int32_t d) /* also for TALLY__EXACT; 0 for an unknown one */
{
    return (uint32_t)d <= TALLY__EXACT ? tally__element_sizes[d] : 0;
}
int    tally__dtype_kind_of(int32_t d);            /* tally__dtype_kind; 0 for an unknown one or EXACT */
int    tally__dtype_bits(int32_t d);
static inline bool tally__is_float(int32_t d) { return tally__dtype_kind_of(d) == TALLY__KIND_FLOAT; }
static inline bool tally__is_integer(int32_t d) { int k = tally__dtype_kind_of(d); return k == TALLY__KIND_UINT || k == TALLY__KIND_INT; }

/* round.c: the one place that rounds. m * 2^e, plus a part below 2^e that is not zero if sticky, to nearest even, as the
 * bits (without sign) of a binary format with that many fraction and exponent bits: subnormals, overflow to infinity.
 * Where sticky, m >= 2^(fraction + 2). From bits alone, so no floating-point mode matters. */
uint64_t tally__round_bits(uint64_t m, int e, bool sticky, int fraction, int exponent);
int      tally__leading_zeros(uint64_t v);         /* 64 for 0 */
static inline uint64_t tally__f64_bits(double v) { uint64_t u; memcpy(&u, &v, sizeof u); return u; }
static inline double   tally__f64_from(uint64_t u) { double v; memcpy(&v, &u, sizeof v); return v; }
static inline uint32_t tally__f32_bits(float v) { uint32_t u; memcpy(&u, &v, sizeof u); return u; }
static inline float    tally__f32_from(uint32_t u) { float v; memcpy(&v, &u, sizeof v); return v; }

/* convert.c: single elements and strided rows. Every conversion is defined: to an integer truncates and saturates, NaN is 0,
 * integer to integer wraps, to bool is != 0, to a float rounds once to nearest even (a NaN stays one). This is the op cast. */
float    tally__f16_to_f32(uint16_t h);
float    tally__bf16_to_f32(uint16_t h);
uint16_t tally__f64_to_f16(double v);
uint16_t tally__f64_to_bf16(double v);
double   tally__load_f64(const void *p, int32_t dtype);     /* nearest double (inexact only for 64-bit integers) */
int64_t  tally__load_i64(const void *p, int32_t dtype);     /* as the cast to int64 */
void     tally__store_f64(void *p, int32_t dtype, double v);
/* float16 or bfloat16 to float without floating-point arithmetic on subnormals: exact in any mode */
void     tally__widen_halves(float *dst, const uint16_t *src, int32_t from, int64_t stride, size_t n);
/* n elements from src (stride in elements) to dense dst */
void     tally__convert(void *dst, int32_t to, const void *src, int32_t from, int64_t stride, size_t n);

/* view.c (tally_tensor_from_dlpack: dlpack.c) */
int64_t tally__elements(int rank, const int64_t *shape);    /* product; 1 for a scalar */
void    tally__dense(int rank, const int64_t *shape, int64_t *stride);   /* row-major strides */
bool    tally__is_dense(const tally_tensor *x);
/* dtype, rank, sizes, memory, alignment, and that the extent fits in memory: INVALID_ARGUMENT naming `argument` */
tally_status tally__tensor_check(const tally_tensor *x, int argument, tally_error *err);
/* whether the bytes from the lowest to the highest element of x (gaps included) meet [p, p + bytes) */
bool    tally__overlap(const tally_tensor *x, const void *p, size_t bytes);
void    tally__put_shape(tally__text *t, int rank, const int64_t *shape);   /* "[3, 4]", "[]" */
/* dst (dense, dtype `to`) = every element of x in row-major order, converted */
void    tally__tensor_pack(void *dst, int32_t to, const tally_tensor *x);

/* ---- walk.c: rows of a result in row-major order, with where each operand's row begins. Neighbouring axes are joined where one stride
 * walks both, so a dense operand is one row */
enum { TALLY__WALK_OPERANDS = 4 };
typedef struct tally__walk {
    int         n, rank;                                /* operands; axes but the innermost */
    int64_t     length, rows;                           /* of one row; number of rows */
    int64_t     shape[TALLY_MAX_RANK], at[TALLY_MAX_RANK];
    int64_t     stride[TALLY__WALK_OPERANDS][TALLY_MAX_RANK];   /* bytes */
    int64_t     step[TALLY__WALK_OPERANDS];             /* along the row, in elements */
    const char *row[TALLY__WALK_OPERANDS];
} tally__walk;
/* operands seen in `shape`: aligned from the right, sizes of 1 repeat */
void tally__walk_begin(tally__walk *w, int n, const tally_tensor *const *x, int rank, const int64_t *shape);
void tally__walk_next(tally__walk *w);

/* sum.c: the exact sum: two's complement integer, lsb 2^-1074, and what is not finite.
 * All zero bytes are the empty sum. Everything here works on bits: no floating-point mode matters. */
enum { TALLY__SUM_WORDS = 34, TALLY__SUM_LSB = -1074 };
typedef struct tally__sum {
    uint64_t word[TALLY__SUM_WORDS];
    uint64_t inf, neg_inf, nan;            /* counters, so that subtraction works (modulo 2^64) */
} tally__sum;
void   tally__sum_add_one(tally__sum *s, double x);
void   tally__sum_add_i64(tally__sum *s, int64_t v);
void   tally__sum_add_u64(tally__sum *s, uint64_t v);
void   tally__sum_deposit(tally__sum *s, int64_t k, int e);          /* += k * 2^e, TALLY__SUM_LSB <= e <= 1037 */
void   tally__sum_merge(tally__sum *into, const tally__sum *from);
/* undoes a merge; a counter below zero then reads as the opposite infinity */
void   tally__sum_subtract(tally__sum *from, const tally__sum *what);
bool   tally__sum_is_zero(const tally__sum *s);
bool   tally__sum_whole(const tally__sum *s, int64_t *v);  /* finite, whole, fits: its value */
double tally__sum_round(const tally__sum *s);              /* nearest double; NaN, +-inf; +0 for zero */
float  tally__sum_round_f32(const tally__sum *s);          /* nearest float, rounded once */
/* what is not finite in s, as a double: NaN, +-inf, or 0 where all is finite */
double tally__sum_special(const tally__sum *s);
/* |s| without what is not finite: its words from the lowest to the highest that is not 0; of 0 the one word 0 */
typedef struct tally__window {
    int      first, last;
    uint64_t sign;                         /* all ones for a negative sum */
} tally__window;
tally__window tally__sum_magnitude(const tally__sum *s);
static inline uint64_t tally__magnitude_word(const tally__sum *s, tally__window m, int i)    /* m.first <= i <= m.last */
{
    return (s->word[i] ^ m.sign) + (i == m.first && m.sign);
}
/* canonical bytes, little endian: three counters, first word and number of words (16 bits each), the words: from the
 * lowest that is not 0, up to the last that the sign of those below does not already give. Equal sums, equal bytes. */
enum { TALLY__SUM_BYTES_MAX = 3 * 8 + 4 + TALLY__SUM_WORDS * 8 };
size_t tally__sum_pack(const tally__sum *s, uint8_t *out);            /* out may be NULL: the size */
size_t tally__sum_unpack(tally__sum *s, const uint8_t *in, size_t n); /* bytes read; 0: not canonical or too short */

/* ratio.c */
double tally__sum_ratio(const tally__sum *a, const tally__sum *b);   /* nearest double to a/b; 0 if b is 0; see ratio.c */
double tally__ratio_i64(int64_t a, int64_t b);             /* the same of two whole numbers */
/* exact sum divided by a positive count, rounded once: mean over an axis; NaN for 0 */
double tally__sum_mean(const tally__sum *s, uint64_t n);

/* sum_add.c: many values, by the kernels; the bits never depend on guess, split, order, alignment or compiler */
typedef struct tally__guess {              /* speed only, never part of a value; all zero is a fine start */
    int16_t exponent;
    uint8_t level, cool;
} tally__guess;
void   tally__sum_add_f64(tally__sum *s, tally__guess *g, const double *x, size_t n);
void   tally__sum_add_f32(tally__sum *s, tally__guess *g, const float *x, size_t n);
/* any dtype, any stride */
void   tally__sum_add(tally__sum *s, tally__guess *g, int32_t dtype, const void *x, int64_t stride, size_t n);

/* sum_kernels.c: the block loops, one table per instruction set. k[j] counts units of level j; false: the block is
 * wider than the levels, rounds to 2^(top - 2) or more, or is not finite, and k means nothing. At most TALLY__SUM_BLOCK values. */
#if defined TALLY_TINY_LIMITS
enum { TALLY__SUM_BLOCK = 96, TALLY__SUM_LEVELS = 4, TALLY__WHOLE_BLOCK = 80, TALLY__COLUMNS = 5 };
#else
enum { TALLY__SUM_BLOCK = 2016, TALLY__SUM_LEVELS = 4, TALLY__WHOLE_BLOCK = 496, TALLY__COLUMNS = 128 };
#endif
typedef struct tally__sum_kernels {
    bool (*narrow)(const float *x, size_t n, int top, int64_t *k);      /* sum = k * 2^(top - 44) */
    bool (*split)(const double *x, size_t n, int top, int levels, int64_t k[TALLY__SUM_LEVELS]); /* k[j] * 2^(top-52-51j) */
    bool (*split_f32)(const float *x, size_t n, int top, int levels, int64_t k[TALLY__SUM_LEVELS]);
    void (*widen)(double *out, const float *x, size_t n);
    void (*range)(const double *x, size_t n, int32_t *low, int32_t *high);  /* biased exponents; see there */
    size_t (*peel)(double *out, const double *x, size_t n, int32_t low, int32_t high);
    void (*integers)(const void *x, int32_t dtype, size_t n, int64_t part[3]);  /* sum = part[0] + part[1]<<32 + part[2]<<64 */
    void (*widen_bytes)(double *out, const uint8_t *x, bool truth, size_t n);   /* truth: 1 where x is not 0 */
    /* true: all are whole, |x| < 2^51, and total is their sum; at most TALLY__WHOLE_BLOCK values */
    bool (*whole_f32)(const float *x, size_t n, int64_t *total);
    bool (*whole_f64)(const double *x, size_t n, int64_t *total);
    /* units[i] = x[i] / 2^unit; true: all are whole, below 2^51 */
    bool (*units)(const double *x, size_t n, int unit, int64_t *units);
    /* dense rows of at most TALLY__COLUMNS: true: all are whole, |x| <= 2^15, and total[j] is the sum of column j; at most 2^15 rows */
    bool (*columns_f32)(int32_t *total, const float *x, size_t rows, size_t columns);
    void (*weigh)(double *v, const double *w, size_t n);                /* v = w * v */
    void (*weigh_f32)(double *v, const float *w, size_t n);
    void (*hide)(double *v, const uint8_t *shown, size_t n);            /* 0 where shown is 0 */
} tally__sum_kernels;
extern const tally__sum_kernels tally__sum_kernels_base;
#if defined TALLY_KERNELS_X86
extern const tally__sum_kernels tally__sum_kernels_v3, tally__sum_kernels_v4;
#endif
/* sum_add.c: the best set that is not beyond isa and that this machine can run */
const tally__sum_kernels *tally__sum_kernels_for(tally__isa isa);

#endif
