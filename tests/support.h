/* support: what every test file of the suite starts with. Exact comparisons that show both values as decimal and as
 * bits, a seeded random source, the scale of a run, and an allocator that counts, checks and fails on demand.
 * Only tests include it; it may use stdio and the environment, which the library may not. */
#ifndef TALLY_TESTS_SUPPORT_H
#define TALLY_TESTS_SUPPORT_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tally/base.h>

/* ---- exact comparison ---------------------------------------------------------------------------------------- */

static inline uint64_t test_bits_f64(double v)
{
    uint64_t b;
    memcpy(&b, &v, sizeof b);
    return b;
}

static inline double test_from_bits_f64(uint64_t b)
{
    double v;
    memcpy(&v, &b, sizeof v);
    return v;
}

static inline uint32_t test_bits_f32(float v)
{
    uint32_t b;
    memcpy(&b, &v, sizeof b);
    return b;
}

static inline float test_from_bits_f32(uint32_t b)
{
    float v;
    memcpy(&v, &b, sizeof v);
    return v;
}

static inline void test_same_f64(double got, double want, const char *what, const char *file, int line)
{
    uint64_t g = test_bits_f64(got), w = test_bits_f64(want);
    if (g == w)
        return;
    print_error("%s: got %.17g (0x%016llx), expected %.17g (0x%016llx)\n", what, got, (unsigned long long)g, want,
                (unsigned long long)w);
    _fail(file, line);
}

static inline void test_same_f32(float got, float want, const char *what, const char *file, int line)
{
    uint32_t g = test_bits_f32(got), w = test_bits_f32(want);
    if (g == w)
        return;
    print_error("%s: got %.9g (0x%08lx), expected %.9g (0x%08lx)\n", what, (double)got, (unsigned long)g, (double)want,
                (unsigned long)w);
    _fail(file, line);
}

/* equal bit for bit: -0 is not 0, and a NaN equals the same NaN */
#define assert_bits_f64(got, want) test_same_f64((got), (want), #got, __FILE__, __LINE__)
#define assert_bits_f32(got, want) test_same_f32((got), (want), #got, __FILE__, __LINE__)

/* both NaN, of whatever bits, or equal bits */
#define assert_same_number(got, want)                                                                                  \
    do {                                                                                                               \
        double test_got_ = (got), test_want_ = (want);                                                                 \
        if (!(test_got_ != test_got_ && test_want_ != test_want_))                                                     \
            test_same_f64(test_got_, test_want_, #got, __FILE__, __LINE__);                                            \
    } while (0)

/* ---- errors -------------------------------------------------------------------------------------------------- */

static inline void test_error_has(const tally_error *err, tally_status status, const char *part, const char *file,
                                  int line)
{
    if (err->status == status && strstr(err->text, part))
        return;
    print_error("error is %s \"%s\", expected %s with \"%s\"\n", tally_status_name(err->status), err->text,
                tally_status_name(status), part);
    _fail(file, line);
}

#define assert_error_has(err, status, part) test_error_has((err), (status), (part), __FILE__, __LINE__)

static inline void test_status_is(tally_status got, tally_status want, const tally_error *err, const char *what,
                                  const char *file, int line)
{
    if (got == want)
        return;
    print_error("%s: %s, expected %s; text \"%s\"\n", what, tally_status_name(got), tally_status_name(want),
                err && got ? err->text : "");
    _fail(file, line);
}

#define assert_status(call, want, err) test_status_is((call), (want), (err), #call, __FILE__, __LINE__)
#define assert_ok(call, err) test_status_is((call), TALLY_OK, (err), #call, __FILE__, __LINE__)

/* ---- random numbers (splitmix64) ----------------------------------------------------------------------------- */

typedef struct test_rng {
    uint64_t state;      /* the seed; print it where a case fails */
} test_rng;

static inline uint64_t test_next(test_rng *r)
{
    uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* 0 .. n-1; n > 0, small against 2^64 */
static inline size_t test_below(test_rng *r, size_t n)
{
    return (size_t)(test_next(r) % n);
}

/* [0, 1), 53 bits */
static inline double test_unit(test_rng *r)
{
    return (double)(test_next(r) >> 11) * 0x1p-53;
}

/* any finite double, every exponent as likely as any other */
static inline double test_any_f64(test_rng *r)
{
    for (;;) {
        double v = test_from_bits_f64(test_next(r));
        if (isfinite(v))
            return v;
    }
}

/* ---- oracles ------------------------------------------------------------------------------------------------- */

/* A test whose oracle is long double skips where that is no wider than double: MSVC, Apple's arm64, valgrind. */
static inline bool test_has_wide_long_double(void)
{
    volatile long double one = 1, tiny = 0x1p-60L;
    return one + tiny != one;
}

/* ---- scale --------------------------------------------------------------------------------------------------- */

/* TALLY_TEST_SCALE=10 or 100 asks for a tenth or a hundredth of the cases, with the same seeds (sanitizers, valgrind) */
static inline size_t test_scaled(size_t n)
{
    const char *text = getenv("TALLY_TEST_SCALE");
    long        by = text ? strtol(text, NULL, 10) : 1;
    size_t      scaled = by > 1 ? n / (size_t)by : n;
    return scaled ? scaled : 1;
}

/* ---- memory -------------------------------------------------------------------------------------------------- */

/* An allocator for a context. It fails the call number fail_at (1 is the first, 0 none), or all from there on; counts
 * what is live; and when a block is freed checks its size and that nothing was written past its end. */
typedef struct test_memory {
    atomic_size_t calls;         /* allocations asked for, the failed ones included */
    atomic_size_t blocks;        /* live now */
    atomic_size_t bytes;         /* live now, as asked for */
    size_t        fail_at;
    bool          fail_all_after;
} test_memory;

enum { TEST_MEMORY_HEAD = 64, TEST_MEMORY_FENCE = 64, TEST_MEMORY_MARK = 0xa5 };

static inline void *test_memory_alloc(void *user, size_t size, size_t align)
{
    test_memory *m = user;
    size_t       call = atomic_fetch_add(&m->calls, 1) + 1;
    if (m->fail_at && (call == m->fail_at || (m->fail_all_after && call > m->fail_at)))
        return NULL;
    if (align > TEST_MEMORY_HEAD || size > SIZE_MAX / 2)
        return NULL;
    size_t         whole = (TEST_MEMORY_HEAD + size + TEST_MEMORY_FENCE + 63) / 64 * 64;
    unsigned char *p = aligned_alloc(64, whole);
    if (!p)
        return NULL;
    memset(p, TEST_MEMORY_MARK, whole);   /* also what a fresh block holds: nobody may count on zeros */
    memcpy(p, &size, sizeof size);
    atomic_fetch_add(&m->blocks, 1);
    atomic_fetch_add(&m->bytes, size);
    return p + TEST_MEMORY_HEAD;
}

static inline void test_memory_free(void *user, void *block, size_t size)
{
    test_memory *m = user;
    if (!block)
        return;
    unsigned char *p = (unsigned char *)block - TEST_MEMORY_HEAD;
    size_t         asked;
    memcpy(&asked, p, sizeof asked);
    if (asked != size) {
        fprintf(stderr, "memory: a block of %zu bytes was freed as %zu\n", asked, size);
        abort();
    }
    for (size_t i = 0; i < TEST_MEMORY_FENCE; i++)
        if (p[TEST_MEMORY_HEAD + size + i] != TEST_MEMORY_MARK) {
            fprintf(stderr, "memory: written %zu bytes past the end of a block of %zu\n", i, size);
            abort();
        }
    atomic_fetch_sub(&m->blocks, 1);
    atomic_fetch_sub(&m->bytes, size);
    free(p);
}

static inline tally_allocator test_allocator(test_memory *m)
{
    tally_allocator a = { test_memory_alloc, test_memory_free, m };
    return a;
}

/* a context on this memory; NULL when its own allocation was made to fail */
static inline tally_context *test_context(test_memory *m, tally_error *err)
{
    tally_context_options o = TALLY_CONTEXT_OPTIONS_INIT;
    o.allocator = test_allocator(m);
    return tally_context_new(&o, err);
}

#endif
