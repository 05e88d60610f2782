#include "bytes.h"

#include <libavutil/intreadwrite.h>

#include "ingest/rtp.h"

/* Version and flags, marker and type, sequence 0x1234, time 0x55667788, SSRC 0xa1b2c3d4. */
#define HEADER(flags, type) flags type "1234 55667788 a1b2c3d4"

static bool parse(struct rtp_packet *packet, uint8_t **data, const char *hex)
{
    size_t size;
    *data = bytes_of(hex, &size);
    return rtp_parse(packet, *data, size);
}

static void test_fields(void **state)
{
    (void)state;
    uint8_t *data;
    struct rtp_packet packet;
    assert_true(parse(&packet, &data, HEADER("80", "e0") "aabb"));
    assert_int_equal(packet.sequence, 0x1234);
    assert_int_equal(packet.timestamp, 0x55667788);
    assert_int_equal(packet.ssrc, 0xa1b2c3d4);
    assert_int_equal(packet.payload_type, 96);
    assert_true(packet.marker);
    free(data);
    assert_true(parse(&packet, &data, HEADER("80", "08") "aabb"));
    assert_int_equal(packet.payload_type, 8);
    assert_false(packet.marker);
    free(data);
}

static void test_payload(void **state)
{
    (void)state;
    static const struct {
        const char *hex, *payload; /* NULL: no RTP packet */
    } rows[] = {
        {HEADER("80", "60") "aabbcc", "aabbcc"},
        {HEADER("80", "60"), ""},
        {HEADER("82", "60") "11111111 22222222 aa", "aa"},         /* contributing sources */
        {HEADER("90", "60") "bede0001 33333333 aa", "aa"},         /* an extension */
        {HEADER("91", "60") "11111111 bede0000 aa", "aa"},         /* both */
        {HEADER("a0", "60") "aabb 000003", "aabb"},                /* padding */
        {HEADER("a0", "60") "000003", ""},                         /* nothing but padding */
        {HEADER("a0", "60") "aabb04", "aabb04"},                   /* more than there is */
        {HEADER("a0", "60") "aabb00", "aabb00"},                   /* none */
        {HEADER("b0", "60") "bede0001 33333333 aabb0002", "aabb"}, /* with an extension */
        {HEADER("40", "60") "aabb", NULL},                         /* version 1 */
        {HEADER("82", "60") "11111111 222222", NULL},
        {HEADER("90", "60") "bede00", NULL},
        {HEADER("90", "60") "bede0002 33333333 aa", NULL},
        {"8060 1234 55667788 a1b2c3", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct rtp_packet packet;
        uint8_t *data;
        bool is_rtp = parse(&packet, &data, rows[i].hex);
        require(is_rtp == (rows[i].payload != NULL), "%s", rows[i].hex);
        if (is_rtp) {
            size_t size;
            uint8_t *expected = bytes_of(rows[i].payload, &size);
            require(packet.size == size && !memcmp(packet.payload, expected, size), "%s",
                    rows[i].hex);
            free(expected);
        }
        free(data);
    }
}

static void test_random_packets(void **state)
{
    (void)state;
    uint64_t random = 3;
    for (int round = 0; round < 100000; round++) {
        size_t size = (size_t)random_between(&random, 0, 60);
        uint8_t *data = malloc(size ? size : 1);
        for (size_t i = 0; i < size; i++)
            data[i] = (uint8_t)(i % 4 ? next_random(&random) % 10 : next_random(&random));
        struct rtp_packet packet;
        if (rtp_parse(&packet, data, size))
            assert_true(packet.payload >= data + 12 && packet.payload + packet.size <= data + size);
        struct rtcp_report report;
        if (size >= 2 && round % 2) {
            data[0] = 0x81;
            data[1] = (uint8_t)random_between(&random, 200, 207);
        }
        rtcp_parse(&report, data, size);
        free(data);
    }
}

/* 2024-03-01 12:00:00.5 UTC is 3918283200.5 s of NTP. */
#define REPORT  "80c80006 a1b2c3d4 e98c41c0 80000000 00001000 00000001 00000002"
#define SDES    "81ca0003 a1b2c3d4 01024142 00000000"
#define GOODBYE "81cb0001 a1b2c3d4"

static bool parse_rtcp(struct rtcp_report *report, const char *hex)
{
    size_t size;
    uint8_t *data = bytes_of(hex, &size);
    bool is_rtcp = rtcp_parse(report, data, size);
    assert_int_equal(rtp_is_rtcp(data, size), is_rtcp);
    free(data);
    return is_rtcp;
}

static void test_sender_report(void **state)
{
    (void)state;
    struct rtcp_report report;
    assert_true(parse_rtcp(&report, REPORT SDES));
    assert_true(report.has_sender_report);
    assert_false(report.has_bye);
    assert_int_equal(report.ssrc, 0xa1b2c3d4);
    assert_int_equal(report.ntp_us, INT64_C(1709294400500000));
    assert_int_equal(report.timestamp, 0x1000);
    assert_int_equal(report.ntp_middle, 0x41c08000);

    assert_true(parse_rtcp(&report, REPORT SDES GOODBYE));
    assert_true(report.has_sender_report && report.has_bye);
    assert_true(parse_rtcp(&report, GOODBYE));
    assert_true(!report.has_sender_report && report.has_bye);
    assert_int_equal(report.ssrc, 0xa1b2c3d4);

    /* The era after 2036; no clock at all. */
    assert_true(
        parse_rtcp(&report, "80c80006 a1b2c3d4 00000001 00000000 00001000 00000001 00000002"));
    assert_int_equal(report.ntp_us, INT64_C(2085978497000000));
    assert_true(
        parse_rtcp(&report, "80c80006 a1b2c3d4 00000000 00000000 00001000 00000001 00000002"));
    assert_false(report.has_sender_report);
}

static void test_what_is_no_report(void **state)
{
    (void)state;
    struct rtcp_report report;
    assert_false(parse_rtcp(&report, ""));
    assert_false(parse_rtcp(&report, "81cb0001 a1b2c3"));
    assert_false(parse_rtcp(&report, HEADER("80", "e0") "aabb"));
    assert_false(parse_rtcp(&report, HEADER("80", "60") "aabb"));
    assert_false(parse_rtcp(&report, "41cb0001 a1b2c3d4"));
    /* Cut off, and too short to be what it says. */
    assert_true(parse_rtcp(&report, "80c80006 a1b2c3d4 e98c41c0 80000000 00001000 00000001"));
    assert_false(report.has_sender_report);
    assert_true(parse_rtcp(&report, "80c80001 a1b2c3d4" SDES GOODBYE));
    assert_true(!report.has_sender_report && report.has_bye);
}

static int take(struct rtp_receiver *receiver, uint16_t sequence, uint32_t time, int64_t *timestamp)
{
    struct rtp_packet packet = {.sequence = sequence, .timestamp = time, .ssrc = 7};
    return rtp_receiver_take(receiver, &packet, 0, timestamp);
}

static void test_sequence(void **state)
{
    (void)state;
    static const struct {
        uint16_t sequence;
        int result;
    } rows[] = {
        {65533, 0}, {65534, 0}, {1, 2},    {2, 0},      {3001, 2998}, {6001, -1},  {6002, 0},
        {6002, -1}, {6001, -1}, {6002, 0}, {50000, -1}, {50001, 0},   {50100, 98},
    };
    struct rtp_receiver receiver = {0};
    int64_t timestamp;
    for (size_t i = 0; i < LENGTH(rows); i++)
        require(take(&receiver, rows[i].sequence, 0, &timestamp) == rows[i].result, "row %zu", i);
    struct rtp_packet other = {.sequence = 50101, .ssrc = 8};
    assert_int_equal(rtp_receiver_take(&receiver, &other, 0, &timestamp), -1);
    assert_int_equal(receiver.ssrc, 8);
    assert_int_equal(receiver.received, 1);
}

static void test_time_goes_on_over_wraps(void **state)
{
    (void)state;
    struct rtp_receiver receiver = {0};
    int64_t timestamp, expected = 0xff000000;
    for (int i = 0; i < 200000; i++) { /* 20 wraps; every third frame is shown before its two */
        int64_t time = expected + (i % 3 == 0 ? 3 : 0) * 180000;
        take(&receiver, (uint16_t)i, (uint32_t)time, &timestamp);
        assert_int_equal(timestamp, time);
        expected += 450000;
    }
    assert_int_equal(rtp_receiver_extend(&receiver, (uint32_t)timestamp - 900000),
                     timestamp - 900000);
    assert_int_equal(rtp_receiver_extend(&receiver, (uint32_t)timestamp + 900000),
                     timestamp + 900000);

    /* Below the first time, which was small. */
    receiver = (struct rtp_receiver){0};
    take(&receiver, 1, 100, &timestamp);
    take(&receiver, 2, UINT32_MAX - 99, &timestamp);
    assert_int_equal(timestamp, -100);
    /* A source that begins anew counts on from there. */
    struct rtp_packet other = {.sequence = 9, .timestamp = 500, .ssrc = 8};
    assert_int_equal(rtp_receiver_take(&receiver, &other, 0, &timestamp), -1);
    assert_int_equal(timestamp, 500);
}

static void test_empty_report(void **state)
{
    (void)state;
    uint8_t out[RTCP_REPORT_BYTES];
    struct rtp_receiver receiver = {0};
    size_t size = rtcp_write_report(out, &receiver, 0x01020304, 0), expected_size;
    uint8_t *expected = bytes_of("80c90001 01020304 81ca0006 01020304"
                                 "0110 727473707265632d3031303230333034 0000",
                                 &expected_size);
    assert_int_equal(size, expected_size);
    assert_memory_equal(out, expected, size);
    free(expected);
}

static void test_report(void **state)
{
    (void)state;
    uint8_t out[RTCP_REPORT_BYTES];
    struct rtp_receiver receiver = {.clock_rate = 90000};
    int64_t timestamp, day = 86400 * SECOND * 200; /* of a machine long up */
    for (int i = 0; i < 100; i++) {
        if (i % 4 == 1)
            continue;
        /* Arrivals vary by 10 ms to and fro: 900 ticks. */
        struct rtp_packet packet = {
            .sequence = (uint16_t)(65500 + i), .timestamp = (uint32_t)(i * 3600), .ssrc = 7};
        rtp_receiver_take(&receiver, &packet, day + i * 40000 + (i % 2) * 10000, &timestamp);
    }
    receiver.report_middle = 0x12345678;
    receiver.report_arrival_us = day;
    size_t size = rtcp_write_report(out, &receiver, 9, day + 1500000);
    assert_true(size <= RTCP_REPORT_BYTES && size % 4 == 0);
    assert_int_equal(AV_RB32(out), 0x81c90007);
    assert_int_equal(AV_RB32(out + 8), 7);
    assert_int_equal(out[12], 64); /* a quarter */
    assert_int_equal(AV_RB24(out + 13), 25);
    assert_int_equal(AV_RB32(out + 16), 65536 + 63);
    uint32_t jitter = AV_RB32(out + 20);
    require(jitter > 300 && jitter < 900, "%u", jitter);
    assert_int_equal(AV_RB32(out + 24), 0x12345678);
    assert_int_equal(AV_RB32(out + 28), 3 * 65536 / 2);
    assert_int_equal(AV_RB32(out + 32) >> 16, 0x81ca);
    assert_int_equal(32 + 4 * (AV_RB16(out + 34) + 1), size);

    /* The next one counts from the last. */
    for (int i = 100; i < 200; i++) {
        if (i % 2)
            take(&receiver, (uint16_t)(65500 + i), (uint32_t)(i * 3600), &timestamp);
    }
    rtcp_write_report(out, &receiver, 9, day + 1500000);
    assert_int_equal(out[12], 128);
    assert_int_equal(AV_RB24(out + 13), 75);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_payload),
        cmocka_unit_test(test_random_packets),
        cmocka_unit_test(test_sender_report),
        cmocka_unit_test(test_what_is_no_report),
        cmocka_unit_test(test_sequence),
        cmocka_unit_test(test_time_goes_on_over_wraps),
        cmocka_unit_test(test_empty_report),
        cmocka_unit_test(test_report),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
