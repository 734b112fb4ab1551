/* sum: the exact sum as a value. One two's complement integer of 34 words whose lowest bit is 2^-1074, so
 * every double is a multiple of it and 2^77 of the largest fit, and three counters for what is not finite.
 * Equal sums are equal bytes. Adding many values fast is sum_add.c; quotients are ratio.c. Nothing here uses
 * floating-point arithmetic, so no rounding mode and no flush-to-zero can reach it. */
#include "tensor.h"

void tally__sum_deposit(tally__sum *s, int64_t k, int e)
{
    assert(e >= TALLY__SUM_LSB && e <= 1037);
    const unsigned at = (unsigned)(e - TALLY__SUM_LSB), shift = at & 63;
    const uint64_t sign = k < 0 ? UINT64_MAX : 0;
    const uint64_t low = (uint64_t)k << shift, high = ((uint64_t)k >> 1) >> (63 - shift) | sign << shift;
    uint64_t      *w = s->word + (at >> 6), *end = s->word + TALLY__SUM_WORDS;

    w[0] += low;
    const uint64_t carry = w[0] < low, part = w[1] + high;
    uint64_t       out = part < high;
    w[1] = part + carry;
    out |= w[1] < carry;
    if (out == (sign & 1)) return;                /* most deposits end here: nothing changes above */
    for (w += 2; w < end; w++) {
        *w += sign | 1;
        if (*w != sign) return;
    }
}

void tally__sum_add_one(tally__sum *s, double x)
{
    const uint64_t u = tally__f64_bits(x);
    const int      e = (int)(u >> 52) & 2047;
    const int64_t  fraction = (int64_t)(u & 0xfffffffffffff), m = e ? fraction | (int64_t)1 << 52 : fraction;

    if (e < 2047) tally__sum_deposit(s, u >> 63 ? -m : m, TALLY__SUM_LSB + (e ? e - 1 : 0));
    else if (fraction) s->nan++;
    else if (u >> 63) s->neg_inf++;
    else s->inf++;
}

void tally__sum_add_i64(tally__sum *s, int64_t v)
{
    tally__sum_deposit(s, v, 0);
}

void tally__sum_add_u64(tally__sum *s, uint64_t v)
{
    tally__sum_deposit(s, (int64_t)(v & 0xffffffff), 0);
    tally__sum_deposit(s, (int64_t)(v >> 32), 32);
}

void tally__sum_merge(tally__sum *into, const tally__sum *from)
{
    uint64_t carry = 0;

    for (int i = 0; i < TALLY__SUM_WORDS; i++) {
        while (i + 1 < TALLY__SUM_WORDS && !(carry | from->word[i] | from->word[i + 1])) i += 2;   /* mostly zeros */
        if (i == TALLY__SUM_WORDS) break;
        const uint64_t add = from->word[i];
        if (add + carry == 0) continue;    /* 0, or -1 and a carry: neither the word nor the carry changes */
        const uint64_t t = into->word[i] + add;
        into->word[i] = t + carry;
        carry = (uint64_t)(t < add) | (uint64_t)(into->word[i] < carry);
    }
    into->inf += from->inf;
    into->neg_inf += from->neg_inf;
    into->nan += from->nan;
}

void tally__sum_subtract(tally__sum *from, const tally__sum *what)
{
    uint64_t borrow = 0;

    for (int i = 0; i < TALLY__SUM_WORDS; i++) {
        const uint64_t old = from->word[i], t = old - what->word[i];
        from->word[i] = t - borrow;
        borrow = (uint64_t)(t > old) | (uint64_t)(from->word[i] > t);
    }
    from->inf -= what->inf;
    from->neg_inf -= what->neg_inf;
    from->nan -= what->nan;
}

bool tally__sum_is_zero(const tally__sum *s)
{
    uint64_t any = s->inf | s->neg_inf | s->nan;

    for (int i = 0; i < TALLY__SUM_WORDS; i++) any |= s->word[i];
    return !any;
}

bool tally__sum_whole(const tally__sum *s, int64_t *v)
{
    enum { UNIT = -TALLY__SUM_LSB / 64, SHIFT = -TALLY__SUM_LSB % 64 };   /* where 2^0 lies */
    const uint64_t bits = s->word[UNIT] >> SHIFT | s->word[UNIT + 1] << (64 - SHIFT);
    const uint64_t sign = bits >> 63 ? UINT64_MAX : 0;
    uint64_t       any = s->inf | s->neg_inf | s->nan | s->word[UNIT] << (64 - SHIFT);

    for (int i = 0; i < UNIT; i++) any |= s->word[i];
    any |= (s->word[UNIT + 1] ^ sign) >> SHIFT;
    for (int i = UNIT + 2; i < TALLY__SUM_WORDS; i++) any |= s->word[i] ^ sign;
    if (any) return false;
    memcpy(v, &bits, sizeof bits);
    return true;
}

double tally__sum_special(const tally__sum *s)
{
    const uint64_t half = (uint64_t)1 << 63;
    const bool     up = (s->inf && s->inf < half) || s->neg_inf >= half;
    const bool     down = (s->neg_inf && s->neg_inf < half) || s->inf >= half;

    if (s->nan || (up && down)) return tally__f64_from((uint64_t)0x7ff8 << 48);
    return up || down ? tally__f64_from((uint64_t)(up ? 0x7ff0 : 0xfff0) << 48) : 0.0;
}

/* words below `first` are 0; above it a negative number's magnitude is its complement, without a carry */
tally__window tally__sum_magnitude(const tally__sum *s)
{
    const uint64_t sign = s->word[TALLY__SUM_WORDS - 1] >> 63 ? UINT64_MAX : 0;
    int            first = 0, last = TALLY__SUM_WORDS - 1;

    while (first < last && !s->word[first]) first++;
    while (last > first && s->word[last] == sign) last--;
    return (tally__window){ first, last, sign };
}

/* the finite part of s in a format of that many fraction and exponent bits; without sign */
static uint64_t sum_round_bits(const tally__sum *s, int fraction, int exponent, bool *negative)
{
    const tally__window m = tally__sum_magnitude(s);
    uint64_t            top = tally__magnitude_word(s, m, m.last), rest = 0;

    *negative = m.sign != 0;
    const int zeros = tally__leading_zeros(top);
    if (!top) return 0;
    if (m.last > m.first) rest = tally__magnitude_word(s, m, m.last - 1);
    top = zeros ? top << zeros | rest >> (64 - zeros) : top;
    const bool sticky = rest << zeros || m.last > m.first + 1;
    return tally__round_bits(top, TALLY__SUM_LSB + 64 * m.last - zeros, sticky, fraction, exponent);
}

double tally__sum_round(const tally__sum *s)
{
    bool negative;

    if (s->inf | s->neg_inf | s->nan) return tally__sum_special(s);
    const uint64_t u = sum_round_bits(s, 52, 11, &negative);
    return tally__f64_from(u | (uint64_t)negative << 63);
}

float tally__sum_round_f32(const tally__sum *s)
{
    bool negative;

    if (s->inf | s->neg_inf | s->nan) {
        const uint64_t v = tally__f64_bits(tally__sum_special(s));
        return tally__f32_from(v << 12 ? 0x7fc00000u : v >> 63 ? 0xff800000u : 0x7f800000u);
    }
    const uint32_t u = (uint32_t)sum_round_bits(s, 23, 8, &negative);
    return tally__f32_from(u | (uint32_t)negative << 31);
}

static void put_little(uint8_t *out, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++) out[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t get_little(const uint8_t *in, int bytes)
{
    uint64_t v = 0;

    for (int i = 0; i < bytes; i++) v |= (uint64_t)in[i] << (8 * i);
    return v;
}

/* the window of words that is stored: above it all words repeat the sign of its last one */
static int sum_window(const tally__sum *s, int *first)
{
    int low = 0, high = TALLY__SUM_WORDS - 1;

    while (low < TALLY__SUM_WORDS && !s->word[low]) low++;
    *first = low < TALLY__SUM_WORDS ? low : 0;
    if (low == TALLY__SUM_WORDS) return 0;
    while (high > low && s->word[high] == (s->word[high - 1] >> 63 ? UINT64_MAX : 0)) high--;
    return high - low + 1;
}

size_t tally__sum_pack(const tally__sum *s, uint8_t *out)
{
    int       first;
    const int n = sum_window(s, &first);

    if (out) {
        put_little(out, s->inf, 8);
        put_little(out + 8, s->neg_inf, 8);
        put_little(out + 16, s->nan, 8);
        put_little(out + 24, (uint64_t)first, 2);
        put_little(out + 26, (uint64_t)n, 2);
        for (int i = 0; i < n; i++) put_little(out + 28 + 8 * i, s->word[first + i], 8);
    }
    return 28 + 8 * (size_t)n;
}

size_t tally__sum_unpack(tally__sum *s, const uint8_t *in, size_t n)
{
    tally__sum v = { { 0 }, 0, 0, 0 };
    int        window_first;

    if (n < 28) return 0;
    const uint64_t first = get_little(in + 24, 2), words = get_little(in + 26, 2);
    if (first + words > TALLY__SUM_WORDS || n < 28 + 8 * words) return 0;
    v.inf = get_little(in, 8);
    v.neg_inf = get_little(in + 8, 8);
    v.nan = get_little(in + 16, 8);
    for (uint64_t i = 0; i < words; i++) v.word[first + i] = get_little(in + 28 + 8 * i, 8);
    if (words && v.word[first + words - 1] >> 63)
        memset(v.word + first + words, 0xff, 8 * (TALLY__SUM_WORDS - first - words));
    const int window = sum_window(&v, &window_first);
    if (window != (int)words || window_first != (int)first) return 0;
    *s = v;
    return 28 + 8 * (size_t)words;
}
