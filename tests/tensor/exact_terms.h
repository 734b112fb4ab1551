/* exact_terms: the terms that hurt an exact sum: windows of 0 to 2000 binades, all-ones mantissas, cancelling
 * pairs, ties, subnormals, near overflow, inf and NaN. All formats are drawn as bits, one draw a line, so
 * that every compiler draws the same. */
#ifndef TALLY_TESTS_EXACT_TERMS_H
#define TALLY_TESTS_EXACT_TERMS_H

#include "exact_reference.h"

#include "../../src/tensor/tensor.h"

enum { MOST = 6000 };              /* terms of a case */

typedef struct format {
    int32_t dtype;
    int     fraction, exponent;
} format;

static const format formats[] = {
    { TALLY_F64, 52, 11 }, { TALLY_F32, 23, 8 }, { TALLY_F16, 10, 5 }, { TALLY_BF16, 7, 8 }
};

typedef enum recipe {
    WINDOW, ALL_ONES, CANCEL, TIES, SUBNORMAL, HUGE_TERMS, SPECIAL, POWERS, SMALL_WHOLE, ANY_BITS, FEW_FAR,
    ONE_VALUE, RECIPES
} recipe;

static const int windows[] = { 0,  1,  3,  10, 16, 17,  18,  19,  26,  40,  47,  48,  49,  50,
                               76, 77, 78, 98, 99, 100, 130, 149, 150, 151, 179, 300, 900, 2000 };

static inline uint64_t make(const format *f, bool negative, int biased, uint64_t fraction)
{
    const int top = (1 << f->exponent) - 2;
    biased = biased < 0 ? 0 : biased > top ? top : biased;
    return (uint64_t)negative << (f->fraction + f->exponent) | (uint64_t)biased << f->fraction |
           (fraction & (((uint64_t)1 << f->fraction) - 1));
}

static inline uint64_t special_bits(const format *f, test_rng *r)
{
    const uint64_t inf = (((uint64_t)1 << f->exponent) - 1) << f->fraction;
    const uint64_t sign = test_next(r) << 63 >> (63 - f->fraction - f->exponent);
    return sign | inf | (test_below(r, 3) ? 0 : 1 + test_below(r, ((size_t)1 << f->fraction) - 1));
}

/* term i of a case: base and width are drawn once for it */
static inline uint64_t term(const format *f, recipe how, test_rng *r, int base, int width, size_t i)
{
    const bool     negative = test_next(r) & 1;
    const uint64_t any = test_next(r), more = test_next(r);
    const int      somewhere = base - (int)test_below(r, (size_t)width + 1), most = (1 << f->exponent) - 2;

    switch (how) {
    case WINDOW:      return make(f, negative, somewhere, any);
    case ALL_ONES:
        return make(f, i & 1 ? negative : width & 1, somewhere, UINT64_MAX << (any % 3 ? 0 : any >> 8 & 15));
    case TIES:
        return make(f, negative, i % 3 ? base - f->fraction - 1 + (int)(any % 3) : base, i % 3 ? 0 : any & 3);
    case SUBNORMAL:   return make(f, negative, (int)(any % 16 == 0), more >> (any >> 8 & 63));
    case HUGE_TERMS:
        return make(f, width & 1 ? negative : width >> 1 & 1, most - (int)(any % 3),
                    any % 4 ? UINT64_MAX : any);
    case SPECIAL:     return any % 37 ? make(f, negative, somewhere, more) : special_bits(f, r);
    case POWERS:      return make(f, negative, somewhere, 0);
    case FEW_FAR: return make(f, negative, any % 200 ? base - (int)(any % 10) : (int)(any >> 8) & most, more);
    case ONE_VALUE:   return make(f, false, base, (uint64_t)width * 0x123456789abcd);
    case ANY_BITS:    return more >> (63 - f->fraction - f->exponent);
    case SMALL_WHOLE:
    case CANCEL:
    case RECIPES:     break;
    }
    if (any % 5 == 0) return any & 1 ? 0 : make(f, true, 0, 0);
    return make(f, negative, (1 << (f->exponent - 1)) - 1 + (int)(any % 6), (uint64_t)1 << (f->fraction - 1));
}

static inline void draw_floats(const format *f, test_rng *r, uint64_t *bits, size_t n)
{
    const recipe how = (recipe)test_below(r, RECIPES);
    const int    base = 1 + (int)test_below(r, ((size_t)1 << f->exponent) - 2);
    const int    width = windows[test_below(r, TALLY__COUNT(windows))];

    for (size_t i = 0; i < n; i++) bits[i] = term(f, how, r, base, width, i);
    for (size_t i = 0; how == CANCEL && i + 1 < n; i += 2) {
        bits[i] = term(f, WINDOW, r, base, width, i);
        bits[i + 1] =
            bits[i] ^ (uint64_t)1 << (f->fraction + f->exponent) ^ (uint64_t)(test_below(r, 50) == 0);
    }
    for (size_t i = n; how == CANCEL && i > 1; i--) {
        const size_t   j = test_below(r, i);
        const uint64_t t = bits[i - 1];
        bits[i - 1] = bits[j], bits[j] = t;
    }
}

static inline size_t draw_count(test_rng *r)
{
    switch (test_below(r, 64)) {
    case 0:  return 2014 + test_below(r, 5);
    case 1:  return 1006 + test_below(r, 5);
    case 2:  return 2016 + test_below(r, MOST - 2016);
    case 3:  return 200 + test_below(r, 800);
    case 4: case 5: case 6: case 7: case 8: return 50 + test_below(r, 200);
    default: return test_below(r, test_next(r) & 1 ? 9 : 50);
    }
}

#endif
