#include "unit.h"

#include <libavutil/common.h>
#include <libavutil/intreadwrite.h>

#include "ingest/rtp_reorder.h"

#define WAIT_US 100000

static void push_from(struct rtp_reorder *reorder, uint32_t ssrc, uint16_t sequence,
                      int64_t arrival_us)
{
    uint8_t data[14] = {0x80, 96};
    AV_WB16(data + 2, sequence);
    AV_WB32(data + 8, ssrc);
    AV_WB16(data + 12, sequence);
    assert_int_equal(rtp_reorder_push(reorder, data, sizeof(data), arrival_us), 0);
}

/* The sequence number of the next packet, -1 when there is none. */
static int pull(struct rtp_reorder *reorder, int64_t now_us)
{
    const uint8_t *data;
    size_t size;
    int64_t arrival_us;
    if (!rtp_reorder_pull(reorder, now_us, &data, &size, &arrival_us))
        return -1;
    assert_int_equal(size, 14);
    assert_int_equal(AV_RB16(data + 2), AV_RB16(data + 12));
    return AV_RB16(data + 2);
}

/* Pushes numbers of one source, a millisecond each, pulling after each; "." is 200 ms of waiting.
 * Writes what comes out. */
static void order(const char *in, char *out)
{
    struct rtp_reorder *reorder;
    int64_t now_us = 0;
    int number;
    assert_int_equal(rtp_reorder_create(&reorder, WAIT_US), 0);
    for (char *end; *in; in = end) {
        if (*in == '.') {
            now_us += 2 * WAIT_US;
            end = (char *)in + 1;
        } else {
            push_from(reorder, 7, (uint16_t)strtol(in, &end, 10), now_us += 1000);
        }
        while ((number = pull(reorder, now_us)) >= 0)
            out += sprintf(out, "%d ", number);
        end += strspn(end, " ");
    }
    rtp_reorder_destroy(&reorder);
    assert_null(reorder);
}

static void test_order(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"5 6 7", "5 6 7 "},
        {"65534 65535 0 1", "65534 65535 0 1 "},
        {"65534 0 65535 1", "65534 65535 0 1 "},
        {"5 7 8 6 9", "5 6 7 8 9 "},
        {"5 9 8 7 6 10", "5 6 7 8 9 10 "},
        {"5 7 8", "5 "},
        {"5 7 8 .", "5 7 8 "},
        {"5 7 9 . 10", "5 7 9 10 "},
        {"5 7 . 6 8", "5 7 8 "},         /* too late */
        {"5 5 6 6 8 8 7 7", "5 6 7 8 "}, /* twice */
        {"5 4 6", "5 6 "},
        {"5 3006 3007", "5 3006 3007 "}, /* another sequence */
        {"5000 10 11", "5000 10 11 "},
        {"5 7 4000 4001 .", "5 7 4000 4001 "},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        char out[256] = "";
        order(rows[i].in, out);
        require(!strcmp(out, rows[i].out), "%s: %s", rows[i].in, out);
    }
}

static void test_deadline_is_of_the_first_behind_the_hole(void **state)
{
    (void)state;
    struct rtp_reorder *reorder;
    assert_int_equal(rtp_reorder_create(&reorder, WAIT_US), 0);
    assert_int_equal(rtp_reorder_deadline_us(reorder), INT64_MAX);
    push_from(reorder, 7, 5, 0);
    assert_int_equal(rtp_reorder_deadline_us(reorder), INT64_MAX);
    assert_int_equal(pull(reorder, 0), 5);
    push_from(reorder, 7, 9, 1000);
    push_from(reorder, 7, 7, 2000);
    assert_int_equal(rtp_reorder_deadline_us(reorder), 1000 + WAIT_US);
    assert_int_equal(pull(reorder, WAIT_US + 999), -1);
    assert_int_equal(pull(reorder, WAIT_US + 1000), 7);
    assert_int_equal(rtp_reorder_deadline_us(reorder), 1000 + WAIT_US);
    assert_int_equal(pull(reorder, WAIT_US + 1000), 9);
    assert_int_equal(rtp_reorder_deadline_us(reorder), INT64_MAX);
    push_from(reorder, 7, 11, 500000);
    assert_int_equal(rtp_reorder_deadline_us(reorder), 500000 + WAIT_US);
    rtp_reorder_destroy(&reorder);
    rtp_reorder_destroy(&reorder);
}

static void test_a_full_queue_waits_no_longer(void **state)
{
    (void)state;
    struct rtp_reorder *reorder;
    assert_int_equal(rtp_reorder_create(&reorder, WAIT_US), 0);
    push_from(reorder, 7, 0, 0);
    assert_int_equal(pull(reorder, 0), 0);
    for (int i = 0; i < RTP_REORDER_PACKETS; i++) {
        assert_int_equal(pull(reorder, 0), -1);
        push_from(reorder, 7, (uint16_t)(2 + i), 0);
    }
    push_from(reorder, 7, 2000, 0); /* nobody has pulled */
    for (int i = 0; i < RTP_REORDER_PACKETS; i++)
        assert_int_equal(pull(reorder, 0), 2 + i);
    assert_int_equal(pull(reorder, 2 * WAIT_US), -1);
    rtp_reorder_destroy(&reorder);
}

static void test_a_source_that_begins_anew(void **state)
{
    (void)state;
    struct rtp_reorder *reorder;
    assert_int_equal(rtp_reorder_create(&reorder, WAIT_US), 0);
    push_from(reorder, 7, 100, 0);
    push_from(reorder, 8, 99, 0);
    push_from(reorder, 8, 100, 0);
    assert_int_equal(pull(reorder, 0), 100);
    assert_int_equal(pull(reorder, 0), 99);
    assert_int_equal(pull(reorder, 0), 100);
    /* The same SSRC, and numbers not far below the last. */
    push_from(reorder, 8, 2000, 0);
    assert_int_equal(pull(reorder, WAIT_US), 2000);
    int first = -1;
    for (int i = 0; i < 2 * RTP_REORDER_PACKETS; i++) {
        push_from(reorder, 8, (uint16_t)(10 + i), 0);
        int number = pull(reorder, 0);
        if (first < 0)
            first = number;
        else
            assert_int_equal(number, 10 + i);
    }
    assert_int_equal(first, 10 + RTP_REORDER_PACKETS);
    rtp_reorder_destroy(&reorder);
}

static void test_what_is_no_packet(void **state)
{
    (void)state;
    struct rtp_reorder *reorder;
    assert_int_equal(rtp_reorder_create(&reorder, WAIT_US), 0);
    assert_int_equal(rtp_reorder_push(reorder, (const uint8_t *)"GET / HTTP/1.0", 14, 0), 0);
    assert_int_equal(rtp_reorder_push(reorder, NULL, 0, 0), 0);
    assert_int_equal(pull(reorder, WAIT_US), -1);
    rtp_reorder_destroy(&reorder);
}

/* Whatever a network does within the limits, each packet comes once and in order; of those that did
 * not come in time nothing comes. */
static void test_random_networks(void **state)
{
    (void)state;
    uint64_t random = 23;
    enum { COUNT = 3000 };
    for (int round = 0; round < 50; round++) {
        struct rtp_reorder *reorder;
        static int64_t due_us[COUNT]; /* 0: lost */
        int expected = 0, number, given = 0, sent = 0;
        assert_int_equal(rtp_reorder_create(&reorder, WAIT_US), 0);
        for (int i = 0; i < COUNT; i++) {
            due_us[i] = i * 2000 + random_between(&random, 1, WAIT_US / 2);
            if (i > 60 && random_between(&random, 0, 20) == 0)
                due_us[i] = 0;
            sent += due_us[i] > 0;
            if (i < 60)
                due_us[i] = i * 2000 + 1; /* a beginning in order */
        }
        for (int64_t now_us = 0; now_us < COUNT * 2000 + 3 * WAIT_US; now_us += 1000) {
            int low = (int)FFMAX(0, now_us / 2000 - 30),
                high = (int)FFMIN(COUNT, now_us / 2000 + 1);
            for (int i = low; i < high; i++) {
                if (due_us[i] <= now_us && due_us[i] > now_us - 1000 && due_us[i] > 0)
                    push_from(reorder, 7, (uint16_t)(65000 + i), now_us);
            }
            while ((number = pull(reorder, now_us)) >= 0) {
                int index = (uint16_t)(number - 65000);
                require(index >= expected, "round %d: %d and %d", round, index, expected);
                require(due_us[index] > 0, "round %d: %d", round, index);
                expected = index + 1;
                given++;
            }
        }
        assert_int_equal(given, sent);
        rtp_reorder_destroy(&reorder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_deadline_is_of_the_first_behind_the_hole),
        cmocka_unit_test(test_a_full_queue_waits_no_longer),
        cmocka_unit_test(test_a_source_that_begins_anew),
        cmocka_unit_test(test_what_is_no_packet),
        cmocka_unit_test(test_random_networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
