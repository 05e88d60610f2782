/* When passes are made, and what is told of them; retain() itself is the test's. */
#include "unit.h"

#include <archive/limits.h>
#include <archive/retain.h>

#include "keeper/guard.h"

#define MB INT64_C(1000000)

static struct retain_result next_result;
static struct rtsprec_archive_deletion next_deletion;
static int next_err;
static struct retention_need need;
static int next_halves; /* seconds that the pass would take, a deletion in each */
static int64_t monotonic_us;

int64_t __wrap_clock_monotonic_us(void);
int64_t __wrap_clock_monotonic_us(void)
{
    return monotonic_us;
}

int __wrap_retain(struct catalog *catalog, const char *archive_directory,
                  const struct rtsprec_archive_limits *limits, const struct retention_need *asked,
                  bool dry_run, retain_fn *told, void *user, struct retain_result *result,
                  struct rtsprec_error *error);

int __wrap_retain(struct catalog *catalog, const char *archive_directory,
                  const struct rtsprec_archive_limits *limits, const struct retention_need *asked,
                  bool dry_run, retain_fn *told, void *user, struct retain_result *result,
                  struct rtsprec_error *error)
{
    (void)catalog;
    assert_string_equal(archive_directory, "/srv/video");
    assert_non_null(limits);
    assert_false(dry_run);
    need = *asked;
    *result = next_result;
    if (next_deletion.path && next_halves == 0)
        assert_true(told(user, &next_deletion));
    for (int i = 0; next_deletion.path && i < next_halves && !result->is_ended; i++) {
        result->deleted++;
        result->is_ended = !told(user, &next_deletion);
        monotonic_us += SECOND / 2;
    }
    *error = (struct rtsprec_error){.code = next_err, .text = "it is gone"};
    return next_err;
}

/* What was told, in order. */
static char told[16][300];
static int told_count;

static void take_event(void *user, const struct rtsprec_event *event)
{
    (void)user;
    if (event->type == RTSPREC_EVENT_SEGMENT_DELETED && told_count < (int)LENGTH(told))
        snprintf(told[told_count++], sizeof(told[0]), "%s %s %lld %s", event->camera,
                 event->u.deleted.path, (long long)event->u.deleted.bytes, event->u.deleted.why);
}

static void take_log(void *user, const struct rtsprec_log_record *record)
{
    (void)user;
    if (told_count < (int)LENGTH(told))
        snprintf(told[told_count++], sizeof(told[0]), "%s", record->text);
}

static void assert_told(int index, const char *part)
{
    require(index < told_count && strstr(told[index], part), "%d told, the last: %s", told_count,
            told_count > 0 ? told[told_count - 1] : "");
}

struct setting {
    struct guard guard;
    struct dispatcher *dispatcher;
};

static void set_limits(struct guard *guard, int64_t max_bytes, int64_t keep_free_bytes,
                       int64_t now_us)
{
    struct rtsprec_archive_limits limits, *copy;
    rtsprec_archive_limits_init(&limits);
    limits.max_bytes = max_bytes;
    limits.keep_free_bytes = keep_free_bytes;
    assert_int_equal(limits_copy(&copy, &limits), 0);
    copy = guard_set_limits(guard, copy, now_us);
    limits_free(&copy);
}

static int begin(void **state)
{
    struct setting *setting = calloc(1, sizeof(*setting));
    struct dispatcher_callbacks callbacks = {take_event, take_log, RTSPREC_LOG_DEBUG, NULL};
    struct rtsprec_error error;
    told_count = 0;
    next_result = (struct retain_result){.room_bytes = INT64_MAX};
    next_deletion = (struct rtsprec_archive_deletion){0};
    next_err = next_halves = 0;
    if (!setting || dispatcher_create(&setting->dispatcher, &callbacks, &error) < 0)
        return -1;
    guard_init(&setting->guard, setting->dispatcher, "/srv/video");
    *state = setting;
    return 0;
}

static int end(void **state)
{
    struct setting *setting = *state;
    guard_uninit(&setting->guard);
    dispatcher_destroy(&setting->dispatcher);
    free(setting);
    return 0;
}

/* So that all is told. */
static void wait_told(struct setting *setting)
{
    struct dispatcher_callbacks callbacks = {take_event, take_log, RTSPREC_LOG_DEBUG, NULL};
    struct rtsprec_error error;
    dispatcher_destroy(&setting->dispatcher);
    assert_int_equal(dispatcher_create(&setting->dispatcher, &callbacks, &error), 0);
    setting->guard.dispatcher = setting->dispatcher;
}

static void pass_under(struct guard *guard, int64_t now_us, struct guard_load load)
{
    static char catalog; /* is never looked at */
    struct retention_camera active = {.name = "yard", .open_bytes = 5 * MB};
    struct retention_need known = {.now_us = 7 * HOUR, .active = &active, .active_count = 1};
    struct guard_result result;
    struct rtsprec_archive_limits *old = guard_begin(guard);
    limits_free(&old);
    guard_pass(guard, (struct catalog *)&catalog, &known, &result);
    guard_tell_failure(guard, &result);
    guard_end(guard, &result, &load, now_us);
}

static void pass(struct guard *guard, int64_t now_us)
{
    pass_under(guard, now_us, (struct guard_load){0});
}

static bool is_short(const struct guard *guard, int64_t free_bytes, int64_t total_bytes,
                     int64_t bytes_per_second, int64_t now_us)
{
    return guard_is_short(guard, free_bytes, &(struct guard_load){total_bytes, bytes_per_second},
                          now_us);
}

static void test_without_limits(void **state)
{
    struct guard *guard = &((struct setting *)*state)->guard;
    assert_int_equal(guard_due_us(guard), INT64_MAX);
    assert_false(is_short(guard, 0, 100 * MB, MB, 5 * SECOND));
    set_limits(guard, 0, MB, 6 * SECOND);
    assert_int_equal(guard_due_us(guard), 6 * SECOND); /* at once */
    struct rtsprec_archive_limits *old = guard_set_limits(guard, NULL, 7 * SECOND);
    limits_free(&old);
    assert_int_equal(guard_due_us(guard), INT64_MAX);
    pass(guard, 7 * SECOND); /* one that was under way */
    assert_int_equal(guard_due_us(guard), INT64_MAX);
}

static void test_each_minute(void **state)
{
    struct guard *guard = &((struct setting *)*state)->guard;
    set_limits(guard, 0, 0, SECOND);
    for (int64_t i = 0; i < 5; i++) {
        assert_int_equal(guard_due_us(guard), SECOND + i * MINUTE);
        pass(guard, SECOND + i * MINUTE);
    }
    assert_int_equal(need.now_us, 7 * HOUR);
    assert_int_equal(need.active_count, 1);
    guard->is_wanted = true;
    assert_true(guard_due_us(guard) < 0); /* at once */
    pass(guard, 5 * MINUTE);
    assert_int_equal(guard_due_us(guard), 6 * MINUTE);
}

/* What is written is foreseen, and space is short when it is not as foreseen. */
static void test_sooner_when_there_is_little_room(void **state)
{
    struct guard *guard = &((struct setting *)*state)->guard;
    set_limits(guard, 500 * MB, 0, SECOND);
    next_result.room_bytes = 100 * MB;
    pass(guard, SECOND);
    assert_int_equal(guard_due_us(guard), 61 * SECOND);
    /* Nobody could know that 5 MB a second would be written. */
    assert_true(is_short(guard, INT64_MAX, 50 * MB, 5 * MB, 11 * SECOND));
    pass_under(guard, 11 * SECOND, (struct guard_load){50 * MB, 5 * MB});
    assert_int_equal(guard_due_us(guard), 21 * SECOND);
    assert_false(is_short(guard, INT64_MAX, 75 * MB, 5 * MB, 16 * SECOND));
    assert_true(is_short(guard, INT64_MAX, 140 * MB, 5 * MB, 17 * SECOND));
}

static void test_others_write_too(void **state)
{
    struct guard *guard = &((struct setting *)*state)->guard;
    set_limits(guard, 0, 200 * MB, SECOND);
    next_result.room_bytes = 300 * MB;
    pass_under(guard, SECOND, (struct guard_load){0, MB});
    assert_false(is_short(guard, 500 * MB, 10 * MB, MB, 11 * SECOND));
    assert_true(is_short(guard, 230 * MB, 20 * MB, MB, 21 * SECOND));
    assert_true(is_short(guard, 199 * MB, 20 * MB, MB, 21 * SECOND));
    assert_false(is_short(guard, INT64_MAX, 20 * MB, MB, 21 * SECOND)); /* it does not say */
}

static void test_deletions_are_told(void **state)
{
    struct setting *setting = *state;
    set_limits(&setting->guard, 0, MB, SECOND);
    next_deletion = (struct rtsprec_archive_deletion){
        .camera = "yard",
        .path = "yard/2026-01-15/08_05_00.mp4",
        .bytes = 77,
        .reason = RTSPREC_DELETION_FREE_SPACE,
    };
    pass(&setting->guard, SECOND);
    next_deletion.is_young = next_deletion.is_protected = 1;
    pass(&setting->guard, SECOND);
    next_deletion.failure = "Operation not permitted";
    next_result.failed = 1;
    pass(&setting->guard, SECOND);
    pass(&setting->guard, SECOND); /* that it goes on is not told */
    wait_told(setting);
    assert_told(0, "yard /srv/video/yard/2026-01-15/08_05_00.mp4 77 free space");
    assert_told(1, "free space, younger than its minimum age, protected");
    assert_told(2, "/srv/video/yard/2026-01-15/08_05_00.mp4: cannot be deleted and stays: "
                   "Operation not permitted");
    assert_int_equal(told_count, 3);
}

/* Where much has to go, notes and a stop do not wait for all of it. */
static void test_a_long_pass_is_cut(void **state)
{
    struct setting *setting = *state;
    struct guard *guard = &setting->guard;
    set_limits(guard, MB, 0, SECOND);
    next_deletion = (struct rtsprec_archive_deletion){.camera = "yard", .path = "yard/x.mp4"};
    next_halves = 100;
    guard->is_told_short = true;
    pass(guard, 2 * SECOND);
    assert_int_equal(guard_due_us(guard), 2 * SECOND); /* at once */
    assert_true(guard->is_told_short);
    next_halves = 2;
    pass(guard, 3 * SECOND);
    assert_int_equal(guard_due_us(guard), 63 * SECOND);
    wait_told(setting);
    assert_int_equal(told_count, 3 + 2 + 1);
    assert_told(5, "/srv/video: the limits are kept again");
}

static void test_limits_that_cannot_be_kept_are_told_once(void **state)
{
    struct setting *setting = *state;
    struct guard *guard = &setting->guard;
    set_limits(guard, MB, 0, SECOND);
    next_result.short_bytes = 2000 * MB;
    next_result.short_of = RTSPREC_DELETION_ARCHIVE_SPACE;
    next_result.room_bytes = 0;
    for (int i = 0; i < 3; i++)
        pass(guard, (10 + i) * SECOND);
    assert_false(is_short(guard, 0, MB, 0, 12 * SECOND)); /* nothing can have changed yet */
    assert_true(is_short(guard, 0, 2 * MB, 0, 14 * SECOND));
    next_result.short_bytes = 0;
    for (int i = 0; i < 2; i++)
        pass(guard, (20 + i) * SECOND);
    next_result.is_keep_free_impossible = true;
    pass(guard, 30 * SECOND);
    wait_told(setting);
    assert_told(0, "/srv/video: the limits cannot be kept (archive space): 2.000 GB too much");
    assert_told(1, "/srv/video: the limits are kept again");
    assert_told(2, "more than the disk has");
    assert_int_equal(told_count, 3);
}

static void test_a_pass_that_fails(void **state)
{
    struct setting *setting = *state;
    set_limits(&setting->guard, MB, 0, SECOND);
    next_err = RTSPREC_ERROR_IO;
    pass(&setting->guard, SECOND);
    assert_int_equal(guard_due_us(&setting->guard), 11 * SECOND);
    pass(&setting->guard, 11 * SECOND);
    next_err = 0;
    pass(&setting->guard, 21 * SECOND);
    assert_int_equal(guard_due_us(&setting->guard), 81 * SECOND);
    wait_told(setting);
    assert_told(0, "nothing can be deleted to keep the limits: it is gone");
    assert_int_equal(told_count, 1);
}

/* A machine that boots years ahead, hears of the time after four minutes, and is right from then
 * on. */
static void test_a_clock_must_hold_before_age_counts(void **state)
{
    struct guard *guard = &((struct setting *)*state)->guard;
    int64_t years = 1000 * 24 * HOUR;
    assert_true(guard_is_clock_new(guard, 2 * years, SECOND));
    assert_true(guard_is_clock_new(guard, 2 * years + 4 * MINUTE, SECOND + 4 * MINUTE));
    assert_true(guard_is_clock_new(guard, years, SECOND + 5 * MINUTE));
    assert_true(guard_is_clock_new(guard, years + 9 * MINUTE, SECOND + 14 * MINUTE));
    assert_false(guard_is_clock_new(guard, years + 10 * MINUTE, SECOND + 15 * MINUTE));
    /* What a clock that is kept in time by steps does. */
    assert_false(guard_is_clock_new(guard, years + 41 * MINUTE, SECOND + 16 * MINUTE));
    /* Ahead, in the middle of it all. */
    assert_true(guard_is_clock_new(guard, 2 * years, SECOND + 17 * MINUTE));
    assert_true(guard_is_clock_new(guard, 2 * years + 9 * MINUTE, SECOND + 26 * MINUTE));
    assert_false(guard_is_clock_new(guard, 2 * years + 10 * MINUTE, SECOND + 27 * MINUTE));
}

static void test_a_pass_says_whether_age_counts(void **state)
{
    struct setting *setting = *state;
    set_limits(&setting->guard, MB, 0, SECOND);
    monotonic_us = SECOND;
    pass(&setting->guard, SECOND);
    assert_true(need.is_clock_new);
    monotonic_us += 10 * MINUTE;
    pass(&setting->guard, 11 * MINUTE);
    assert_false(need.is_clock_new);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_without_limits, begin, end),
        cmocka_unit_test_setup_teardown(test_each_minute, begin, end),
        cmocka_unit_test_setup_teardown(test_sooner_when_there_is_little_room, begin, end),
        cmocka_unit_test_setup_teardown(test_others_write_too, begin, end),
        cmocka_unit_test_setup_teardown(test_deletions_are_told, begin, end),
        cmocka_unit_test_setup_teardown(test_a_long_pass_is_cut, begin, end),
        cmocka_unit_test_setup_teardown(test_limits_that_cannot_be_kept_are_told_once, begin, end),
        cmocka_unit_test_setup_teardown(test_a_pass_that_fails, begin, end),
        cmocka_unit_test_setup_teardown(test_a_clock_must_hold_before_age_counts, begin, end),
        cmocka_unit_test_setup_teardown(test_a_pass_says_whether_age_counts, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
