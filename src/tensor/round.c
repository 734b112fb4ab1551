/* round: the one place where a number is rounded to a binary format, from bits, to nearest even. The exact
 * sum, the ratio and the conversions to half formats all end here. Refuses to know where the number comes
 * from. */
#include "tensor.h"

int tally__leading_zeros(uint64_t v)
{
    int n = 0;

    if (!v) return 64;
    if (!(v >> 32)) n += 32, v <<= 32;
    if (!(v >> 48)) n += 16, v <<= 16;
    if (!(v >> 56)) n += 8, v <<= 8;
    if (!(v >> 60)) n += 4, v <<= 4;
    if (!(v >> 62)) n += 2, v <<= 2;
    return n + !(v >> 63);
}

/* m / 2^drop to nearest even, 0 < drop; up to 2^63 of m may be lost */
static uint64_t drop_bits(uint64_t m, int drop, bool sticky)
{
    if (drop > 64) return 0;
    uint64_t kept = drop < 64 ? m >> drop : 0, half = (uint64_t)1 << (drop - 1);
    bool     up = (m & half) && ((m & (half - 1)) || sticky || (kept & 1));
    return kept + up;
}

uint64_t tally__round_bits(uint64_t m, int e, bool sticky, int fraction, int exponent)
{
    const int bias = (1 << (exponent - 1)) - 1;
    const int zeros = tally__leading_zeros(m);

    assert(!sticky || zeros <= 61 - fraction);
    if (!m) return 0;
    const int top = e + 63 - zeros, biased = top + bias;
    const int last = (biased > 0 ? top : 1 - bias) - fraction;   /* exponent of the last bit kept */
    if (biased > 2 * bias) return (uint64_t)(2 * bias + 1) << fraction;
    const uint64_t kept = last > e ? drop_bits(m, last - e, sticky) : m << (e - last);
    /* a carry out of `kept` moves into the exponent: the next power of two, in the end infinity */
    return biased > 0 ? ((uint64_t)(biased - 1) << fraction) + kept : kept;
}
