/* Codes, names and texts: every row of the map, and numbers that are in none. */
#include <string.h>

#include <rtsprec/rtsprec.h>

#include "cmocka_api.h"

static void every_code_has_its_name_and_text(void **state)
{
    (void)state;
#define XX(name, value, text)                                             \
    assert_int_equal(RTSPREC_ERROR_##name, value);                        \
    assert_string_equal(rtsprec_error_name(RTSPREC_ERROR_##name), #name); \
    assert_string_equal(rtsprec_error_string(RTSPREC_ERROR_##name), text);
    RTSPREC_ERROR_MAP(XX)
#undef XX
}

/* They are part of the ABI: a program compiled against an older header compares with these. */
static void values_never_change(void **state)
{
    static const int values[] = {-1,  -2,  -3,  -4,  -5,  -6,  -10, -11, -12, -13,
                                 -14, -15, -16, -17, -18, -19, -30, -31, -32};
    (void)state;
#define XX(name, value, text) RTSPREC_ERROR_##name,
    static const int map[] = {RTSPREC_ERROR_MAP(XX)};
#undef XX
    assert_true(sizeof(map) >= sizeof(values));
    assert_memory_equal(map, values, sizeof(values));
}

static void success_is_named(void **state)
{
    (void)state;
    assert_string_equal(rtsprec_error_name(0), "OK");
    assert_true(strlen(rtsprec_error_string(0)) > 0);
}

static void other_numbers_are_unknown(void **state)
{
    static const int numbers[] = {1, -7, -9, -29, -33, -1000, INT32_MIN, INT32_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        assert_string_equal(rtsprec_error_name(numbers[i]), "UNKNOWN");
        assert_string_equal(rtsprec_error_string(numbers[i]), "unknown error");
    }
}

static void states_and_reasons_have_names(void **state)
{
    (void)state;
    assert_string_equal(rtsprec_camera_state_name(RTSPREC_CAMERA_STOPPED), "stopped");
    assert_string_equal(rtsprec_camera_state_name(RTSPREC_CAMERA_CONNECTING), "connecting");
    assert_string_equal(rtsprec_camera_state_name(RTSPREC_CAMERA_RECORDING), "recording");
    assert_string_equal(rtsprec_camera_state_name(RTSPREC_CAMERA_WAITING), "waiting");
    assert_non_null(rtsprec_camera_state_name((enum rtsprec_camera_state)99));

    assert_string_equal(rtsprec_segment_reason_name(RTSPREC_SEGMENT_ROTATED), "rotated");
    assert_string_equal(rtsprec_segment_reason_name(RTSPREC_SEGMENT_STOPPED), "stopped");
    assert_string_equal(rtsprec_segment_reason_name(RTSPREC_SEGMENT_LOST), "lost");
    assert_string_equal(rtsprec_segment_reason_name(RTSPREC_SEGMENT_PARAMETERS), "parameters");
    assert_string_equal(rtsprec_segment_reason_name(RTSPREC_SEGMENT_FAILED), "failed");
    assert_string_equal(rtsprec_segment_reason_name(RTSPREC_SEGMENT_UNKNOWN), "unknown");
    assert_non_null(rtsprec_segment_reason_name((enum rtsprec_segment_reason)99));

    assert_string_equal(rtsprec_coverage_reason_name(RTSPREC_COVERAGE_RECORDED), "recorded");
    assert_string_equal(rtsprec_coverage_reason_name(RTSPREC_COVERAGE_NOT_SCHEDULED), "schedule");
    assert_string_equal(rtsprec_coverage_reason_name(RTSPREC_COVERAGE_OVERLOADED), "overloaded");
    for (int i = 0; i < RTSPREC_COVERAGE_COUNT; i++)
        assert_non_null(rtsprec_coverage_reason_name((enum rtsprec_coverage_reason)i));
    assert_string_equal(rtsprec_coverage_reason_name((enum rtsprec_coverage_reason)99), "unknown");
    assert_string_equal(rtsprec_coverage_reason_name((enum rtsprec_coverage_reason) - 1),
                        "unknown");
}

static void versions_are_told(void **state)
{
    (void)state;
    assert_string_equal(rtsprec_version(), PROJECT_VERSION);
    assert_non_null(strstr(rtsprec_version_of_ffmpeg(), "libavformat "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_its_name_and_text),
        cmocka_unit_test(values_never_change),
        cmocka_unit_test(success_is_named),
        cmocka_unit_test(other_numbers_are_unknown),
        cmocka_unit_test(states_and_reasons_have_names),
        cmocka_unit_test(versions_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
