/* The exact sum against reading the memory once and against the plain sequential sum. Ratios of one process. */
#include "clock.h"
#include "../../src/tensor/tensor.h"

enum { ROUNDS = 9 };
typedef struct data { float *f32; double *f64; } data;
static volatile double sink;

static void exact_f32(void *p, size_t n)
{
    tally__sum s = { { 0 }, 0, 0, 0 };
    tally__guess g = { 0, 0, 0 };
    tally__sum_add_f32(&s, &g, ((data *)p)->f32, n);
    sink = tally__sum_round(&s);
}

static void exact_f64(void *p, size_t n)
{
    tally__sum s = { { 0 }, 0, 0, 0 };
    tally__guess g = { 0, 0, 0 };
    tally__sum_add_f64(&s, &g, ((data *)p)->f64, n);
    sink = tally__sum_round(&s);
}

static void plain_f32(void *p, size_t n)
{
    const float *x = ((data *)p)->f32;
    float s = 0;
    for (size_t i = 0; i < n; i++) s += x[i];
    sink = (double)s;
}

static void plain_f64(void *p, size_t n)
{
    const double *x = ((data *)p)->f64;
    double s = 0;
    for (size_t i = 0; i < n; i++) s += x[i];
    sink = s;
}

static void read_bytes(const void *p, size_t bytes)
{
    const unsigned char *b = p;
    uint64_t all = 0, word;
    for (size_t i = 0; i + 8 <= bytes; i += 8) {
        memcpy(&word, b + i, 8);
        all |= word;
    }
    sink = (double)all;
}

static void read_f32(void *p, size_t n) { read_bytes(((data *)p)->f32, n * 4); }
static void read_f64(void *p, size_t n) { read_bytes(((data *)p)->f64, n * 8); }

static void row(const char *name, candidate *c, data *d, size_t n)
{
    race(c, 3, d, n, ROUNDS);
    const double exact = median(&c[0], ROUNDS), plain = median(&c[1], ROUNDS), once = median(&c[2], ROUNDS);
    printf("%-5s %9zu  %8.3f ns/value  %6.2f x read  %6.2f x faster than plain\n", name, n, 1e9 * exact / (double)n, exact / once,
           plain / exact);
}

int main(int argc, char **argv)
{
    const size_t sizes[] = { 32, 256, 4096, 1000000, 30000000 }, most = argc > 1 ? (size_t)atol(argv[1]) : 30000000;
    data d = { malloc(most * sizeof(float)), malloc(most * sizeof(double)) };
    uint64_t seed = 1;
    if (!d.f32 || !d.f64) return 1;
    for (size_t i = 0; i < most; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        d.f64[i] = (double)(seed >> 11) * 0x1p-53;
        d.f32[i] = (float)(seed >> 40) * 0x1p-24f;
    }
    for (size_t k = 0; k < TALLY__COUNT(sizes) && sizes[k] <= most; k++) {
        candidate f32[] = { { "exact", exact_f32, { 0 } }, { "plain", plain_f32, { 0 } }, { "read", read_f32, { 0 } } };
        candidate f64[] = { { "exact", exact_f64, { 0 } }, { "plain", plain_f64, { 0 } }, { "read", read_f64, { 0 } } };
        row("f32", f32, &d, sizes[k]);
        row("f64", f64, &d, sizes[k]);
    }
    free(d.f32);
    free(d.f64);
    return 0;
}
