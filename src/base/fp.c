/* fp: the floating-point environment of a call. Every promise about bits rests on round to nearest, gradual underflow
 * and masked traps, whatever the caller's program has set. Where the control word can be written (x86, aarch64) it is
 * set for the call and put back after it; elsewhere a wrong environment is found by arithmetic and refused. */
#include "base.h"

#include <float.h>

#if defined TALLY_FP_PROBE
/* chosen by a test that covers the portable path */
#elif defined __SSE__ || defined _M_X64 || (defined _M_IX86_FP && _M_IX86_FP >= 1)
#define FP_X86 1
#include <xmmintrin.h>
#elif defined __aarch64__ && defined __GNUC__
#define FP_AARCH64 1
#endif

#if defined FP_X86

enum {
    CSR_DAZ = 0x0040, CSR_MASKS = 0x1f80, CSR_ROUND = 0x6000, CSR_FTZ = 0x8000,
    CSR_OURS = CSR_DAZ | CSR_MASKS | CSR_ROUND | CSR_FTZ
};

tally_status tally__fp_enter(tally__fp *fp, tally_error *err)
{
    unsigned now = _mm_getcsr();
    (void)err;
    fp->saved = now;
    fp->changed = (now & CSR_OURS) != CSR_MASKS;
    if (fp->changed)
        _mm_setcsr((now & ~(unsigned)CSR_OURS) | CSR_MASKS);
    return TALLY_OK;
}

void tally__fp_restore(const tally__fp *fp)
{
    _mm_setcsr((unsigned)fp->saved);
}

#elif defined FP_AARCH64

/* rounding, FZ, FZ16, DN, the alternate handling AH and FIZ, and all trap enables: zero is the default of each */
#define FPCR_OURS UINT64_C(0x03c89f03)

tally_status tally__fp_enter(tally__fp *fp, tally_error *err)
{
    uint64_t now;
    (void)err;
    __asm__ volatile("mrs %0, fpcr" : "=r"(now));
    fp->saved = now;
    fp->changed = (now & FPCR_OURS) != 0;
    if (fp->changed)
        __asm__ volatile("msr fpcr, %0" : : "r"(now & ~FPCR_OURS) : "memory");
    return TALLY_OK;
}

void tally__fp_restore(const tally__fp *fp)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(fp->saved) : "memory");
}

#else

/* volatile: the compiler must not compute what the machine would do */
static bool rounds_to_nearest(void)
{
    volatile double one = 1, tiny = DBL_EPSILON / 8, up = one + tiny, down = one - tiny, below = -one - tiny;
    return up == 1 && down == 1 && below == -1;
}

/* compared as bits: a comparison may flush its operands too */
static bool underflows_gradually(void)
{
    volatile double half = 0.5, least = DBL_MIN, d = least * half, twice = d + d;
    volatile float  half_f = 0.5f, least_f = FLT_MIN, f = least_f * half_f, twice_f = f + f;
    double          d_read = d, twice_read = twice;
    float           f_read = f, twice_f_read = twice_f;
    uint64_t        d_bits, twice_bits;
    uint32_t        f_bits, twice_f_bits;
    memcpy(&d_bits, &d_read, 8);
    memcpy(&twice_bits, &twice_read, 8);
    memcpy(&f_bits, &f_read, 4);
    memcpy(&twice_f_bits, &twice_f_read, 4);
    return d_bits == UINT64_C(1) << 51 && twice_bits == UINT64_C(1) << 52 && f_bits == UINT32_C(1) << 22 &&
           twice_f_bits == UINT32_C(1) << 23;
}

tally_status tally__fp_enter(tally__fp *fp, tally_error *err)
{
    *fp = (tally__fp){ 0, false };
    if (!rounds_to_nearest())
        return tally__fail(err, TALLY_FAILED_PRECONDITION, -1,
                           "floating-point environment: rounding, expected to nearest, found another mode");
    if (!underflows_gradually())
        return tally__fail(err, TALLY_FAILED_PRECONDITION, -1,
                           "floating-point environment: underflow, expected gradual, found flush to zero");
    return TALLY_OK;
}

void tally__fp_restore(const tally__fp *fp)
{
    (void)fp;
}

#endif
