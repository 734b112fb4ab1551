/* text: what each format writes, how a line is bounded, and that wanting is counted past the room. */
#include "../support.h"

#include "../../src/base/base.h"

static void each_format_writes_its_argument(void **state)
{
    char        line[200];
    tally__text t = { line, sizeof line, 0 };
    (void)state;
    tally__put(&t, "%s %d %u %l %z %x %g %c %%", "text", -7, 7u, INT64_MIN, (size_t)12, UINT64_C(0xdeadbeef), 0.02,
               'x');
    assert_string_equal(line, "text -7 7 -9223372036854775808 12 deadbeef 0.02 x %");
    assert_int_equal(t.n, strlen(line));
}

static void extreme_integers_are_written_whole(void **state)
{
    char        line[200];
    tally__text t = { line, sizeof line, 0 };
    (void)state;
    tally__put(&t, "%d %d %u %l %z %x %x", INT32_MIN, 0, UINT32_MAX, INT64_MAX, SIZE_MAX, UINT64_MAX, UINT64_C(0));
    char want[200];
    snprintf(want, sizeof want, "%d %d %u %lld %zu %llx %x", INT32_MIN, 0, UINT32_MAX, (long long)INT64_MAX, SIZE_MAX,
             (unsigned long long)UINT64_MAX, 0u);
    assert_string_equal(line, want);
}

static void a_null_string_prints_as_a_question_mark(void **state)
{
    char        line[20];
    tally__text t = { line, sizeof line, 0 };
    (void)state;
    tally__put(&t, "<%s>", (const char *)NULL);
    assert_string_equal(line, "<?>");
}

static void puts_follow_each_other(void **state)
{
    char        line[20];
    tally__text t = { line, sizeof line, 0 };
    (void)state;
    tally__put(&t, "%d", 1);
    tally__put(&t, ", %d", 2);
    tally__put(&t, "%s", "");
    assert_string_equal(line, "1, 2");
}

static void a_line_without_room_is_cut_and_counted(void **state)
{
    char line[8];
    (void)state;
    for (size_t room = 1; room <= sizeof line; room++) {
        memset(line, '!', sizeof line);
        tally__text t = { line, room, 0 };
        tally__put(&t, "%s", "0123456789");
        assert_int_equal(t.n, 10);
        assert_int_equal(strlen(line), room - 1);
        assert_memory_equal(line, "0123456789", room - 1);
        for (size_t i = room; i < sizeof line; i++)
            assert_int_equal(line[i], '!');
    }
}

static void no_room_at_all_only_counts(void **state)
{
    tally__text t = { NULL, 0, 0 };
    (void)state;
    tally__put(&t, "%d %s", 123, "abc");
    assert_int_equal(t.n, 7);
}

static void a_count_below_zero_drops_the_front(void **state)
{
    char        line[20];
    tally__text t = { line, sizeof line, (size_t)0 - 3 };
    (void)state;
    tally__put(&t, "%s", "0123456789");
    assert_string_equal(line, "3456789");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_format_writes_its_argument),
        cmocka_unit_test(extreme_integers_are_written_whole),
        cmocka_unit_test(a_null_string_prints_as_a_question_mark),
        cmocka_unit_test(puts_follow_each_other),
        cmocka_unit_test(a_line_without_room_is_cut_and_counted),
        cmocka_unit_test(no_room_at_all_only_counts),
        cmocka_unit_test(a_count_below_zero_drops_the_front),
    };
    return cmocka_run_group_tests_name("base text", tests, NULL, NULL);
}
