#include "unit.h"

#include "archive/limits.h"

#define DAY (24 * HOUR)

static void refuse(const struct rtsprec_archive_limits *limits, const char *text)
{
    struct rtsprec_error error = {0};
    require(rtsprec_archive_limits_check(limits, &error) == RTSPREC_ERROR_INVALID, "%s", text);
    assert_int_equal(error.code, RTSPREC_ERROR_INVALID);
    assert_string_equal(error.text, text);
}

static void test_contradictions(void **state)
{
    (void)state;
    struct rtsprec_camera_limits cameras[2] = {{.camera = "yard"}, {.camera = "gate"}};
    struct rtsprec_archive_limits limits, good;
    struct rtsprec_error error = {.code = 1};
    rtsprec_archive_limits_init(&good);
    good.max_bytes = INT64_C(50000000000);
    good.keep_free_bytes = 1;
    good.max_age_us = good.min_age_us = 3 * DAY;
    good.cameras = cameras;
    good.camera_count = 2;
    assert_int_equal(rtsprec_archive_limits_check(&good, &error), 0);
    assert_int_equal(error.code, 0);
    assert_int_equal(rtsprec_archive_limits_check(&good, NULL), 0);

    limits = good;
    limits.min_age_us = 30 * DAY + DAY / 2;
    refuse(&limits,
           "files are to be kept for 30.5 days and deleted after 3, expected a minimum age "
           "of at most the maximum");
    limits.max_age_us = 0; /* no maximum */
    assert_int_equal(rtsprec_archive_limits_check(&limits, &error), 0);
    limits = good;
    limits.max_bytes = -1;
    refuse(&limits, "max_bytes is negative, expected 0 or more");
    limits = good;
    limits.keep_free_bytes = -1;
    refuse(&limits, "keep_free_bytes is negative, expected 0 or more");
    limits = good;
    limits.max_age_us = -1;
    refuse(&limits, "max_age_us is negative, expected 0 or more");
    limits = good;
    limits.protected_policy = 2;
    refuse(&limits, "protected_policy: 2, expected a value of enum rtsprec_protected_policy");
    limits = good;
    limits.cameras = NULL;
    refuse(&limits, "cameras: NULL, expected 2 of them");
    limits = good;
    limits.size = 8;
    refuse(&limits, "size: 8, expected the limits to be set by their _init function");

    cameras[1].max_bytes = INT64_C(60000000000);
    refuse(&good, "camera gate may occupy 60 GB and all cameras together only 50, expected at most "
                  "as much");
    limits = good;
    limits.max_bytes = 0;
    assert_int_equal(rtsprec_archive_limits_check(&limits, &error), 0);
    cameras[1].max_bytes = -5;
    refuse(&good, "camera gate: max_bytes is negative, expected 0 or more");
    cameras[1] = (struct rtsprec_camera_limits){.camera = "gate", .min_age_us = -1};
    refuse(&good, "camera gate: min_age_us is negative, expected 0 or more");
    cameras[1] = (struct rtsprec_camera_limits){"gate", DAY, 2 * DAY, 0, 0, 0};
    refuse(&good, "camera gate: files are to be kept for 2 days and deleted after 1, expected a "
                  "minimum age of at most the maximum");
    cameras[1] = (struct rtsprec_camera_limits){.camera = "gate", .timelapse_max_age_us = -1};
    refuse(&good, "camera gate: timelapse_max_age_us is negative, expected 0 or more");
    cameras[1] = (struct rtsprec_camera_limits){.camera = "yard"};
    refuse(&good, "camera yard has limits twice, expected them once");
    cameras[1] = (struct rtsprec_camera_limits){.camera = "../x"};
    refuse(&good, "cameras[1].camera: expected a name");
    cameras[1] = (struct rtsprec_camera_limits){.camera = NULL};
    refuse(&good, "cameras[1].camera: expected a name");
}

/* A program that was built with a newer library. */
static void test_a_newer_struct(void **state)
{
    (void)state;
    struct {
        struct rtsprec_archive_limits limits;
        int64_t more;
    } newer = {.more = 0};
    rtsprec_archive_limits_init(&newer.limits);
    newer.limits.size = sizeof(newer);
    newer.limits.max_bytes = 7;
    struct rtsprec_archive_limits taken;
    struct rtsprec_error error;
    assert_int_equal(limits_take(&taken, &newer.limits, &error), 0);
    assert_int_equal(taken.max_bytes, 7);
    assert_int_equal(taken.size, sizeof(taken));
    newer.more = 1;
    assert_int_equal(limits_take(&taken, &newer.limits, &error), RTSPREC_ERROR_INVALID);
}

static void test_a_copy(void **state)
{
    (void)state;
    char name[] = "yard";
    struct rtsprec_camera_limits camera = {name, 5, 4, 3, 1, 2};
    struct rtsprec_archive_limits limits, *copy;
    rtsprec_archive_limits_init(&limits);
    limits.cameras = &camera;
    limits.camera_count = 1;
    limits.keep_free_bytes = 9;
    assert_int_equal(limits_copy(&copy, &limits), 0);
    name[0] = 'x';
    camera.max_age_us = 0;
    assert_string_equal(copy->cameras[0].camera, "yard");
    assert_int_equal(copy->cameras[0].max_age_us, 5);
    assert_int_equal(copy->cameras[0].is_exempt, 1);
    assert_int_equal(copy->cameras[0].timelapse_max_age_us, 2);
    assert_int_equal(copy->keep_free_bytes, 9);
    limits_free(&copy);
    assert_null(copy);
    limits_free(&copy);
}

static void test_names_of_reasons(void **state)
{
    (void)state;
    assert_string_equal(rtsprec_deletion_reason_name(RTSPREC_DELETION_NONE), "none");
    assert_string_equal(rtsprec_deletion_reason_name(RTSPREC_DELETION_AGE), "max age");
    assert_string_equal(rtsprec_deletion_reason_name(RTSPREC_DELETION_CAMERA_SPACE),
                        "camera space");
    assert_string_equal(rtsprec_deletion_reason_name(RTSPREC_DELETION_ARCHIVE_SPACE),
                        "archive space");
    assert_string_equal(rtsprec_deletion_reason_name(RTSPREC_DELETION_FREE_SPACE), "free space");
    assert_string_equal(rtsprec_deletion_reason_name(RTSPREC_DELETION_TIMELAPSE_AGE),
                        "timelapse age");
    assert_string_equal(rtsprec_deletion_reason_name(99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contradictions),
        cmocka_unit_test(test_a_newer_struct),
        cmocka_unit_test(test_a_copy),
        cmocka_unit_test(test_names_of_reasons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
