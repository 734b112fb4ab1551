/* exhaustive [FUNCTION...]: exp, log and their relatives for all 2^32 floats, on every instruction set of this machine: a hash
 * of all results (one NaN is as good as another), which must be the same for all sets and compilers, and the largest error in
 * units of the last place, against the library's double functions, which tests/graph/test_math.c compares with long double.
 * log_normal, log1p_positive: are they log for all positive normal floats, log1p for all that are not negative, bit for bit?
 * About two minutes; its results stand in tests/README.md. */
#include <stdio.h>

#include "../../src/kernel/kernel.h"

enum { BLOCK = 1 << 16 };
static float in[BLOCK], out[BLOCK];

static double wide[BLOCK], exact[BLOCK];

typedef struct function {
    const char *name;
    int         op;
} function;

static const function functions[] = {
    { "exp", TALLY__OP_exp },
    { "log", TALLY__OP_log },
    { "log1p", TALLY__OP_log1p },
    { "sigmoid", TALLY__OP_sigmoid },
    { "tanh", TALLY__OP_tanh },
};

static void fill(uint32_t first)
{
    for (uint32_t i = 0; i < BLOCK; i++)
        in[i] = tally__f32_from(first + i);
}

static uint64_t hash_block(uint64_t hash)
{
    for (uint32_t i = 0; i < BLOCK; i++) {
        const uint32_t u = tally__f32_bits(out[i]);
        hash += ((uint64_t)(out[i] == out[i] ? u : 0x7fc00000u) + 1) * (2 * (uint64_t)i + 0x9e3779b97f4a7c15u);
    }
    return hash * 0xff51afd7ed558ccdu + 1;
}

static uint64_t hash_all(const function *f, const tally__kernel_set *set)
{
    uint64_t hash = 0;
    for (uint32_t block = 0; block < UINT32_MAX / BLOCK + 1; block++) {
        fill(block * BLOCK);
        set->element[f->op][TALLY__LANE_F32][TALLY__FORM_VVV](out, in, NULL, NULL, BLOCK);
        hash = hash_block(hash);
    }
    return hash;
}

/* |got - want| in units of the last place of a float near want. A result that should be a NaN or an infinity and is none, or
 * the other way round, counts as very wrong */
static double error_of(float got, double want)
{
    const double   limit = 0x1.ffffffp127, size = want < 0 ? -want : want;      /* from here on a float is rounded to infinity */
    const bool     finite = size < limit, got_finite = got - got == 0;
    const uint64_t exponent = tally__f64_bits(size) >> 52, least = exponent < 1023 - 126 ? 1023 - 126 : exponent;
    const double   unit = tally__f64_from((least - 23) << 52), away = (double)got - want;
    if (finite != got_finite || (want != want) != (got != got))
        return 0x1p1000;
    return !finite ? 0 : (away < 0 ? -away : away) / unit;
}

static double largest_error(const function *f, const tally__kernel_set *set, float *where)
{
    double most = 0;
    for (uint32_t block = 0; block < UINT32_MAX / BLOCK + 1; block++) {
        fill(block * BLOCK);
        set->element[f->op][TALLY__LANE_F32][TALLY__FORM_VVV](out, in, NULL, NULL, BLOCK);
        set->cast[TALLY__LANE_F32][TALLY__LANE_F64](wide, in, NULL, NULL, BLOCK);
        set->element[f->op][TALLY__LANE_F64][TALLY__FORM_VVV](exact, wide, NULL, NULL, BLOCK);
        for (uint32_t i = 0; i < BLOCK; i++) {
            const double error = error_of(out[i], exact[i]);
            if (error > most)
                most = error, *where = in[i];
        }
    }
    return most;
}

/* what stands for a function where its operand is known, against the function: up to infinity, which is left out */
typedef struct stand_in {
    const char *name;
    int         op, of;
    uint32_t    first;          /* bits of the least float */
} stand_in;

static const stand_in stand_ins[] = {
    { "log_normal", TALLY__OP_log_normal, TALLY__OP_log, 0x00800000u },
    { "log1p_positive", TALLY__OP_log1p_positive, TALLY__OP_log1p, 0 },
};

static int stand_in_differs(const stand_in *s, const tally__kernel_set *set)
{
    static float same[BLOCK];
    for (uint32_t first = s->first; first < 0x7f800000u; first += BLOCK) {
        fill(first);
        set->element[s->of][TALLY__LANE_F32][TALLY__FORM_VVV](out, in, NULL, NULL, BLOCK);
        set->element[s->op][TALLY__LANE_F32][TALLY__FORM_VVV](same, in, NULL, NULL, BLOCK);
        if (memcmp(out, same, sizeof out))
            return 1;
    }
    return 0;
}

static int check_stand_in(const stand_in *s)
{
    int failed = 0;
    for (int isa = TALLY__ISA_BASE; isa <= (int)tally__cpu(); isa++) {
        const tally__kernel_set *set = tally__kernels_for((tally__isa)isa);
        const int                differs = stand_in_differs(s, set);
        printf("%-14s %-5s %s\n", s->name, set->name, differs ? "differs" : "agrees");
        fflush(stdout);
        failed |= differs;
    }
    return failed;
}

static int wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], name))
            return 1;
    return argc == 1;
}

int main(int argc, char **argv)
{
    int failed = 0;
    for (size_t k = 0; k < TALLY__COUNT(functions); k++) {
        if (!wanted(functions[k].name, argc, argv))
            continue;
        uint64_t hash = 0;
        for (int isa = TALLY__ISA_BASE; isa <= (int)tally__cpu(); isa++) {
            const tally__kernel_set *set = tally__kernels_for((tally__isa)isa);
            const uint64_t           here = hash_all(&functions[k], set);
            printf("%-8s %-5s %016llx\n", functions[k].name, set->name, (unsigned long long)here);
            fflush(stdout);
            failed |= isa > TALLY__ISA_BASE && here != hash;
            hash = here;
        }
        float        where = 0;
        const double error = largest_error(&functions[k], tally__kernels_for(tally__cpu()), &where);
        printf("%-8s at most %.4f ulp, at %a\n", functions[k].name, error, (double)where);
        fflush(stdout);
        failed |= !(error <= 1.0);
    }
    for (size_t k = 0; k < TALLY__COUNT(stand_ins); k++)
        if (wanted(stand_ins[k].name, argc, argv))
            failed |= check_stand_in(&stand_ins[k]);
    printf(failed ? "failed\n" : "all sets agree, all errors are at most 1 ulp\n");
    return failed;
}
