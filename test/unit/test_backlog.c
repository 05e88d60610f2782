#include "unit.h"

#include "camera/backlog.h"

static void look(struct backlog *backlog, int packets, bool is_encoding)
{
    while (packets-- > 0)
        backlog_look(backlog, is_encoding);
}

static void what_it_was_at_lately_counts(void **state)
{
    (void)state;
    struct backlog backlog = {0};
    look(&backlog, 1000, true);
    look(&backlog, 10, false); /* a frame a second, and a disk that hangs */
    backlog_judge(&backlog);
    assert_false(backlog.is_encoding);
    look(&backlog, 10, true);
    assert_false(backlog.is_encoding); /* not asked yet */
    backlog_judge(&backlog);
    assert_true(backlog.is_encoding);
    look(&backlog, 1, false); /* it wrote a frame */
    backlog_judge(&backlog);
    assert_true(backlog.is_encoding);
}

static void the_share_stays_a_share(void **state)
{
    (void)state;
    struct backlog backlog = {0};
    for (int round = 0; round < 3; round++) {
        look(&backlog, 100000, true);
        assert_in_range(backlog.encoding_share, BACKLOG_ALL - 8, BACKLOG_ALL);
        look(&backlog, 100000, false);
        assert_in_range(backlog.encoding_share, 0, 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_was_at_lately_counts),
        cmocka_unit_test(the_share_stays_a_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
