/* cpu: which instruction sets this machine and its system offer, found once and kept in the library's one mutable
 * global. Two threads that look for the first time both find the same. A level counts only when all its parts do, and
 * when the system saves its registers. */
#include "base.h"

#if defined __x86_64__ && defined __GNUC__
#define CPU_X86 1
#include <cpuid.h>

static void read_cpuid(unsigned leaf, unsigned r[4])
{
    if (!__get_cpuid_count(leaf, 0, &r[0], &r[1], &r[2], &r[3]))
        memset(r, 0, 4 * sizeof r[0]);
}

static unsigned read_saved_state(void)
{
    unsigned low, high;
    __asm__ volatile(".byte 0x0f, 0x01, 0xd0" : "=a"(low), "=d"(high) : "c"(0));   /* xgetbv; old assemblers lack it */
    return low;
}

#elif defined _M_X64
#define CPU_X86 1
#include <intrin.h>

static void read_cpuid(unsigned leaf, unsigned r[4])
{
    int out[4], most[4];
    __cpuid(most, (int)(leaf & 0x80000000u));
    if ((unsigned)most[0] < leaf)
        memset(out, 0, sizeof out);
    else
        __cpuidex(out, (int)leaf, 0);
    memcpy(r, out, sizeof out);
}

static unsigned read_saved_state(void)
{
    return (unsigned)_xgetbv(0);
}
#endif

#if defined CPU_X86

#define BIT(n) (1u << (n))

static bool has_all(unsigned word, unsigned wanted)
{
    return (word & wanted) == wanted;
}

static tally__isa cpu_probe(void)
{
    enum { EAX, EBX, ECX, EDX };
    unsigned one[4], seven[4], extended[4];
    read_cpuid(1, one);
    read_cpuid(7, seven);
    read_cpuid(0x80000001u, extended);
    /* SSE3, SSSE3, FMA, CX16, SSE4.1, SSE4.2, MOVBE, POPCNT, OSXSAVE, AVX, F16C */
    unsigned v3_one = BIT(0) | BIT(9) | BIT(12) | BIT(13) | BIT(19) | BIT(20) | BIT(22) | BIT(23) | BIT(27) | BIT(28) |
                      BIT(29);
    unsigned v3_seven = BIT(3) | BIT(5) | BIT(8);                             /* BMI1, AVX2, BMI2 */
    unsigned v4_seven = BIT(16) | BIT(17) | BIT(28) | BIT(30) | BIT(31);      /* AVX512 F, DQ, CD, BW, VL */
    if (!has_all(one[ECX], v3_one) || !has_all(seven[EBX], v3_seven) || !has_all(extended[ECX], BIT(0) | BIT(5)))
        return TALLY__ISA_BASE;
    unsigned saved = read_saved_state();
    if (!has_all(saved, 0x06))                                                /* xmm, ymm */
        return TALLY__ISA_BASE;
    return has_all(seven[EBX], v4_seven) && has_all(saved, 0xe6) ? TALLY__ISA_AVX512 : TALLY__ISA_AVX2;
}

#else

static tally__isa cpu_probe(void)
{
    return TALLY__ISA_BASE;
}

#endif

tally__isa tally__cpu(void)
{
    static atomic_int known;       /* level + 1; 0 is not looked yet */
    int               level = atomic_load_explicit(&known, memory_order_relaxed);
    if (!level) {
        level = (int)cpu_probe() + 1;
        atomic_store_explicit(&known, level, memory_order_relaxed);
    }
    return (tally__isa)(level - 1);
}
