/* hash: 64 bits of any bytes, the same on every machine, as fingerprints travel. Spreads well; resists no attacker.
 * Words are read lowest byte first whatever the machine's order. */
#include "base.h"

static uint64_t rotate_left(uint64_t v, int n)
{
    return v << n | v >> (64 - n);
}

static uint64_t mix_word(uint64_t v)
{
    v ^= v >> 32;
    v *= UINT64_C(0xd6e8feb86659fd93);
    v ^= v >> 32;
    v *= UINT64_C(0xd6e8feb86659fd93);
    return v ^ v >> 32;
}

static uint64_t read_little(const unsigned char *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

uint64_t tally__hash(const void *p, size_t n, uint64_t seed)
{
    const unsigned char *byte = p;
    uint64_t             h = mix_word(seed ^ UINT64_C(0x9e3779b97f4a7c15)) + n;
    for (; n >= 8; n -= 8, byte += 8)
        h = rotate_left(h ^ mix_word(read_little(byte, 8)), 27) * UINT64_C(0x9fb21c651e98df25) + 1;
    if (n)
        h = rotate_left(h ^ mix_word(read_little(byte, n)), 27) * UINT64_C(0x9fb21c651e98df25) + 1;
    return mix_word(h);
}
