/* decimal: the shortest text that reads back to the same double, in exact integer arithmetic. The method is the free
 * format of Burger and Dybvig (1996): value, scale and the half-gaps to both neighbours are kept as big whole numbers,
 * and digits are generated until every number beginning with them reads back as v. No floating-point operation is
 * used, so rounding mode and flush-to-zero cannot disturb it; no locale, no stdio. Knows nothing of texts and errors. */
#include "base.h"

/* The largest number is 10 * 2^1024 * 4 or 10^324 * 4 * 10: under 1100 bits. */
enum { BIG_WORDS = 36 };
typedef struct big {
    int      n;                    /* words in use; the highest is not 0 */
    uint32_t w[BIG_WORDS];         /* lowest first */
} big;

static void big_set(big *b, uint64_t v)
{
    b->n = 0;
    for (; v; v >>= 32)
        b->w[b->n++] = (uint32_t)v;
}

static void big_scale(big *b, uint32_t factor)
{
    uint64_t carry = 0;
    for (int i = 0; i < b->n; i++) {
        carry += (uint64_t)b->w[i] * factor;
        b->w[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry) {
        assert(b->n < BIG_WORDS);
        b->w[b->n++] = (uint32_t)carry;
    }
}

static void big_scale10(big *b, int power)
{
    for (; power >= 9; power -= 9)
        big_scale(b, 1000000000u);
    for (; power > 0; power--)
        big_scale(b, 10);
}

static void big_shift(big *b, int bits)
{
    int words = bits / 32;
    if (!b->n)
        return;
    big_scale(b, 1u << (bits % 32));
    assert(b->n + words <= BIG_WORDS);
    memmove(b->w + words, b->w, (size_t)b->n * sizeof b->w[0]);
    memset(b->w, 0, (size_t)words * sizeof b->w[0]);
    b->n += words;
}

static int big_compare(const big *a, const big *b)
{
    if (a->n != b->n)
        return a->n < b->n ? -1 : 1;
    for (int i = a->n - 1; i >= 0; i--)
        if (a->w[i] != b->w[i])
            return a->w[i] < b->w[i] ? -1 : 1;
    return 0;
}

static void big_add(big *sum, const big *a, const big *b)
{
    uint64_t carry = 0;
    int      n = TALLY__MAX(a->n, b->n);
    for (int i = 0; i < n; i++) {
        carry += (uint64_t)(i < a->n ? a->w[i] : 0) + (i < b->n ? b->w[i] : 0);
        sum->w[i] = (uint32_t)carry;
        carry >>= 32;
    }
    sum->n = n;
    if (carry) {
        assert(n < BIG_WORDS);
        sum->w[sum->n++] = (uint32_t)carry;
    }
}

/* a -= b, where a >= b */
static void big_subtract(big *a, const big *b)
{
    uint32_t borrow = 0;
    for (int i = 0; i < a->n; i++) {
        uint64_t take = (uint64_t)(i < b->n ? b->w[i] : 0) + borrow;
        borrow = a->w[i] < take;
        a->w[i] = (uint32_t)(a->w[i] - take);
    }
    assert(!borrow);
    while (a->n && !a->w[a->n - 1])
        a->n--;
}

/* The value is r/s, the half-gap to the next larger double is up/s, to the next smaller one down/s. */
typedef struct scaled {
    big  r, s, up, down;
    bool even;                     /* an even significand also owns the midpoints, as reading rounds ties to it */
} scaled;

static bool over_scale(const scaled *x, const big *a, const big *b)
{
    big sum;
    big_add(&sum, a, b);
    int order = big_compare(&sum, &x->s);
    return order > 0 || (order == 0 && x->even);
}

/* floor(e * log10(2)) for |e| < 1200; 78913/2^18 is just below log10(2) */
static int log10_of_power2(int e)
{
    return (e * 78913 + (1 << 29)) / (1 << 18) - (1 << 11);
}

/* v = significand * 2^e; afterwards v = r/s * 10^point with r/s in [0.1, 1), or as near as the gaps make it */
static int scaled_set(scaled *x, uint64_t significand, int e, bool narrow_below)
{
    int top = 0;
    while (significand >> (top + 1))
        top++;
    int point = log10_of_power2(e + top);         /* at most 1 too small, as is usual, then 1 more for [0.1, 1) */
    x->even = !(significand & 1);
    big_set(&x->r, significand);
    big_shift(&x->r, (e > 0 ? e : 0) + 1 + narrow_below);
    big_set(&x->s, 1);
    big_shift(&x->s, (e < 0 ? -e : 0) + 1 + narrow_below);
    big_set(&x->down, 1);
    big_shift(&x->down, e > 0 ? e : 0);
    x->up = x->down;
    big_shift(&x->up, narrow_below);              /* above a power of two the gap is twice the one below */
    big_scale10(&x->s, point > 0 ? point : 0);
    big_scale10(&x->r, point < 0 ? -point : 0);
    big_scale10(&x->up, point < 0 ? -point : 0);
    big_scale10(&x->down, point < 0 ? -point : 0);
    while (over_scale(x, &x->r, &x->up)) {
        big_scale(&x->s, 10);
        point++;
    }
    return point;
}

static int scaled_digits(scaled *x, char digit[17])
{
    for (int n = 0;; n++) {
        assert(n < 17);
        big_scale(&x->r, 10);
        big_scale(&x->up, 10);
        big_scale(&x->down, 10);
        digit[n] = '0';
        while (big_compare(&x->r, &x->s) >= 0) {
            big_subtract(&x->r, &x->s);
            digit[n]++;
        }
        int  order = big_compare(&x->r, &x->down);
        bool low = order < 0 || (order == 0 && x->even);     /* stopping here reads back as v */
        bool high = over_scale(x, &x->r, &x->up);            /* so does the next larger digit */
        if (!low && !high)
            continue;
        big twice;
        big_add(&twice, &x->r, &x->r);
        int half = big_compare(&twice, &x->s);
        if (high && (!low || half > 0 || (half == 0 && digit[n] % 2)))     /* '0' is even; ties go to even */
            digit[n]++;
        return n + 1;
    }
}

/* the value is 0.d1d2d3... * 10^point; between 1e-4 and 1e17 it is written out, else d.ddde+xx, as %.17g would */
static char *lay_out(char *p, const char *digit, int n, int point)
{
    if (point < -3 || point > 17) {
        int e = point - 1;
        *p++ = digit[0];
        if (n > 1)
            *p++ = '.';
        for (int i = 1; i < n; i++)
            *p++ = digit[i];
        *p++ = 'e';
        *p++ = e < 0 ? '-' : '+';
        e = e < 0 ? -e : e;
        if (e >= 100)
            *p++ = (char)('0' + e / 100);
        *p++ = (char)('0' + e / 10 % 10);
        *p++ = (char)('0' + e % 10);
        return p;
    }
    if (point <= 0)
        *p++ = '0';
    for (int i = TALLY__MIN(point, 0); i < n || i < point; i++) {
        if (i == point || (i == TALLY__MIN(point, 0) && point <= 0))
            *p++ = '.';
        *p++ = i >= 0 && i < n ? digit[i] : '0';
    }
    return p;
}

size_t tally__format_f64(double v, char out[32])
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    uint64_t fraction = bits & ((UINT64_C(1) << 52) - 1);
    int      exponent = (int)(bits >> 52 & 0x7ff);
    char    *p = out;
    if (bits >> 63 && !(exponent == 0x7ff && fraction))
        *p++ = '-';
    if (exponent == 0x7ff) {
        memcpy(p, fraction ? "nan" : "inf", 3);
        p += 3;
    } else if (!exponent && !fraction) {
        *p++ = '0';
    } else {
        scaled x;
        char   digit[17];
        bool   normal = exponent != 0;
        int    point = scaled_set(&x, fraction | (uint64_t)normal << 52, (normal ? exponent : 1) - 1075,
                                  !fraction && exponent > 1);
        int    n = scaled_digits(&x, digit);
        p = lay_out(p, digit, n, point);
    }
    *p = 0;
    return (size_t)(p - out);
}
