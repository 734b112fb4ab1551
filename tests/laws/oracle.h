/* oracle: what the laws are judged by. Arrays of all 13 dtypes as plain dense memory, numbers that keep 64-bit integers
 * whole, rounding to every dtype, mixed comparisons, and exact sums and quotients in a big integer of 32-bit limbs.
 * Written from the description of the face alone; it uses nothing of the library but names of dtypes. */
#ifndef TALLY_TESTS_ORACLE_H
#define TALLY_TESTS_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tally/tally.h>

/* one number: whole ones in i (or u where unsigned 64-bit), floats in f */
typedef enum number_kind { NUMBER_INT, NUMBER_UINT64, NUMBER_FLOAT } number_kind;
typedef struct number {
    number_kind kind;
    int64_t     i;
    uint64_t    u;
    double      f;
} number;

number number_int(int64_t v);
number number_float(double v);
double number_f64(number v);                 /* nearest double */
bool   number_true(number v);                /* != 0; NaN is true */
/* -1, 0, 1, or 2 if unordered; mathematically exact between all kinds */
int    number_compare(number a, number b);

bool   dtype_float(int d);
bool   dtype_integer(int d);
size_t dtype_bytes(int d);

typedef struct array {
    int      dtype, rank;
    int64_t  shape[TALLY_MAX_RANK];
    int64_t  n;                              /* elements */
    void    *data;                           /* dense, row-major */
} array;

/* memory that dies together */
typedef struct pool pool;
pool  *pool_new(void);
void   pool_free(pool *p);
void  *pool_alloc(pool *p, size_t n);        /* zeroed, 16-aligned, never NULL */

array *array_new(pool *p, int dtype, int rank, const int64_t *shape);
number array_get(const array *a, int64_t k);
void   array_put(array *a, int64_t k, number v);   /* as the op cast: saturates, wraps, rounds once */
tally_tensor array_view(const array *a);
/* equal bits; NaN equals NaN. -1 if equal, else the first index that differs */
int64_t array_differs(const array *a, const void *got);

double round_to(int dtype, double v);        /* the nearest value of a float dtype */

/* ---- exact sums: two's complement, lsb 2^-1074 ---- */
enum { BIG_LIMBS = 72, BIG_LSB = -1074 };
typedef struct big {
    uint32_t limb[BIG_LIMBS];
    int64_t  inf, ninf, nan;
} big;

void   big_add(big *b, double v);
void   big_add_number(big *b, number v);
double big_round(const big *b);              /* nearest double */
double big_ratio(const big *n, const big *d);/* nearest double of the exact quotient; 0 where d is 0 */
bool   big_sum_is_safe(const number *v, int64_t n, double *sum);   /* plain double addition is exact in any order */

#endif
