/* decimal: doubles as text and back, in exact integer arithmetic: the shortest text that reads back to the same double. The method is the free
 * format of Burger and Dybvig (1996): value, scale and the half-gaps to both neighbours are kept as big whole numbers,
 * and digits are generated until every number beginning with them reads back as v. No floating-point operation is
 * used, so rounding mode and flush-to-zero cannot disturb it; no locale, no stdio. Reading is one long division by bits. Knows nothing of texts and errors. */
#include "base.h"

#include <math.h>

/* The largest number is 10^370 * 2^64, of 40 digits read far below 1: under 1300 bits. */
enum { BIG_WORDS = 44 };
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

/* ---- reading */
enum { MOST_DIGITS = 40, LEAST_POINT = -330, MOST_POINT = 310 };

typedef struct decimal {           /* 0.d1d2d3... * 10^point */
    big digits;
    int n, point;
} decimal;

static int big_bits(const big *b)
{
    int top = 0;
    while (top < 32 && b->w[b->n - 1] >> top)
        top++;
    return 32 * (b->n - 1) + top;
}

static void take_digit(decimal *d, char c)
{
    big one;
    big_set(&one, (uint64_t)(c - '0'));
    big_scale(&d->digits, 10);
    big sum;
    big_add(&sum, &d->digits, &one);
    d->digits = sum;
    d->n++;
}

/* digits with at most one point among them; how many characters, 0: none, or too many digits */
static size_t take_digits(decimal *d, const char *text, size_t n)
{
    size_t i = 0;
    bool   behind = false, any = false;
    memset(d, 0, sizeof *d);
    for (; i < n && ((text[i] >= '0' && text[i] <= '9') || (text[i] == '.' && !behind)); i++) {
        if (text[i] == '.') {
            behind = true;
            continue;
        }
        any = true;
        if (d->n || text[i] != '0')
            take_digit(d, text[i]);
        if (d->n > MOST_DIGITS)
            return 0;
        d->point += d->n && !behind ? 1 : !d->n && behind ? -1 : 0;
    }
    return any ? i : 0;
}

/* e and a whole number, or nothing */
static bool take_exponent(decimal *d, const char *text, size_t n)
{
    if (!n)
        return true;
    const bool minus = n > 1 && text[1] == '-', sign = minus || (n > 1 && text[1] == '+');
    int        e = 0;
    if ((text[0] != 'e' && text[0] != 'E') || n < (size_t)2 + sign)
        return false;
    for (size_t i = (size_t)1 + sign; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        e = TALLY__MIN(e * 10 + (text[i] - '0'), 100000);
    }
    d->point += minus ? -e : e;
    return true;
}

static double from_bits(uint64_t bits)
{
    double v;
    bits = TALLY__MIN(bits, UINT64_C(0x7ff) << 52);     /* what is too large is infinite */
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* the double nearest to r/s, both above 0 and of less than 1300 bits. Both are used up. */
static double nearest_quotient(big *r, big *s)
{
    const int  up = big_bits(s) - big_bits(r);
    int        e = -up;                           /* r/s = (what r/s becomes) * 2^e, in [1, 2) */
    uint64_t   v = 0;
    big_shift(up > 0 ? r : s, up > 0 ? up : -up);
    if (big_compare(r, s) < 0) {
        big_shift(r, 1);
        e--;
    }
    const int bits = TALLY__MIN(53, e + 1075);    /* fewer below 2^-1022, none below 2^-1074 */
    if (bits < 0)
        return 0;
    for (int i = 0; i < bits; i++) {
        v <<= 1;
        if (big_compare(r, s) >= 0) {
            big_subtract(r, s);
            v |= 1;
        }
        if (r->n)
            big_shift(r, 1);
    }
    const int rest = big_compare(r, s);           /* against half of the last bit */
    v += rest > 0 || (rest == 0 && (v & 1));
    return from_bits(e >= -1022 ? ((uint64_t)(e + 1022) << 52) + v : v);
}

static double decimal_value(decimal *d)
{
    big s;
    big_set(&s, 1);
    if (!d->n || d->point < LEAST_POINT)
        return 0;
    if (d->point > MOST_POINT)
        return (double)INFINITY;
    const int e = d->point - d->n;
    big_scale10(e > 0 ? &d->digits : &s, e > 0 ? e : -e);
    return nearest_quotient(&d->digits, &s);
}

static bool is_word(const char *text, size_t n, const char *word)
{
    return n == strlen(word) && !memcmp(text, word, n);
}

bool tally__read_f64(const char *text, size_t n, double *out)
{
    const bool sign = n && (text[0] == '-' || text[0] == '+'), minus = sign && text[0] == '-';
    decimal    d;
    text += sign;
    n -= sign;
    if (is_word(text, n, "nan") || is_word(text, n, "inf")) {
        *out = text[0] == 'n' ? (double)NAN : minus ? -(double)INFINITY : (double)INFINITY;
        return true;
    }
    const size_t taken = take_digits(&d, text, n);
    if (!taken || !take_exponent(&d, text + taken, n - taken))
        return false;
    *out = minus ? -decimal_value(&d) : decimal_value(&d);
    return true;
}
