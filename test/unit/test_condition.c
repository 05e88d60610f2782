#include "unit.h"

#include <rtsprec/error.h>

#include "camera/condition.h"

#define RECORDED      RTSPREC_COVERAGE_RECORDED
#define NOT_SCHEDULED RTSPREC_COVERAGE_NOT_SCHEDULED
#define CONNECTING    RTSPREC_COVERAGE_CONNECTING
#define UNREACHABLE   RTSPREC_COVERAGE_UNREACHABLE
#define UNAUTHORIZED  RTSPREC_COVERAGE_UNAUTHORIZED
#define DISK_FULL     RTSPREC_COVERAGE_DISK_FULL
#define STOPPED       RTSPREC_COVERAGE_STOPPED
#define OVERLOADED    RTSPREC_COVERAGE_OVERLOADED

/* The ledger as the catalog keeps it: a condition takes the place of all later ones. */
struct ledger {
    struct condition condition;
    struct condition_change rows[64];
    int count;
};

static void write_down(struct ledger *ledger, const struct condition_change *changes, int count)
{
    for (int i = 0; i < count; i++) {
        while (ledger->count > 0 && ledger->rows[ledger->count - 1].since_us >= changes[i].since_us)
            ledger->count--;
        ledger->rows[ledger->count++] = changes[i];
    }
}

static void want_from(struct ledger *ledger, bool is_wanted, int64_t from_us, int64_t now_us)
{
    int count;
    const struct condition_change *changes =
        condition_want(&ledger->condition, is_wanted, from_us, now_us, &count);
    write_down(ledger, changes, count);
}

static void want(struct ledger *ledger, bool is_wanted, int64_t now_us)
{
    want_from(ledger, is_wanted, now_us, now_us);
}

static void connecting(struct ledger *ledger, int64_t now_us)
{
    int count;
    const struct condition_change *changes =
        condition_connecting(&ledger->condition, now_us, &count);
    write_down(ledger, changes, count);
}

static void absent(struct ledger *ledger, enum rtsprec_coverage_reason reason, int64_t now_us)
{
    int count;
    const struct condition_change *changes =
        condition_absent(&ledger->condition, reason, now_us, &count);
    write_down(ledger, changes, count);
}

static void recorded(struct ledger *ledger, int64_t start_us, int64_t now_us)
{
    int count;
    const struct condition_change *changes =
        condition_recorded(&ledger->condition, start_us, now_us, &count);
    write_down(ledger, changes, count);
}

static void lost(struct ledger *ledger, enum rtsprec_coverage_reason reason, int64_t from_us,
                 int64_t now_us)
{
    int count;
    const struct condition_change *changes =
        condition_lost(&ledger->condition, reason, from_us, now_us, &count);
    write_down(ledger, changes, count);
}

static void assert_rows(const struct ledger *ledger, const struct condition_change *rows, int count)
{
    require(ledger->count == count, "%d rows, expected %d", ledger->count, count);
    for (int i = 0; i < count; i++)
        require(ledger->rows[i].reason == rows[i].reason &&
                    ledger->rows[i].since_us == rows[i].since_us,
                "row %d is %d at %lld, expected %d at %lld", i, ledger->rows[i].reason,
                (long long)ledger->rows[i].since_us, rows[i].reason, (long long)rows[i].since_us);
}

#define ASSERT_ROWS(ledger, ...)                                        \
    assert_rows(ledger, (const struct condition_change[]){__VA_ARGS__}, \
                (int)LENGTH(((const struct condition_change[]){__VA_ARGS__})))

static void test_errors(void **state)
{
    (void)state;
    static const struct {
        int code;
        bool is_connected;
        enum rtsprec_coverage_reason reason;
    } rows[] = {
        {RTSPREC_ERROR_RESOLVE, false, UNREACHABLE},
        {RTSPREC_ERROR_UNREACHABLE, false, UNREACHABLE},
        {RTSPREC_ERROR_REFUSED, false, UNREACHABLE},
        {RTSPREC_ERROR_TIMEOUT, false, UNREACHABLE},
        {RTSPREC_ERROR_TIMEOUT, true, RTSPREC_COVERAGE_STALLED},
        {RTSPREC_ERROR_CLOSED, true, UNREACHABLE},
        {RTSPREC_ERROR_NOT_FOUND, false, UNREACHABLE},
        {RTSPREC_ERROR_UNAUTHORIZED, false, UNAUTHORIZED},
        {RTSPREC_ERROR_STALLED, true, RTSPREC_COVERAGE_STALLED},
        {RTSPREC_ERROR_UNSUPPORTED, true, RTSPREC_COVERAGE_UNSUPPORTED},
        {RTSPREC_ERROR_PROTOCOL, false, RTSPREC_COVERAGE_UNSUPPORTED},
        {RTSPREC_ERROR_STOPPED, false, STOPPED},
    };
    for (size_t i = 0; i < LENGTH(rows); i++)
        require(condition_of_camera_error(rows[i].code, rows[i].is_connected) == rows[i].reason,
                "%s", rtsprec_error_name(rows[i].code));
    assert_int_equal(condition_of_storage_error(RTSPREC_ERROR_NO_SPACE), DISK_FULL);
    assert_int_equal(condition_of_storage_error(RTSPREC_ERROR_IO), RTSPREC_COVERAGE_DISK_FAILED);
    assert_int_equal(condition_of_storage_error(RTSPREC_ERROR_BUSY), RTSPREC_COVERAGE_DISK_FAILED);
}

static void test_a_usual_day(void **state)
{
    (void)state;
    struct ledger ledger = {0};
    connecting(&ledger, 10);
    condition_arriving(&ledger.condition);
    recorded(&ledger, 12, 12);
    recorded(&ledger, 312, 312); /* the next file */
    absent(&ledger, UNREACHABLE, 400);
    connecting(&ledger, 401); /* the reason of the failure stays until there is video */
    absent(&ledger, UNREACHABLE, 411);
    connecting(&ledger, 412);
    absent(&ledger, UNAUTHORIZED, 413);
    connecting(&ledger, 473);
    condition_arriving(&ledger.condition);
    recorded(&ledger, 475, 475);
    absent(&ledger, STOPPED, 500);
    connecting(&ledger, 510); /* started again: nothing has failed yet */
    ASSERT_ROWS(&ledger, {CONNECTING, 10}, {RECORDED, 12}, {UNREACHABLE, 400}, {UNAUTHORIZED, 413},
                {RECORDED, 475}, {STOPPED, 500}, {CONNECTING, 510});
}

static void test_a_full_disk(void **state)
{
    (void)state;
    struct ledger ledger = {0};
    connecting(&ledger, 10);
    recorded(&ledger, 12, 12);
    lost(&ledger, DISK_FULL, 50, 51);
    lost(&ledger, DISK_FULL, 54, 54); /* each key frame tries again */
    absent(&ledger, UNREACHABLE, 60);
    condition_arriving(&ledger.condition);
    lost(&ledger, DISK_FULL, 65, 65);
    recorded(&ledger, 70, 70);
    ASSERT_ROWS(&ledger, {CONNECTING, 10}, {RECORDED, 12}, {DISK_FULL, 50}, {UNREACHABLE, 60},
                {DISK_FULL, 65}, {RECORDED, 70});
}

/* Frames wait in the queue while the disk is slow: the reader is ahead of the writer. */
static void test_a_writer_that_is_behind(void **state)
{
    (void)state;
    struct ledger ledger = {0};
    connecting(&ledger, 10);
    condition_arriving(&ledger.condition);
    absent(&ledger, UNREACHABLE, 15);
    absent(&ledger, UNAUTHORIZED, 17);
    recorded(&ledger, 12, 20);
    ASSERT_ROWS(&ledger, {CONNECTING, 10}, {RECORDED, 12}, {UNREACHABLE, 15}, {UNAUTHORIZED, 17});
    recorded(&ledger, 14, 21); /* says nothing new */
    lost(&ledger, DISK_FULL, 14, 22);
    recorded(&ledger, 14, 23); /* the same moment: what was said last */
    ASSERT_ROWS(&ledger, {CONNECTING, 10}, {RECORDED, 12}, {RECORDED, 14}, {UNREACHABLE, 15},
                {UNAUTHORIZED, 17});
}

static void test_a_frame_ahead_of_the_clock(void **state)
{
    (void)state;
    struct ledger ledger = {0};
    recorded(&ledger, 105, 100);
    recorded(&ledger, 205, 200);
    absent(&ledger, UNREACHABLE, 201);
    ASSERT_ROWS(&ledger, {RECORDED, 100}, {UNREACHABLE, 201});
}

static void test_the_schedule(void **state)
{
    (void)state;
    struct ledger ledger = {0};
    want(&ledger, false, 5); /* never started */
    want(&ledger, true, 6);
    connecting(&ledger, 10);
    absent(&ledger, UNREACHABLE, 11);
    want(&ledger, false, 20);
    lost(&ledger, DISK_FULL, 19, 21); /* a frame before the end of the period */
    lost(&ledger, DISK_FULL, 22, 22); /* one behind it */
    absent(&ledger, UNAUTHORIZED, 30);
    want(&ledger, true, 40);
    condition_arriving(&ledger.condition);
    want(&ledger, false, 50);
    want(&ledger, true, 60);
    recorded(&ledger, 61, 61);
    want(&ledger, false, 70);
    absent(&ledger, STOPPED, 80);
    ASSERT_ROWS(&ledger, {NOT_SCHEDULED, 5}, {STOPPED, 6}, {CONNECTING, 10}, {UNREACHABLE, 11},
                {DISK_FULL, 19}, {NOT_SCHEDULED, 20}, {UNAUTHORIZED, 40}, {NOT_SCHEDULED, 50},
                {CONNECTING, 60}, {RECORDED, 61}, {NOT_SCHEDULED, 70});
}

static void test_a_schedule_that_is_followed_late(void **state)
{
    (void)state;
    struct ledger ledger = {0};
    connecting(&ledger, 10);
    recorded(&ledger, 12, 12);
    absent(&ledger, UNREACHABLE, 51);
    want_from(&ledger, false, 50, 52);
    ASSERT_ROWS(&ledger, {CONNECTING, 10}, {RECORDED, 12}, {NOT_SCHEDULED, 50});
    want_from(&ledger, true, 60, 61);
    recorded(&ledger, 61, 62);
    ASSERT_ROWS(&ledger, {CONNECTING, 10}, {RECORDED, 12}, {NOT_SCHEDULED, 50}, {UNREACHABLE, 60},
                {RECORDED, 61});
}

static void test_a_clock_that_is_set_back(void **state)
{
    (void)state;
    struct ledger ledger = {0};
    recorded(&ledger, 1000, 1000);
    absent(&ledger, UNREACHABLE, 2000);
    recorded(&ledger, 1500, 1500); /* it is 1500 again: what lay ahead was told of another time */
    absent(&ledger, UNAUTHORIZED, 1600);
    ASSERT_ROWS(&ledger, {RECORDED, 1000}, {UNAUTHORIZED, 1600});
    recorded(&ledger, 1700, 1700);
    ASSERT_ROWS(&ledger, {RECORDED, 1000}, {UNAUTHORIZED, 1600}, {RECORDED, 1700});
}

/* More changes than are remembered: the ledger is right all the same, but for what is told late of
 * a time before all that is remembered. */
static void test_many_changes(void **state)
{
    (void)state;
    struct ledger ledger = {0};
    for (int i = 0; i < 40; i++) {
        if (i % 2)
            recorded(&ledger, 10 * i, 10 * i);
        else
            absent(&ledger, UNREACHABLE, 10 * i);
    }
    assert_int_equal(ledger.count, 40);
    lost(&ledger, DISK_FULL, 365, 400);
    assert_int_equal(ledger.count, 41);
    for (int i = 0; i < 41; i++)
        assert_int_equal(ledger.rows[i].since_us, i < 37 ? 10 * i : i == 37 ? 365 : 10 * (i - 1));
}

/* Who transcodes tells of frames that have waited, while the reader goes on. */
static void test_transcoding_is_behind(void **state)
{
    (void)state;
    struct ledger ledger = {0};
    connecting(&ledger, 10);
    condition_arriving(&ledger.condition);
    recorded(&ledger, 12, 22);
    absent(&ledger, UNREACHABLE, 30);
    lost(&ledger, OVERLOADED, 20, 32);
    connecting(&ledger, 33);
    condition_arriving(&ledger.condition);
    recorded(&ledger, 24, 34); /* a segment began */
    lost(&ledger, OVERLOADED, 26, 36);
    recorded(&ledger, 35, 45); /* the next run */
    lost(&ledger, OVERLOADED, 37, 47);
    lost(&ledger, OVERLOADED, 40, 50); /* nothing has changed */
    absent(&ledger, STOPPED, 52);
    ASSERT_ROWS(&ledger, {CONNECTING, 10}, {RECORDED, 12}, {OVERLOADED, 20}, {RECORDED, 24},
                {OVERLOADED, 26}, {UNREACHABLE, 30}, {RECORDED, 35}, {OVERLOADED, 37},
                {STOPPED, 52});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_a_usual_day),
        cmocka_unit_test(test_a_full_disk),
        cmocka_unit_test(test_a_writer_that_is_behind),
        cmocka_unit_test(test_a_frame_ahead_of_the_clock),
        cmocka_unit_test(test_the_schedule),
        cmocka_unit_test(test_a_schedule_that_is_followed_late),
        cmocka_unit_test(test_a_clock_that_is_set_back),
        cmocka_unit_test(test_many_changes),
        cmocka_unit_test(test_transcoding_is_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
