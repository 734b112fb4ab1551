/* arena: alignment, rewinding, reuse without allocation, and what a refused block leaves. */
#include "../support.h"

#include "../../src/base/base.h"

static void pieces_are_aligned_and_apart(void **state)
{
    enum { PIECES = 2000 };
    static unsigned char *piece[PIECES];
    static size_t         size[PIECES];
    test_memory           m = { 0 };
    tally_context        *c = test_context(&m, NULL);
    tally__arena          a;
    test_rng              r = { 3 };
    (void)state;
    tally__arena_init(&a, c);
    for (size_t i = 0; i < PIECES; i++) {
        size[i] = test_below(&r, i % 100 ? 300 : 200000);
        piece[i] = tally__arena_alloc(&a, size[i]);
        assert_non_null(piece[i]);
        assert_int_equal((uintptr_t)piece[i] % (size[i] >= 64 ? 64 : 16), 0);
        memset(piece[i], (int)(i % 251), size[i]);
    }
    for (size_t i = 0; i < PIECES; i++)
        for (size_t j = 0; j < size[i]; j++)
            assert_int_equal(piece[i][j], i % 251);
    tally__arena_release(&a);
    assert_int_equal(tally_context_bytes(c), 0);
    tally_context_release(c);
    assert_int_equal(m.blocks, 0);
}

static void zalloc_clears_what_rewinding_left(void **state)
{
    tally_context *c = tally_context_new(NULL, NULL);
    tally__arena   a;
    (void)state;
    tally__arena_init(&a, c);
    tally__arena_mark start = tally__arena_here(&a);
    memset(tally__arena_alloc(&a, 100), 0xff, 100);
    tally__arena_rewind(&a, start);
    unsigned char *p = tally__arena_zalloc(&a, 100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(p[i], 0);
    tally__arena_release(&a);
    tally_context_release(c);
}

static void copies_are_texts_of_their_own(void **state)
{
    tally_context *c = tally_context_new(NULL, NULL);
    tally__arena   a;
    char           text[] = "a text";
    (void)state;
    tally__arena_init(&a, c);
    char *copy = tally__arena_copy(&a, text);
    text[0] = 'X';
    assert_string_equal(copy, "a text");
    assert_string_equal(tally__arena_copy(&a, ""), "");
    assert_null(tally__arena_copy(&a, NULL));
    tally__arena_release(&a);
    tally_context_release(c);
}

static void nothing_is_still_a_piece(void **state)
{
    tally_context *c = tally_context_new(NULL, NULL);
    tally__arena   a;
    (void)state;
    tally__arena_init(&a, c);
    assert_non_null(tally__arena_alloc(&a, 0));
    tally__arena_release(&a);
    tally_context_release(c);
}

static void rewinding_to_a_mark_gives_the_same_pieces_again(void **state)
{
    tally_context *c = tally_context_new(NULL, NULL);
    tally__arena   a;
    (void)state;
    tally__arena_init(&a, c);
    tally__arena_alloc(&a, 1000);
    tally__arena_mark mark = tally__arena_here(&a);
    void             *first = tally__arena_alloc(&a, 24), *large = tally__arena_alloc(&a, 100000);
    tally__arena_rewind(&a, mark);
    assert_ptr_equal(tally__arena_alloc(&a, 24), first);
    assert_ptr_equal(tally__arena_alloc(&a, 100000), large);
    tally__arena_release(&a);
    tally_context_release(c);
}

/* rewind keeps blocks: the same work, also with rewinds inside it, settles to no allocation at all */
static void repeated_work_allocates_nothing(void **state)
{
    test_memory    m = { 0 };
    tally_context *c = test_context(&m, NULL);
    tally__arena   a;
    size_t         settled = 0;
    (void)state;
    tally__arena_init(&a, c);
    for (int round = 0; round < 10; round++) {
        tally__arena_mark start = tally__arena_here(&a);
        test_rng          r = { 5 };
        for (int i = 0; i < 300; i++) {
            tally__arena_mark inner = tally__arena_here(&a);
            assert_non_null(tally__arena_alloc(&a, test_below(&r, i % 50 ? 500 : 150000)));
            if (i % 3 == 0)
                tally__arena_rewind(&a, inner);
        }
        tally__arena_rewind(&a, start);
        if (round == 4)
            settled = m.calls;
    }
    assert_int_equal(m.calls, settled);
    tally__arena_release(&a);
    tally_context_release(c);
    assert_int_equal(m.blocks, 0);
}

static void a_refused_block_leaves_the_arena_as_it_was(void **state)
{
    test_memory    m = { .fail_at = 3 };
    tally_context *c = test_context(&m, NULL);
    tally__arena   a;
    (void)state;
    tally__arena_init(&a, c);
    assert_non_null(tally__arena_alloc(&a, 8));
    tally__arena_mark before = tally__arena_here(&a);
    assert_null(tally__arena_alloc(&a, 1000000));
    assert_ptr_equal(tally__arena_here(&a).block, before.block);
    assert_int_equal(tally__arena_here(&a).used, before.used);
    assert_non_null(tally__arena_alloc(&a, 1000000));
    tally__arena_release(&a);
    tally_context_release(c);
    assert_int_equal(m.blocks, 0);
}

static void sizes_that_cannot_be_are_refused(void **state)
{
    tally_context *c = tally_context_new(NULL, NULL);
    tally__arena   a;
    (void)state;
    tally__arena_init(&a, c);
    assert_null(tally__arena_alloc(&a, SIZE_MAX));
    assert_null(tally__arena_alloc(&a, SIZE_MAX - 64));
    assert_non_null(tally__arena_alloc(&a, 1));
    assert_null(tally__arena_alloc(&a, SIZE_MAX));
    tally__arena_release(&a);
    tally_context_release(c);
}

static void a_released_arena_can_be_used_again(void **state)
{
    tally_context *c = tally_context_new(NULL, NULL);
    tally__arena   a;
    (void)state;
    tally__arena_init(&a, c);
    tally__arena_release(&a);
    assert_non_null(tally__arena_alloc(&a, 10));
    tally__arena_release(&a);
    assert_int_equal(tally_context_bytes(c), 0);
    tally_context_release(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_aligned_and_apart),
        cmocka_unit_test(zalloc_clears_what_rewinding_left),
        cmocka_unit_test(copies_are_texts_of_their_own),
        cmocka_unit_test(nothing_is_still_a_piece),
        cmocka_unit_test(rewinding_to_a_mark_gives_the_same_pieces_again),
        cmocka_unit_test(repeated_work_allocates_nothing),
        cmocka_unit_test(a_refused_block_leaves_the_arena_as_it_was),
        cmocka_unit_test(sizes_that_cannot_be_are_refused),
        cmocka_unit_test(a_released_arena_can_be_used_again),
    };
    return cmocka_run_group_tests_name("base arena", tests, NULL, NULL);
}
