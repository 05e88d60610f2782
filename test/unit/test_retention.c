#include "retention_model.h"

#define NOW (INT64_C(1709380800) * SECOND)

static struct model model;
static struct model_list list;

/* A camera's segments of 100 bytes, one an hour, the newest of which ends now. */
static void fill(size_t camera, int count, bool is_protected)
{
    for (int i = count; i > 0; i--)
        model_add(&model, camera, is_protected, NOW - i * HOUR, NOW - (i - 1) * HOUR, 100);
}

static void begin(size_t cameras)
{
    model_init(&model, cameras);
    model.request.now_us = NOW;
}

static void require_path(int index, const char *path, enum rtsprec_deletion_reason reason)
{
    require(index < list.count, "%d of %d", index, list.count);
    require(!strcmp(list.deletions[index].segment.path, path), "%d: %s, not %s", index,
            list.deletions[index].segment.path, path);
    require(list.deletions[index].reason == reason, "%d: %d", index,
            (int)list.deletions[index].reason);
}

static void test_nothing_without_limits(void **state)
{
    (void)state;
    begin(2);
    fill(0, 20, false);
    fill(1, 20, true);
    model.request.free_bytes = 0;
    model.cameras[0].lead_bytes = 1000;
    struct retention_result result = model_decide(&model, &list);
    assert_int_equal(list.count, 0);
    assert_int_equal(model.peeks, 0);
    assert_true(result.room_bytes == INT64_MAX);
    assert_int_equal(result.short_bytes, 0);
}

static void test_an_empty_archive(void **state)
{
    (void)state;
    begin(0);
    model.limits.max_bytes = 1;
    model.limits.keep_free_bytes = 10;
    model.request.free_bytes = 0;
    struct retention_result result = model_decide(&model, &list);
    assert_int_equal(list.count, 0);
    assert_int_equal(result.short_bytes, 10);
    assert_int_equal(result.short_of, RTSPREC_DELETION_FREE_SPACE);
    assert_int_equal(result.room_bytes, 0);
}

static void test_age(void **state)
{
    (void)state;
    begin(2);
    fill(0, 10, false);
    fill(1, 10, false);
    model.camera_limits[0].max_age_us = 7 * HOUR;
    model.camera_limits[1].max_age_us = 8 * HOUR;
    model_decide(&model, &list);
    /* Ends 9, 8 and 7 hours ago; 9 and 8. The same start: by path. */
    assert_int_equal(list.count, 5);
    require_path(0, "cam0/0/0", RTSPREC_DELETION_AGE);
    require_path(1, "cam1/0/0", RTSPREC_DELETION_AGE);
    require_path(2, "cam0/0/1", RTSPREC_DELETION_AGE);
    require_path(3, "cam1/0/1", RTSPREC_DELETION_AGE);
    require_path(4, "cam0/0/2", RTSPREC_DELETION_AGE);
}

/* For another limit it makes no difference. */
static void test_age_of_a_clock_that_may_be_wrong(void **state)
{
    (void)state;
    begin(1);
    fill(0, 10, false);
    model.limits.cameras = NULL;
    model.limits.camera_count = 0;
    model.limits.max_age_us = 7 * HOUR;
    model.limits.max_bytes = 900;
    model.request.is_clock_new = true;
    model_decide(&model, &list);
    assert_int_equal(list.count, 1);
    require_path(0, "cam0/0/0", RTSPREC_DELETION_ARCHIVE_SPACE);
}

static void test_age_spares_what_is_protected(void **state)
{
    (void)state;
    begin(1);
    fill(0, 10, true);
    model.camera_limits[0].max_age_us = HOUR;
    model.limits.protected_policy = RTSPREC_PROTECTED_LAST;
    model_decide(&model, &list);
    assert_int_equal(list.count, 0);
}

/* Cameras that are not named have the archive's limits. */
static void test_a_camera_without_limits_of_its_own(void **state)
{
    (void)state;
    begin(2);
    fill(0, 10, false);
    fill(1, 10, false);
    model.limits.camera_count = 1;
    model.limits.max_age_us = 9 * HOUR;
    model_decide(&model, &list);
    assert_int_equal(list.count, 1);
    require_path(0, "cam1/0/0", RTSPREC_DELETION_AGE);
}

static void test_the_space_of_a_camera(void **state)
{
    (void)state;
    begin(2);
    fill(0, 10, false);
    fill(1, 20, false);
    model.camera_limits[0].max_bytes = 850;
    model_decide(&model, &list);
    assert_int_equal(list.count, 2); /* of its own, though the other's are older */
    require_path(0, "cam0/0/0", RTSPREC_DELETION_CAMERA_SPACE);
    require_path(1, "cam0/0/1", RTSPREC_DELETION_CAMERA_SPACE);
    model.cameras[0].open_bytes = 51; /* counts, too */
    model_decide(&model, &list);
    assert_int_equal(list.count, 3);
}

static void test_the_space_of_all(void **state)
{
    (void)state;
    begin(2);
    fill(0, 10, false);
    fill(1, 12, false);
    model.limits.max_bytes = 2000;
    struct retention_result result = model_decide(&model, &list);
    assert_int_equal(list.count, 2);
    require_path(0, "cam1/0/0", RTSPREC_DELETION_ARCHIVE_SPACE);
    require_path(1, "cam1/0/1", RTSPREC_DELETION_ARCHIVE_SPACE);
    assert_int_equal(result.room_bytes, 0);
    assert_int_equal(result.bytes, 200);

    model.limits.max_bytes = 0;
    model.limits.keep_free_bytes = 1000;
    model.request.free_bytes = 701;
    result = model_decide(&model, &list);
    assert_int_equal(list.count, 3);
    require_path(0, "cam1/0/0", RTSPREC_DELETION_FREE_SPACE);
    require_path(2, "cam0/0/0", RTSPREC_DELETION_FREE_SPACE); /* as old as cam1/0/2 */
    assert_int_equal(result.room_bytes, 1);
}

/* What they write counts for free space, and for nothing else. */
static void test_other_archives_on_the_disk(void **state)
{
    (void)state;
    begin(1);
    fill(0, 60, false);
    model.cameras[0].lead_bytes = 40;
    model.request.others_bytes = 160;
    model.limits.keep_free_bytes = 1000;
    model.request.free_bytes = 1200;
    model_decide(&model, &list);
    assert_int_equal(list.count, 0);
    model.request.free_bytes = 1199;
    model_decide(&model, &list);
    assert_int_equal(list.count, 3); /* to twice the lead of both */
    model.limits.keep_free_bytes = 0;
    model.limits.max_bytes = 6040;
    model_decide(&model, &list);
    assert_int_equal(list.count, 0);
}

/* A file gives back whole blocks. */
static void test_blocks(void **state)
{
    (void)state;
    begin(1);
    fill(0, 10, false);
    model.limits.keep_free_bytes = 1000;
    model.request.free_bytes = 400;
    model.request.block_bytes = 512;
    model_decide(&model, &list);
    assert_int_equal(list.count, 2);
}

/* A limit for which no pass begins has no part in one for another. */
static void test_one_limit_at_a_time(void **state)
{
    (void)state;
    begin(1);
    fill(0, 10, false);
    model.cameras[0].lead_bytes = 50;
    model.limits.max_bytes = 1000;
    model.limits.keep_free_bytes = 1000;
    model.request.free_bytes = 1000 + 60; /* the lead fits, not twice */
    model_decide(&model, &list);
    assert_int_equal(list.count, 1);
    model.request.free_bytes = 1000 + 40;
    model.limits.max_bytes = 2000;
    model_decide(&model, &list);
    assert_int_equal(list.count, 1);
    require_path(0, "cam0/0/0", RTSPREC_DELETION_FREE_SPACE);
}

/* A pass begins when the lead no longer fits, and ends when it fits twice. */
static void test_the_lead(void **state)
{
    (void)state;
    begin(1);
    fill(0, 10, false);
    model.limits.max_bytes = 2000;
    model.cameras[0].lead_bytes = 150;
    model.cameras[0].open_bytes = 850;
    model_decide(&model, &list);
    assert_int_equal(list.count, 0); /* 1850 + 150 */
    model.cameras[0].open_bytes = 851;
    struct retention_result result = model_decide(&model, &list);
    assert_int_equal(list.count, 2); /* down to 1700 or less */
    assert_int_equal(result.room_bytes, 349);
    for (int i = 0; i < 2; i++)
        model_delete(&model, &list.deletions[i]);
    model_decide(&model, &list);
    assert_int_equal(list.count, 0);
}

/* However fast the cameras write, a tenth of what is allowed is all that is kept free for them. */
static void test_a_lead_beyond_the_limit(void **state)
{
    (void)state;
    begin(2);
    fill(0, 10, false);
    fill(1, 10, false);
    model.limits.max_bytes = 1900;
    model.camera_limits[0].max_bytes = 1000;
    model.cameras[0].lead_bytes = model.cameras[1].lead_bytes = 1000000;
    model_decide(&model, &list);
    assert_int_equal(list.count, 5); /* a fifth of 1000, of 1900 */
    require_path(0, "cam0/0/0", RTSPREC_DELETION_CAMERA_SPACE);
    require_path(1, "cam0/0/1", RTSPREC_DELETION_CAMERA_SPACE);
    require_path(2, "cam1/0/0", RTSPREC_DELETION_ARCHIVE_SPACE);
    require_path(4, "cam0/0/2", RTSPREC_DELETION_ARCHIVE_SPACE);

    /* Of the disk, what we have and may have counts: 2000 of ours, 220 free above the limit. */
    model.limits.max_bytes = model.camera_limits[0].max_bytes = 0;
    model.limits.keep_free_bytes = 7000;
    model.request.free_bytes = 7220;
    model_decide(&model, &list);
    assert_int_equal(list.count, 3); /* to 7000 + 2 * 222 */
}

static void test_what_is_young_goes_later(void **state)
{
    (void)state;
    begin(2);
    fill(0, 10, false);
    fill(1, 5, false);
    model.camera_limits[0].min_age_us = 8 * HOUR;
    model.limits.max_bytes = 900;
    model_decide(&model, &list);
    assert_int_equal(list.count, 6);
    require_path(0, "cam0/0/0", RTSPREC_DELETION_ARCHIVE_SPACE); /* end 9 h and 8 h ago */
    require_path(1, "cam0/0/1", RTSPREC_DELETION_ARCHIVE_SPACE);
    require_path(2, "cam1/0/0", RTSPREC_DELETION_ARCHIVE_SPACE);
    require_path(5, "cam1/0/3", RTSPREC_DELETION_ARCHIVE_SPACE);
    model.limits.max_bytes = 700;
    model_decide(&model, &list);
    assert_int_equal(list.count, 8);
    require_path(6, "cam1/0/4", RTSPREC_DELETION_ARCHIVE_SPACE);
    require_path(7, "cam0/0/2", RTSPREC_DELETION_ARCHIVE_SPACE); /* only young ones are left */
    assert_false(list.deletions[6].is_young);
    assert_true(list.deletions[7].is_young);
}

static void test_what_is_protected(void **state)
{
    (void)state;
    begin(2);
    fill(0, 20, true);
    fill(1, 5, false);
    model.limits.max_bytes = 1000;
    struct retention_result result = model_decide(&model, &list);
    assert_int_equal(list.count, 5);
    require_path(0, "cam1/0/0", RTSPREC_DELETION_ARCHIVE_SPACE);
    assert_int_equal(result.short_bytes, 1000);
    assert_int_equal(result.short_of, RTSPREC_DELETION_ARCHIVE_SPACE);

    model.limits.protected_policy = RTSPREC_PROTECTED_LAST;
    result = model_decide(&model, &list);
    assert_int_equal(list.count, 15);
    require_path(4, "cam1/0/4", RTSPREC_DELETION_ARCHIVE_SPACE);
    require_path(5, "cam0/1/0", RTSPREC_DELETION_ARCHIVE_SPACE);
    assert_true(list.deletions[5].is_protected);
    assert_int_equal(result.short_bytes, 0);
}

static void test_an_exempt_camera(void **state)
{
    (void)state;
    begin(2);
    fill(0, 20, false);
    fill(1, 5, false);
    model.camera_limits[0].is_exempt = 1;
    model.camera_limits[0].max_bytes = 1;
    model.limits.max_bytes = 2000;
    struct retention_result result = model_decide(&model, &list);
    assert_int_equal(list.count, 5); /* what it occupies counts all the same */
    require_path(0, "cam1/0/0", RTSPREC_DELETION_ARCHIVE_SPACE);
    assert_int_equal(result.short_bytes, 0);
    model.camera_limits[0].max_age_us = 19 * HOUR;
    model_decide(&model, &list);
    require_path(0, "cam0/0/0", RTSPREC_DELETION_AGE);
}

/* Not even an empty disk would have so much free. */
static void test_more_free_than_the_disk_has(void **state)
{
    (void)state;
    begin(1);
    fill(0, 20, false);
    model.limits.keep_free_bytes = 10000;
    model.request.free_bytes = 5000;
    model.request.disk_bytes = 10000;
    struct retention_result result = model_decide(&model, &list);
    assert_int_equal(list.count, 0);
    assert_true(result.is_keep_free_impossible);
    model.request.disk_bytes = 10001;
    result = model_decide(&model, &list);
    assert_int_equal(list.count, 20);
    assert_false(result.is_keep_free_impossible);
    assert_int_equal(result.short_bytes, 3000);
}

static void test_an_end_by_the_callback(void **state)
{
    (void)state;
    begin(1);
    fill(0, 20, false);
    model.limits.max_bytes = 1000;
    list.most = 3;
    struct retention_result result = model_decide(&model, &list);
    list.most = 0;
    assert_int_equal(list.count, 3);
    assert_int_equal(result.deletions, 3);
    assert_true(result.is_ended);
    assert_int_equal(result.short_bytes, 0); /* nobody knows */
}

static int fail_to_peek(void *user, size_t camera, bool is_protected,
                        struct retention_segment *segment)
{
    int *left = user;
    (void)camera, (void)is_protected;
    *segment = (struct retention_segment){"x", 0, 1, 100};
    return --*left < 0 ? RTSPREC_ERROR_IO : 1;
}

static void take_nothing(void *user, size_t camera, bool is_protected)
{
    (void)user, (void)camera, (void)is_protected;
}

static void test_a_supply_that_fails(void **state)
{
    (void)state;
    begin(2);
    fill(0, 20, false);
    model.limits.max_bytes = 1000;
    model.limits.max_age_us = HOUR;
    for (int good = 0; good < 5; good++) {
        int left = good;
        struct retention_result result;
        model.request.supply = (struct retention_supply){&left, fail_to_peek, take_nothing};
        list.count = 0;
        assert_int_equal(retention_decide(&model.request, model_note, &list, &result),
                         RTSPREC_ERROR_IO);
    }
}

/* A clock was set back: what lies within a segment waits for it. */
static void test_a_segment_within_another(void **state)
{
    (void)state;
    begin(1);
    model_add(&model, 0, false, NOW - 10 * HOUR, NOW - HOUR, 100);
    model_add(&model, 0, false, NOW - 9 * HOUR, NOW - 8 * HOUR, 100);
    model.camera_limits[0].max_age_us = 2 * HOUR;
    model.camera_limits[0].min_age_us = 2 * HOUR;
    model_decide(&model, &list);
    assert_int_equal(list.count, 0);
    model.limits.max_bytes = 50;
    model_decide(&model, &list);
    assert_int_equal(list.count, 2);
    require_path(0, "cam0/0/0", RTSPREC_DELETION_ARCHIVE_SPACE);
    assert_true(list.deletions[0].is_young);
    assert_false(list.deletions[1].is_young);
}

/* The clock was wrong: what is not over yet is the youngest. */
static void test_segments_of_the_future(void **state)
{
    (void)state;
    begin(2);
    fill(0, 2, false);
    model_add(&model, 0, false, NOW + 900 * DAY, NOW + 900 * DAY + HOUR, 100);
    fill(1, 2, false);
    for (int i = 0; i < 2; i++) {
        model.camera_limits[i].max_age_us = DAY;
        model.camera_limits[i].min_age_us = HOUR;
    }
    model.limits.max_bytes = 200;
    model_decide(&model, &list);
    assert_int_equal(list.count, 3);
    require_path(0, "cam0/0/0", RTSPREC_DELETION_ARCHIVE_SPACE);
    require_path(1, "cam1/0/0", RTSPREC_DELETION_ARCHIVE_SPACE);
    require_path(2, "cam0/0/1", RTSPREC_DELETION_ARCHIVE_SPACE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_without_limits),
        cmocka_unit_test(test_an_empty_archive),
        cmocka_unit_test(test_age),
        cmocka_unit_test(test_age_of_a_clock_that_may_be_wrong),
        cmocka_unit_test(test_age_spares_what_is_protected),
        cmocka_unit_test(test_a_camera_without_limits_of_its_own),
        cmocka_unit_test(test_the_space_of_a_camera),
        cmocka_unit_test(test_the_space_of_all),
        cmocka_unit_test(test_other_archives_on_the_disk),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_one_limit_at_a_time),
        cmocka_unit_test(test_the_lead),
        cmocka_unit_test(test_a_lead_beyond_the_limit),
        cmocka_unit_test(test_what_is_young_goes_later),
        cmocka_unit_test(test_what_is_protected),
        cmocka_unit_test(test_an_exempt_camera),
        cmocka_unit_test(test_more_free_than_the_disk_has),
        cmocka_unit_test(test_an_end_by_the_callback),
        cmocka_unit_test(test_a_supply_that_fails),
        cmocka_unit_test(test_segments_of_the_future),
        cmocka_unit_test(test_a_segment_within_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
