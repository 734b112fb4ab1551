/* exact_reference: what the exact sums are judged by. Magnitudes of 32-bit limbs, one for the positive and
 * one for the negative terms, and no rounding at all: a result is right if the exact quotient lies between
 * the midpoints to its two neighbours, decided by multiplying out. Shares nothing with the library, neither
 * code nor representation. */
#ifndef TALLY_TESTS_EXACT_REFERENCE_H
#define TALLY_TESTS_EXACT_REFERENCE_H

#include "../support.h"

enum { BIG_LIMBS = 128, REF_UNIT = 1074 };

typedef struct big {
    int      n;                   /* limbs in use; 0 for 0 */
    uint32_t limb[BIG_LIMBS];
} big;

typedef struct ref_sum {
    big      plus, minus;         /* in units of 2^-1074 */
    uint64_t inf, neg_inf, nan;
} ref_sum;

/* x += m * 2^bit */
static inline void big_add_at(big *x, uint64_t m, int bit)
{
    int      i = bit / 32;
    uint64_t part[3] = { (m & 0xffffffff) << (bit % 32), (m >> 32) << (bit % 32), 0 }, carry = 0;

    if (!m)
        return;
    while (x->n <= i + 3)
        x->limb[x->n++] = 0;
    part[2] = part[1] >> 32;
    part[1] = (part[1] & 0xffffffff) + (part[0] >> 32);
    part[0] &= 0xffffffff;
    for (int j = 0; j < 3 || carry; j++, i++) {
        if (i == x->n)
            x->limb[x->n++] = 0;
        carry += (j < 3 ? part[j] : 0) + x->limb[i];
        x->limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
    while (x->n && !x->limb[x->n - 1])
        x->n--;
}

static inline int big_compare(const big *a, const big *b)
{
    if (a->n != b->n)
        return a->n < b->n ? -1 : 1;
    for (int i = a->n - 1; i >= 0; i--)
        if (a->limb[i] != b->limb[i])
            return a->limb[i] < b->limb[i] ? -1 : 1;
    return 0;
}

/* a - b, a >= b */
static inline big big_minus(const big *a, const big *b)
{
    big     d = { 0, { 0 } };
    int64_t borrow = 0;

    for (int i = 0; i < a->n; i++) {
        borrow += (int64_t)a->limb[i] - (i < b->n ? (int64_t)b->limb[i] : 0);
        d.limb[d.n++] = (uint32_t)borrow;
        borrow = borrow < 0 ? -1 : 0;
    }
    while (d.n && !d.limb[d.n - 1])
        d.n--;
    return d;
}

/* a * m * 2^bit */
static inline big big_times(const big *a, uint64_t m, int bit)
{
    big      p = { 0, { 0 } };
    uint64_t low = m & 0xffffffff, high = m >> 32;

    for (int i = 0; i < a->n; i++) {
        big_add_at(&p, a->limb[i] * low, 32 * i + bit);
        if (high)
            big_add_at(&p, a->limb[i] * high, 32 * i + 32 + bit);
    }
    return p;
}

/* the finite number of a binary format, as m * 2^e; infinity reads as the power of two that would follow */
static inline void ref_decode(uint64_t bits, int fraction, int exponent, uint64_t *m, int *e)
{
    int biased = (int)(bits >> fraction) & ((1 << exponent) - 1), bias = (1 << (exponent - 1)) - 1;

    *m = bits & (((uint64_t)1 << fraction) - 1);
    if (biased)
        *m += (uint64_t)1 << fraction;
    *e = (biased ? biased : 1) - bias - fraction;
}

static inline void ref_add_bits(ref_sum *s, uint64_t bits, int fraction, int exponent)
{
    uint64_t m, special = (((uint64_t)1 << exponent) - 1) << fraction,
                magnitude = bits & ~((uint64_t)1 << (fraction + exponent));
    bool     negative = bits >> (fraction + exponent) & 1;
    int      e;

    if (magnitude > special) {
        s->nan++;
    } else if (magnitude == special) {
        if (negative)
            s->neg_inf++;
        else
            s->inf++;
    } else {
        ref_decode(magnitude, fraction, exponent, &m, &e);
        big_add_at(negative ? &s->minus : &s->plus, m, e + REF_UNIT);
    }
}

static inline void ref_add_whole(ref_sum *s, bool negative, uint64_t magnitude)
{
    big_add_at(negative ? &s->minus : &s->plus, magnitude, REF_UNIT);
}

/* |s| and its sign, of the finite part */
static inline big ref_magnitude(const ref_sum *s, bool *negative)
{
    *negative = big_compare(&s->plus, &s->minus) < 0;
    return *negative ? big_minus(&s->minus, &s->plus) : big_minus(&s->plus, &s->minus);
}

/* a / b against the midpoint of the neighbours `bits` and bits + 1: -1, 0, 1 */
static inline int ref_against_midpoint(const big *a, const big *b, uint64_t bits, int fraction, int exponent)
{
    uint64_t m, m2;
    int      e, e2;
    big      left, right;

    ref_decode(bits, fraction, exponent, &m, &e);
    ref_decode(bits + 1, fraction, exponent, &m2, &e2);
    m += m2 << (e2 - e);                           /* e2 is e or e + 1; 2 * midpoint = m * 2^e */
    left = big_times(a, 2, e < 0 ? -e : 0);
    right = big_times(b, m, e > 0 ? e : 0);
    return big_compare(&left, &right);
}

/* whether `bits` (no sign) is a / b to nearest even, b > 0 */
static inline bool ref_is_nearest(const big *a, const big *b, uint64_t bits, int fraction, int exponent)
{
    uint64_t infinity = (((uint64_t)1 << exponent) - 1) << fraction;
    bool     even = !(bits & 1);

    if (bits > infinity)
        return false;
    if (bits) {
        int below = ref_against_midpoint(a, b, bits - 1, fraction, exponent);
        if (below < 0 || (below == 0 && !even))
            return false;
    }
    if (bits < infinity) {
        int above = ref_against_midpoint(a, b, bits, fraction, exponent);
        if (above > 0 || (above == 0 && !even))
            return false;
    }
    return true;
}

#endif
