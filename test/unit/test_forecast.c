#include "unit.h"

#include "archive/forecast.h"

#define DAY (24 * HOUR)
#define NOW (INT64_C(1709380800) * SECOND)
#define GB  INT64_C(1000000000)

static struct forecast_camera cameras[3];
static struct rtsprec_camera_limits own[3];
static struct rtsprec_archive_limits limits;
static struct forecast_request request;

/* Cameras of 10 GB a day, 20 and 30, which have recorded for 10 days. */
static void begin(size_t count)
{
    static const char *const names[] = {"a", "b", "c"};
    rtsprec_archive_limits_init(&limits);
    for (size_t i = 0; i < count; i++) {
        int64_t daily = (int64_t)(i + 1) * 10 * GB;
        cameras[i] = (struct forecast_camera){
            .name = names[i],
            .bytes = 10 * daily,
            .oldest_us = NOW - 10 * DAY,
            .newest_us = NOW - HOUR,
            .recent_bytes = daily,
            .recent_us = DAY,
        };
        own[i] = (struct rtsprec_camera_limits){.camera = names[i]};
    }
    limits.cameras = own;
    limits.camera_count = count;
    request = (struct forecast_request){
        .limits = &limits,
        .cameras = cameras,
        .camera_count = count,
        .now_us = NOW,
        .free_bytes = INT64_MAX,
    };
}

static void see(void)
{
    assert_int_equal(forecast(&request), 0);
}

/* To the minute: rates are fractions. */
static void require_time(int64_t us, int64_t expected_us, int line)
{
    int64_t off_us = us - expected_us;
    if (off_us > MINUTE || off_us < -MINUTE)
        fail_msg("line %d: %.4f days, expected %.4f", line, (double)us / (double)DAY,
                 (double)expected_us / (double)DAY);
}
#define require_time(us, expected_us) require_time(us, expected_us, __LINE__)

static void test_without_limits(void **state)
{
    (void)state;
    begin(2);
    see();
    for (size_t i = 0; i < 2; i++) {
        assert_true(cameras[i].held_us == FORECAST_NEVER);
        assert_int_equal(cameras[i].held_by, RTSPREC_DELETION_NONE);
        assert_true(cameras[i].age_us == FORECAST_NEVER);
        assert_true(cameras[i].space_us == FORECAST_NEVER);
    }
    assert_true(request.space_us == FORECAST_NEVER && request.free_us == FORECAST_NEVER);
    begin(0);
    limits.max_bytes = 1;
    see();
    assert_true(request.space_us == FORECAST_NEVER);
}

static void test_limits_of_a_camera(void **state)
{
    (void)state;
    begin(2);
    own[0].max_age_us = 14 * DAY;
    own[0].max_bytes = 300 * GB; /* 30 days: never */
    own[1].max_age_us = 14 * DAY;
    own[1].max_bytes = 240 * GB; /* 12 days */
    see();
    require_time(cameras[0].held_us, 14 * DAY);
    assert_int_equal(cameras[0].held_by, RTSPREC_DELETION_AGE);
    require_time(cameras[0].age_us, NOW + 4 * DAY);
    assert_true(cameras[0].space_us == FORECAST_NEVER);
    require_time(cameras[1].held_us, 12 * DAY);
    assert_int_equal(cameras[1].held_by, RTSPREC_DELETION_CAMERA_SPACE);
    require_time(cameras[1].space_us, NOW + 2 * DAY);
    assert_true(cameras[1].age_us == FORECAST_NEVER);

    own[0].max_age_us = 5 * DAY; /* by now */
    own[1].max_bytes = 100 * GB;
    see();
    assert_true(cameras[0].age_us == NOW);
    assert_true(cameras[1].space_us == NOW);
    own[1].is_exempt = 1;
    see();
    assert_true(cameras[1].space_us == FORECAST_NEVER);
    require_time(cameras[1].held_us, 14 * DAY);
}

static void test_limits_of_the_archive(void **state)
{
    (void)state;
    begin(2);
    limits.max_bytes = 450 * GB; /* 30 a day: 15 days */
    limits.keep_free_bytes = 50 * GB;
    request.free_bytes = 110 * GB; /* 60 more: 12 days */
    see();
    require_time(request.space_us, NOW + 5 * DAY);
    require_time(request.free_us, NOW + 2 * DAY);
    for (size_t i = 0; i < 2; i++) {
        require_time(cameras[i].held_us, 12 * DAY);
        assert_int_equal(cameras[i].held_by, RTSPREC_DELETION_FREE_SPACE);
    }
    /* A limit that is never reached. */
    own[0].max_age_us = 13 * DAY;
    own[0].max_bytes = 130 * GB;
    see();
    assert_true(cameras[0].age_us == FORECAST_NEVER && cameras[0].space_us == FORECAST_NEVER);
    own[0] = (struct rtsprec_camera_limits){.camera = "a"};
    /* What is protected stays. */
    cameras[1].protected_bytes = 60 * GB;
    see();
    require_time(cameras[0].held_us, 10 * DAY);
    request.free_bytes = 0;
    see();
    assert_true(request.free_us >= NOW && request.free_us <= NOW + SECOND);
}

/* Where one camera has a limit of its own, there is more for the other. */
static void test_both(void **state)
{
    (void)state;
    begin(2);
    limits.max_bytes = 400 * GB;
    own[1].max_age_us = 12 * DAY; /* 240 GB */
    see();
    require_time(cameras[1].held_us, 12 * DAY);
    assert_int_equal(cameras[1].held_by, RTSPREC_DELETION_AGE);
    require_time(cameras[0].held_us, 16 * DAY);
    assert_int_equal(cameras[0].held_by, RTSPREC_DELETION_ARCHIVE_SPACE);
    require_time(request.space_us, NOW + 6 * DAY); /* 2 days of both, 4 of one */
    own[0].max_age_us = 15 * DAY;                  /* 390 GB together */
    see();
    assert_true(request.space_us == FORECAST_NEVER);
}

static void test_minimum_ages(void **state)
{
    (void)state;
    begin(2);
    limits.max_bytes = 220 * GB;
    own[0].min_age_us = 10 * DAY; /* 100 GB; 120 are left for 20 a day */
    see();
    require_time(cameras[0].held_us, 10 * DAY);
    require_time(cameras[1].held_us, 6 * DAY);
    assert_int_equal(cameras[0].held_by, RTSPREC_DELETION_ARCHIVE_SPACE);
    own[1].min_age_us = 10 * DAY; /* 300 GB in all: more than there is */
    own[0].min_age_us = 4 * DAY;
    see();
    require_time(cameras[0].held_us, 4 * DAY);
    require_time(cameras[1].held_us, 9 * DAY);
}

static void test_a_camera_that_is_no_more(void **state)
{
    (void)state;
    begin(2);
    cameras[1].newest_us = NOW - 2 * DAY;
    cameras[1].protected_bytes = 50 * GB;
    limits.max_bytes = 350 * GB;
    see();
    require_time(cameras[0].held_us, 30 * DAY); /* all that is not protected */
    require_time(request.space_us, NOW + 5 * DAY);
}

static void test_an_exempt_camera(void **state)
{
    (void)state;
    begin(2);
    limits.max_bytes = 320 * GB;
    own[1].is_exempt = 1;
    see();
    assert_true(cameras[1].held_us == FORECAST_NEVER);
    require_time(cameras[0].held_us, 12 * DAY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_limits),
        cmocka_unit_test(test_limits_of_a_camera),
        cmocka_unit_test(test_limits_of_the_archive),
        cmocka_unit_test(test_both),
        cmocka_unit_test(test_minimum_ages),
        cmocka_unit_test(test_a_camera_that_is_no_more),
        cmocka_unit_test(test_an_exempt_camera),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
