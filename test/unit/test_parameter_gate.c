#include "unit.h"

#include <libavutil/mem.h>

#include "camera/parameter_gate.h"

static uint8_t extradata[3][4] = {{1, 2, 3, 4}, {1, 2, 3, 5}, {1, 2, 3, 6}};

/* Parameters number n: they differ in their extradata. */
static AVCodecParameters numbered(int n)
{
    return (AVCodecParameters){.codec_id = AV_CODEC_ID_H264,
                               .width = 640,
                               .height = 480,
                               .extradata = extradata[n],
                               .extradata_size = 4};
}

static enum parameter_gate_verdict decide(struct parameter_gate *gate, int stream, int current,
                                          int64_t now_us)
{
    AVCodecParameters a = numbered(stream), b = numbered(current);
    return parameter_gate_decide(gate, &a, &b, now_us);
}

static void test_the_same_changes_nothing(void **state)
{
    (void)state;
    struct parameter_gate gate = {0};
    for (int n = 0; n < 100; n++)
        assert_int_equal(decide(&gate, 1, 1, HOUR + n * SECOND), PARAMETER_GATE_KEEP);
}

static void test_what_a_change_is(void **state)
{
    (void)state;
    const AVCodecParameters first = numbered(0);
    AVCodecParameters other[5] = {first, first, first, first, first};
    other[0].codec_id = AV_CODEC_ID_HEVC;
    other[1].width = 641;
    other[2].height = 481;
    other[3].extradata_size = 3;
    other[4].extradata = extradata[1];
    for (size_t i = 0; i < LENGTH(other); i++) {
        struct parameter_gate gate = {0};
        assert_int_equal(parameter_gate_decide(&gate, &first, &other[i], HOUR), PARAMETER_GATE_CUT);
    }
    /* As MJPEG has it. */
    struct parameter_gate gate = {0};
    AVCodecParameters none = {.codec_id = AV_CODEC_ID_MJPEG}, same = none;
    assert_int_equal(parameter_gate_decide(&gate, &none, &same, HOUR), PARAMETER_GATE_KEEP);
}

/* Changes 10 s apart or more cut each at once. */
static void test_rare_changes_cut_at_once(void **state)
{
    (void)state;
    struct parameter_gate gate = {0};
    int64_t now = 0; /* of a host that has just started */
    for (int n = 0; n < 10; n++, now += PARAMETER_GATE_US) {
        assert_int_equal(decide(&gate, n % 2, (n + 1) % 2, now), PARAMETER_GATE_CUT);
        assert_int_equal(decide(&gate, (n + 1) % 2, (n + 1) % 2, now + SECOND),
                         PARAMETER_GATE_KEEP);
    }
}

/* Another set with each key frame, one a second: a cut each 10 s, the rest in band. */
static void test_flapping(void **state)
{
    (void)state;
    struct parameter_gate gate = {0};
    int stream = 0, cuts = 0;
    for (int n = 1; n <= 100; n++) {
        int current = n % 3;
        switch (decide(&gate, stream, current, HOUR + n * SECOND)) {
        case PARAMETER_GATE_CUT:
            require((n - 1) % 10 == 0, "key frame %d", n);
            stream = current;
            cuts++;
            break;
        case PARAMETER_GATE_IN_BAND:
            require((n - 1) % 10 != 0, "key frame %d", n);
            break;
        case PARAMETER_GATE_KEEP:
            require(false, "key frame %d", n);
        }
    }
    assert_int_equal(cuts, 10);
}

/* There and back within the 10 s: no cut is due, but the file's frames go on saying what they are.
 */
static void test_a_change_that_is_taken_back(void **state)
{
    (void)state;
    struct parameter_gate gate = {0};
    assert_int_equal(decide(&gate, 0, 1, HOUR), PARAMETER_GATE_CUT);
    assert_int_equal(decide(&gate, 1, 2, HOUR + 2 * SECOND), PARAMETER_GATE_IN_BAND);
    for (int n = 3; n < 60; n++)
        assert_int_equal(decide(&gate, 1, 1, HOUR + n * SECOND), PARAMETER_GATE_IN_BAND);
    /* The next change is long after the last cut. */
    assert_int_equal(decide(&gate, 1, 0, HOUR + MINUTE), PARAMETER_GATE_CUT);
    assert_int_equal(decide(&gate, 0, 0, HOUR + MINUTE + SECOND), PARAMETER_GATE_KEEP);
}

/* What was held back is cut when the time has come, without another change. */
static void test_a_change_that_stays_is_cut_later(void **state)
{
    (void)state;
    struct parameter_gate gate = {0};
    assert_int_equal(decide(&gate, 0, 1, HOUR), PARAMETER_GATE_CUT);
    for (int n = 1; n < 10; n++)
        assert_int_equal(decide(&gate, 1, 2, HOUR + n * SECOND), PARAMETER_GATE_IN_BAND);
    assert_int_equal(decide(&gate, 1, 2, HOUR + 10 * SECOND), PARAMETER_GATE_CUT);
    assert_int_equal(decide(&gate, 2, 2, HOUR + 11 * SECOND), PARAMETER_GATE_KEEP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_changes_nothing),
        cmocka_unit_test(test_what_a_change_is),
        cmocka_unit_test(test_rare_changes_cut_at_once),
        cmocka_unit_test(test_flapping),
        cmocka_unit_test(test_a_change_that_is_taken_back),
        cmocka_unit_test(test_a_change_that_stays_is_cut_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
