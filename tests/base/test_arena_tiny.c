/* arena with its limits shrunk, first block 64 bytes, most 256: every few pieces meet the end of a block. The same
 * promises as in test_arena.c, checked on random programs of pieces, marks and rewinds. */
#include "../support.h"

#if !defined TALLY_TINY_LIMITS
#define TALLY_TINY_LIMITS
#endif
#define tally__arena_init tiny_init
#define tally__arena_alloc tiny_alloc
#define tally__arena_zalloc tiny_zalloc
#define tally__arena_copy tiny_copy
#define tally__arena_here tiny_here
#define tally__arena_rewind tiny_rewind
#define tally__arena_release tiny_release
#include "../../src/base/arena.c"

enum { PIECES = 64, MARKS = 8 };

typedef struct piece {
    unsigned char *p;
    size_t         n;
    unsigned char  value;
} piece;

typedef struct program {
    tally__arena      a;
    piece             live[PIECES];
    size_t            n;
    tally__arena_mark mark[MARKS];
    size_t            at[MARKS], marks;
    test_rng          r;
} program;

static bool all_whole(const program *g)
{
    for (size_t i = 0; i < g->n; i++)
        for (size_t k = 0; k < g->live[i].n; k++)
            if (g->live[i].p[k] != g->live[i].value)
                return false;
    return true;
}

static void add_piece(program *g)
{
    size_t         n = test_below(&g->r, test_below(&g->r, 8) ? 80 : 600);
    unsigned char  value = (unsigned char)test_next(&g->r);
    unsigned char *p = tiny_alloc(&g->a, n);
    if (!p)
        return;                      /* refused: the rest must still be whole */
    assert_int_equal((uintptr_t)p % (n >= 64 ? 64 : 16), 0);
    memset(p, value, n);
    g->live[g->n++] = (piece){ p, n, value };
}

static void step(program *g)
{
    size_t what = test_below(&g->r, 10);
    if (what == 0 && g->marks < MARKS) {
        g->mark[g->marks] = tiny_here(&g->a);
        g->at[g->marks++] = g->n;
    } else if ((what == 1 && g->marks) || g->n == PIECES) {
        size_t back = g->marks ? test_below(&g->r, g->marks) : 0;
        tally__arena_mark start = { NULL, 0 };
        tiny_rewind(&g->a, g->marks ? g->mark[back] : start);
        g->n = g->marks ? g->at[back] : 0;
        g->marks = back;
    } else {
        add_piece(g);
    }
}

static void run_program(uint64_t seed, size_t fail_at)
{
    test_memory    m = { .fail_at = fail_at };
    tally_context *c = test_context(&m, NULL);
    program        g = { .n = 0, .r = { seed } };
    tiny_init(&g.a, c);
    for (int i = 0; i < 200; i++) {
        step(&g);
        if (!all_whole(&g)) {
            print_error("seed %llu, fail_at %zu, step %d: a live piece was overwritten\n", (unsigned long long)seed,
                        fail_at, i);
            fail();
        }
    }
    tiny_release(&g.a);
    assert_int_equal(tally_context_bytes(c), 0);
    tally_context_release(c);
    assert_int_equal(m.blocks, 0);
}

static void live_pieces_stay_whole_whatever_is_marked_and_rewound(void **state)
{
    (void)state;
    for (uint64_t seed = test_scaled(500); seed; seed--)
        run_program(seed, 0);
}

static void a_refused_block_harms_no_live_piece(void **state)
{
    (void)state;
    for (uint64_t seed = test_scaled(50); seed; seed--)
        for (size_t k = 2; k < 12; k++)
            run_program(seed, k);
}

/* pieces of the same order, each of at most its first size, and all once more from a mark in the middle */
static void take_pieces(tally__arena *a, const size_t *most, size_t n, test_rng *r, bool whole)
{
    tally__arena_mark start = { NULL, 0 }, middle = start;
    tiny_rewind(a, start);
    for (size_t turn = 0; turn < 2; turn++) {
        for (size_t i = turn ? n / 2 : 0; i < n; i++) {
            if (!turn && i == n / 2)
                middle = tiny_here(a);
            assert_non_null(tiny_alloc(a, whole ? most[i] : test_below(r, most[i] + 1)));
        }
        tiny_rewind(a, middle);
    }
}

static void smaller_pieces_ask_for_nothing(void **state)
{
    size_t most[PIECES];
    (void)state;
    for (uint64_t seed = test_scaled(500); seed; seed--) {
        test_memory    m = { 0 };
        tally_context *c = test_context(&m, NULL);
        test_rng       r = { seed };
        tally__arena   a;
        tiny_init(&a, c);
        for (size_t i = 0; i < PIECES; i++)
            most[i] = test_below(&r, test_below(&r, 4) ? 90 : 900);
        take_pieces(&a, most, PIECES, &r, true);
        size_t calls = m.calls;
        for (int round = 0; round < 20; round++)
            take_pieces(&a, most, PIECES, &r, false);
        if (m.calls != calls)
            print_error("seed %llu: %zu blocks more\n", (unsigned long long)seed, m.calls - calls);
        assert_int_equal(m.calls, calls);
        tiny_release(&a);
        tally_context_release(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_pieces_stay_whole_whatever_is_marked_and_rewound),
        cmocka_unit_test(a_refused_block_harms_no_live_piece),
        cmocka_unit_test(smaller_pieces_ask_for_nothing),
    };
    return cmocka_run_group_tests_name("base arena_tiny", tests, NULL, NULL);
}
