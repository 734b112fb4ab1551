/* Every loop of every instruction set that this machine has: ns per element at one block in cache, and the ratio to reading
 * its operands once; row kernels in ns per row. The least of many rounds: a busy neighbour only adds.
 * bench_kernels [part of a name] shows those only. */
#include "clock.h"
#include "../../src/kernel/kernel.h"

enum { N = 1024, ROUNDS = 9, REPEAT = 64, ROWS = 96, MOST_COLUMNS = 1000 };
static const char *const type_name[TALLY__LANE_TYPES] = { "f32", "f64", "i32", "i64", "u8", "bool" };
static const size_t      type_size[TALLY__LANE_TYPES] = { 4, 8, 4, 8, 1, 1 };
static const char *const form_name[TALLY__FORMS] = { "vvv", "svv", "vsv", "", "vvs", "", "vss", "" };

static _Alignas(64) unsigned char memory[4][N * 8];
static volatile uint64_t          sink;

typedef struct work {
    tally__loop_kernel *kernel;
    size_t              bytes;      /* of all operands */
} work;

static void run_kernel(void *p, size_t n)
{
    const work *w = p;
    for (int i = 0; i < REPEAT; i++)
        w->kernel(memory[3], memory[0], memory[1], memory[2], n);
}

static void run_read(void *p, size_t n)
{
    const work *w = p;
    (void)n;
    for (int i = 0; i < REPEAT; i++) {
        uint64_t all[8] = { 0 }, word[8];
        for (size_t at = 0; at + sizeof word <= w->bytes; at += sizeof word) {
            memcpy(word, memory[0] + at, sizeof word);
            for (int k = 0; k < 8; k++)
                all[k] |= word[k];
        }
        sink = all[0] | all[1] | all[2] | all[3] | all[4] | all[5] | all[6] | all[7];
    }
}

/* values in (0, 1), whole numbers, or truth */
static void fill(int type)
{
    uint64_t seed = 1;
    for (int k = 0; k < 3; k++)
        for (size_t i = 0; i < N; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            switch (type) {
            case TALLY__LANE_F32: ((float *)(void *)memory[k])[i] = (float)(seed >> 40) * 0x1p-24f; break;
            case TALLY__LANE_F64: ((double *)(void *)memory[k])[i] = (double)(seed >> 11) * 0x1p-53; break;
            case TALLY__LANE_I32: ((int32_t *)(void *)memory[k])[i] = (int32_t)(seed >> 56); break;
            case TALLY__LANE_I64: ((int64_t *)(void *)memory[k])[i] = (int64_t)(seed >> 56); break;
            case TALLY__LANE_U8: memory[k][i] = (unsigned char)(seed >> 56); break;
            default: memory[k][i] = (unsigned char)(seed >> 63); break;
            }
        }
}

typedef tally__loop_kernel *pick(const tally__kernel_set *set, int a, int b, int c);
static tally__loop_kernel *pick_element(const tally__kernel_set *set, int op, int type, int form) { return set->element[op][type][form]; }
static tally__loop_kernel *pick_cast(const tally__kernel_set *set, int from, int to, int unused)
{
    (void)unused;
    return set->cast[from][to];
}

static const tally__kernel_set *sets[3];
static int                      n_sets;

static void row(const char *name, pick *of, int a, int b, int c, size_t bytes, const char *wanted)
{
    if (!of(sets[0], a, b, c) || (wanted && !strstr(name, wanted)))
        return;
    printf("%-26s", name);
    for (int s = 0; s < n_sets; s++) {
        work      w = { of(sets[s], a, b, c), bytes };
        candidate each[] = { { "kernel", run_kernel, { 0 } }, { "read", run_read, { 0 } } };
        race(each, 2, &w, N, ROUNDS);
        printf("  %8.4f %5.1fx", 1e9 * each[0].seconds[0] / REPEAT / N, each[0].seconds[0] / each[1].seconds[0]);
    }
    printf("\n");
}

static size_t operand_bytes(int op, int type, int form)
{
    int    arity = tally__op_table[op].arity;
    size_t dense = 0;
    for (int i = 0; i < arity; i++)
        dense += form >> i & 1 ? 0 : tally__op_table[op].takes[i] == 'c' ? 1 : type_size[type];
    return TALLY__MIN(dense, 16u) * N / 2 >= sizeof memory[0] ? sizeof memory[0] : dense * N;
}

/* ---- rows: ROWS lines of some columns */
typedef struct row_work {
    tally__loop_kernel *kernel;
    size_t              columns;
    void               *x, *ids, *out;
} row_work;

static void run_row_kernel(void *p, size_t rows)
{
    const row_work *w = p;
    w->kernel(w->out, w->x, &w->columns, w->ids, rows);
}

static void rows_table(const char *wanted)
{
    static const int    ops[] = { TALLY__OP_sum,         TALLY__OP_max,       TALLY__OP_argmax, TALLY__OP_softmax,
                                  TALLY__OP_log_softmax, TALLY__OP_logsumexp, TALLY__OP_rank_of };
    static const size_t columns[] = { 2, 10, 64, 100, MOST_COLUMNS };
    static float        x[ROWS * MOST_COLUMNS], out[ROWS * MOST_COLUMNS];
    static int64_t      ids[ROWS];
    for (size_t i = 0; i < ROWS * MOST_COLUMNS; i++)
        x[i] = (float)(i * 7919 % 1009) * 0.01f;
    for (size_t o = 0; o < TALLY__COUNT(ops); o++)
        for (size_t c = 0; c < TALLY__COUNT(columns); c++) {
            char name[64];
            snprintf(name, sizeof name, "%s f32 [n, %zu]", tally__op_table[ops[o]].name, columns[c]);
            if (wanted && !strstr(name, wanted))
                continue;
            printf("%-26s", name);
            for (int s = 0; s < n_sets; s++) {
                row_work  w = { sets[s]->row->op[ops[o]][TALLY__LANE_F32], columns[c], x, ids, out };
                candidate each[] = { { "rows", run_row_kernel, { 0 } } };
                race(each, 1, &w, ROWS, ROUNDS);
                printf("  %8.2f a row  ", 1e9 * each[0].seconds[0] / ROWS);
            }
            printf("\n");
        }
}

int main(int argc, char **argv)
{
    const char *wanted = argc > 1 ? argv[1] : NULL;
    for (int isa = TALLY__ISA_BASE; isa <= (int)TALLY__ISA_AVX512; isa++) {
        const tally__kernel_set *set = tally__kernels_for((tally__isa)isa);
        if (!n_sets || set != sets[n_sets - 1])
            sets[n_sets++] = set;
    }
    printf("ns per element and x the time to read, n = %d\n%-26s", N, "");
    for (int s = 0; s < n_sets; s++)
        printf("  %-15s", sets[s]->name);
    printf("\n");
    char name[64];
    for (int type = 0; type < TALLY__LANE_TYPES; type++) {
        fill(type);
        for (int op = 1; op < TALLY__OPS; op++)
            for (int form = 0; form < TALLY__FORMS; form++) {
                snprintf(name, sizeof name, "%s %s %.*s", tally__op_table[op].name, type_name[type], (int)tally__op_table[op].arity,
                         form_name[form]);
                row(name, pick_element, op, type, form, operand_bytes(op, type, form), wanted);
            }
        for (int to = 0; to < TALLY__LANE_TYPES; to++) {
            snprintf(name, sizeof name, "cast %s to %s", type_name[type], type_name[to]);
            row(name, pick_cast, type, to, 0, type_size[type] * N, wanted);
        }
    }
    rows_table(wanted);
    return 0;
}
