/* ratio: quotients of exact sums, rounded once. The bits 2^-1074 of both sums cancel, so the quotient is one
 * of two integers: three digits of 32 bits by long division (95 or 96 bits), whatever is left as sticky, and
 * the common rounding.
 *
 * Meaning, in this order: a denominator of exactly 0 gives 0, whatever the numerator is. Where one of the two
 * is not finite, what IEEE division gives: NaN with a NaN or for inf / inf; inf with the sign of the quotient
 * for inf / finite; a zero with that sign for finite / inf. A numerator of exactly 0 over a finite
 * denominator gives +0. Else the nearest double; a quotient that is too small or too large becomes a signed
 * zero or infinity. The one NaN is 0x7ff8000000000000. */
#include "tensor.h"

enum { LIMBS = 2 * TALLY__SUM_WORDS, DIGITS = 3 };
static const int64_t most_exact = (int64_t)1 << 53;   /* a double holds every whole number up to here */

typedef struct ratio_number {     /* a magnitude times 2^-low, lowest limb first: a count takes one or two */
    uint32_t limb[LIMBS];
    int      n, bits, low;        /* limbs in use, bit length; both 0 for 0 */
    bool     negative;
} ratio_number;

static void ratio_load(ratio_number *r, const tally__sum *s)
{
    const tally__window m = tally__sum_magnitude(s);

    for (int i = m.first, k = 0; i <= m.last; i++, k += 2) {
        const uint64_t word = tally__magnitude_word(s, m, i);
        r->limb[k] = (uint32_t)word;
        r->limb[k + 1] = (uint32_t)(word >> 32);
    }
    r->bits = 64 * (m.last - m.first + 1) - tally__leading_zeros(tally__magnitude_word(s, m, m.last));
    r->n = (r->bits + 31) / 32;
    r->low = 64 * m.first;
    r->negative = m.sign != 0;
}

/* out[n] = r shifted so that it has `bits` bits; whether bits that are not 0 fell off the low end */
static bool ratio_align(uint32_t *out, int n, const ratio_number *r, int bits)
{
    const int shift = bits - r->bits, floor_words = shift >= 0 ? shift / 32 : -((31 - shift) / 32);
    const int rest = shift - 32 * floor_words;   /* 0 to 31, and out[i] starts in limb i - floor_words */
    uint32_t  lost = 0;

    for (int i = 0; i < n; i++) {
        const int      j = i - floor_words;
        const uint32_t high = j >= 0 && j < r->n ? r->limb[j] : 0;
        const uint32_t low = j > 0 && j <= r->n ? r->limb[j - 1] : 0;
        out[i] = rest ? high << rest | low >> (32 - rest) : high;
    }
    const int cut = -floor_words; /* limbs below `cut` are gone, and the low part of limb cut - 1 if rest */
    for (int j = 0; j < cut - (rest != 0) && j < r->n; j++) lost |= r->limb[j];
    if (rest && cut > 0 && cut <= r->n) lost |= r->limb[cut - 1] << rest;
    return lost != 0;
}

/* num[0..n] -= digit * den[0..n-1]; adds den back where digit was one too large, and returns the right one */
static uint32_t ratio_reduce(uint32_t *num, const uint32_t *den, int n, uint64_t digit)
{
    uint64_t carry = 0, borrow = 0;

    for (int i = 0; i <= n; i++) {
        carry += i < n ? digit * den[i] : 0;
        const uint64_t t = (uint64_t)num[i] - (uint32_t)carry - borrow;
        num[i] = (uint32_t)t;
        borrow = t >> 63;
        carry >>= 32;
    }
    if (!borrow) return (uint32_t)digit;
    carry = 0;
    for (int i = 0; i <= n; i++) {
        carry += (uint64_t)num[i] + (i < n ? den[i] : 0);
        num[i] = (uint32_t)carry;
        carry >>= 32;
    }
    return (uint32_t)digit - 1;
}

/* one digit of num[0..n] / den[0..n-1]; den has its top bit set (Knuth, The Art of Computer Programming
 * 2, 4.3.1 D) */
static uint32_t ratio_digit(uint32_t *num, const uint32_t *den, int n)
{
    const uint64_t top = (uint64_t)num[n] << 32 | num[n - 1];
    uint64_t       digit = top / den[n - 1], rest = top % den[n - 1];

    while (digit >> 32 || (n > 1 && digit * den[n - 2] > (rest << 32 | num[n - 2]))) {
        digit--;
        rest += den[n - 1];
        if (rest >> 32) break;
    }
    return ratio_reduce(num, den, n, digit);
}

/* a / b of magnitudes that are not 0, as the bits of a double without sign */
static uint64_t ratio_divide(const ratio_number *a, const ratio_number *b)
{
    uint32_t  num[LIMBS + DIGITS], den[LIMBS];
    const int n = b->n, long_bits = 32 * (n + DIGITS) - 1;   /* not full, so the first digit fits in 32 */
    bool      sticky = ratio_align(num, n + DIGITS, a, long_bits);
    uint64_t  quotient = 0;

    ratio_align(den, n, b, 32 * n);
    for (int j = DIGITS - 1; j > 0; j--) quotient = quotient << 32 | ratio_digit(num + j, den, n);
    uint32_t rest = ratio_digit(num, den, n);
    for (int i = 0; i < n; i++) rest |= num[i];
    sticky = sticky || rest;
    const int e = (a->low + a->bits - long_bits) - (b->low + b->bits - 32 * n);
    return tally__round_bits(quotient, e + 32, sticky, 52, 11);
}

/* one of the two is not finite, b is not 0 */
static double ratio_special(const tally__sum *a, const tally__sum *b)
{
    const uint64_t infinity = (uint64_t)0x7ff0 << 48, nan = (uint64_t)0x7ff8 << 48, sign = (uint64_t)1 << 63;
    const uint64_t x = tally__f64_bits(tally__sum_special(a)), y = tally__f64_bits(tally__sum_special(b));
    const uint64_t x_sign = x ? x & sign : a->word[TALLY__SUM_WORDS - 1] & sign;
    const uint64_t y_sign = y ? y & sign : b->word[TALLY__SUM_WORDS - 1] & sign;

    if (x == nan || y == nan || (x && y)) return tally__f64_from(nan);
    return tally__f64_from((x ? infinity : 0) | (x_sign ^ y_sign));
}

static bool sum_is_finite(const tally__sum *s)
{
    return !(s->inf | s->neg_inf | s->nan);
}

static bool count_is_exact(int64_t v)
{
    return v >= -most_exact && v <= most_exact;
}

double tally__sum_ratio(const tally__sum *a, const tally__sum *b)
{
    const bool   finite = sum_is_finite(a) && sum_is_finite(b);
    int64_t      m, n;
    ratio_number x, y;

    if (finite && tally__sum_whole(b, &n) && tally__sum_whole(a, &m) && count_is_exact(m) && count_is_exact(n))
        return m && n ? (double)m / (double)n : 0;
    if (tally__sum_is_zero(b)) return 0;
    if (!finite) return ratio_special(a, b);
    ratio_load(&x, a);
    ratio_load(&y, b);
    if (!x.n) return 0;
    return tally__f64_from(ratio_divide(&x, &y) | (uint64_t)(x.negative != y.negative) << 63);
}

double tally__ratio_i64(int64_t a, int64_t b)
{
    tally__sum x = { { 0 }, 0, 0, 0 }, y = { { 0 }, 0, 0, 0 };

    if (!a || !b) return 0;
    if (count_is_exact(a) && count_is_exact(b)) return (double)a / (double)b;
    tally__sum_add_i64(&x, a);
    tally__sum_add_i64(&y, b);
    return tally__sum_ratio(&x, &y);
}

double tally__sum_mean(const tally__sum *s, uint64_t n)
{
    tally__sum count = { { 0 }, 0, 0, 0 };

    if (!n) return tally__f64_from((uint64_t)0x7ff8 << 48);
    tally__sum_add_u64(&count, n);
    return tally__sum_ratio(s, &count);
}
