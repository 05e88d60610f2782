/* Against sockets on the loopback: each test waits for what happens. */
#include "scripted_server.h"

#include <libavutil/intreadwrite.h>

#include <rtsprec/error.h>

#include "ingest/rtp_reorder.h"
#include "ingest/rtp_udp.h"

struct rig {
    int listener, near, far; /* the RTSP connection: our end, the camera's */
    int rtp, rtcp;           /* the camera's sockets */
    struct sockaddr_in to_rtp, to_rtcp;
    struct rtp_udp *udp;
    struct rtsprec_error error;
};

static struct sockaddr_in loopback(int last, int port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + (in_addr_t)last),
                                .sin_port = htons((uint16_t)port)};
}

/* A datagram socket at 127.0.0.LAST. */
static int datagram_socket(int last)
{
    struct sockaddr_in address = loopback(last, 0);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static int port_of(int fd)
{
    struct sockaddr_in address = {0};
    socklen_t size = sizeof(address);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    return ntohs(address.sin_port);
}

static void begin(struct rig *rig)
{
    int port, udp_port = 0;
    *rig = (struct rig){.rtp = datagram_socket(1), .rtcp = datagram_socket(1)};
    rig->listener = listen_anywhere(1, &port);
    struct sockaddr_in address = loopback(1, port);
    rig->near = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(rig->near, (struct sockaddr *)&address, sizeof(address)), 0);
    rig->far = accept(rig->listener, NULL, NULL);
    assert_int_equal(rtp_udp_create(&rig->udp, rig->near, &rig->error), 0);
    assert_int_equal(rtp_udp_open_track(rig->udp, &udp_port, &rig->error), 0);
    assert_int_equal(udp_port % 2, 0);
    rig->to_rtp = loopback(1, udp_port);
    rig->to_rtcp = loopback(1, udp_port + 1);
}

static void end(struct rig *rig)
{
    rtp_udp_destroy(&rig->udp);
    assert_null(rig->udp);
    rtp_udp_destroy(&rig->udp);
    const int all[] = {rig->listener, rig->near, rig->far, rig->rtp, rig->rtcp};
    for (size_t i = 0; i < LENGTH(all); i++) {
        if (all[i] >= 0)
            close(all[i]);
    }
}

static void send_bytes(int fd, const struct sockaddr_in *to, const void *data, size_t size)
{
    assert_int_equal(sendto(fd, data, size, 0, (const struct sockaddr *)to, sizeof(*to)), size);
}

static void send_rtp(int fd, const struct sockaddr_in *to, int sequence, size_t size)
{
    static uint8_t data[20000];
    data[0] = 0x80;
    data[1] = 96;
    AV_WB16(data + 2, (uint16_t)sequence);
    send_bytes(fd, to, data, size);
}

/* The sequence number of the next packet; it comes, or the test runs into its limit. */
static int next_rtp(struct rig *rig, size_t *size)
{
    struct rtp_datagram datagram;
    while (!rtp_udp_next(rig->udp, clock_monotonic_us(), &datagram))
        assert_int_equal(rtp_udp_receive(rig->udp, rig->near, 100, &rig->error), 0);
    assert_false(datagram.is_rtcp);
    assert_int_equal(datagram.track, 0);
    *size = datagram.size;
    return AV_RB16(datagram.data + 2);
}

static void test_packets_come_in_order(void **state)
{
    (void)state;
    static const int sent[] = {100, 102, 101, 101, 103};
    struct rig rig;
    size_t size;
    begin(&rig);
    for (size_t i = 0; i < LENGTH(sent); i++)
        send_rtp(rig.rtp, &rig.to_rtp, sent[i], 40 + (size_t)sent[i]);
    for (int i = 100; i < 104; i++) {
        assert_int_equal(next_rtp(&rig, &size), i);
        assert_int_equal(size, 40 + i);
    }
    end(&rig);
}

/* More than one system call takes, and larger ones than the network's usual. */
static void test_many_at_once(void **state)
{
    (void)state;
    enum { COUNT = 100 };
    struct rig rig;
    size_t size;
    begin(&rig);
    for (int i = 0; i < COUNT; i++)
        send_rtp(rig.rtp, &rig.to_rtp, i, i == 50 ? 9000 : 1400);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(next_rtp(&rig, &size), i);
        assert_int_equal(size, i == 50 ? 9000 : 1400);
    }
    end(&rig);
}

/* A key frame may lie in the socket as a whole, more of it than waits for its order at a time. */
static void test_a_burst(void **state)
{
    (void)state;
    enum { COUNT = 3 * RTP_REORDER_PACKETS };
    struct rig rig;
    size_t size;
    begin(&rig);
    for (int i = 0; i < COUNT; i++)
        send_rtp(rig.rtp, &rig.to_rtp, i, 100);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(next_rtp(&rig, &size), i);
    end(&rig);
}

/* Tracks count from 0 whatever the camera has refused. */
static void test_a_track_that_is_closed(void **state)
{
    (void)state;
    struct rig rig;
    size_t size;
    int port = 0;
    begin(&rig);
    rtp_udp_close_track(rig.udp);
    send_rtp(rig.rtp, &rig.to_rtp, 1, 100);
    assert_int_equal(rtp_udp_open_track(rig.udp, &port, &rig.error), 0);
    rig.to_rtp = loopback(1, port);
    send_rtp(rig.rtp, &rig.to_rtp, 2, 100);
    assert_int_equal(next_rtp(&rig, &size), 2);
    end(&rig);
}

/* Anyone can send to our port. A datagram that is cut off is none. */
static void test_what_is_not_taken(void **state)
{
    (void)state;
    struct rig rig;
    struct rtsprec_error error;
    size_t size;
    int stranger = datagram_socket(2), nobody = datagram_socket(3);
    begin(&rig);
    send_rtp(rig.rtp, &rig.to_rtp, 7, 100);
    send_rtp(stranger, &rig.to_rtp, 8, 101);
    send_rtp(rig.rtp, &rig.to_rtp, 8, 20000);
    send_bytes(rig.rtp, &rig.to_rtp, "x", 1);
    send_bytes(rig.rtp, &rig.to_rtp, "", 0);
    send_rtp(rig.rtp, &rig.to_rtp, 8, 102);
    assert_int_equal(next_rtp(&rig, &size), 7);
    assert_int_equal(next_rtp(&rig, &size), 8);
    assert_int_equal(size, 102);

    /* Unless the camera said in SETUP that it sends from there; behind NAT that is not true. */
    assert_int_equal(rtp_udp_set_sender(rig.udp, "127.0.0.2", 0, 0, &error), 0);
    send_rtp(stranger, &rig.to_rtp, 9, 103);
    send_rtp(rig.rtp, &rig.to_rtp, 10, 104);
    send_rtp(nobody, &rig.to_rtp, 11, 105);
    send_rtp(rig.rtp, &rig.to_rtp, 11, 106);
    for (int i = 9; i <= 11; i++) {
        assert_int_equal(next_rtp(&rig, &size), i);
        assert_int_equal(size, i == 11 ? 106 : 94 + i);
    }
    /* It names its own end, which says nothing. */
    assert_int_equal(rtp_udp_set_sender(rig.udp, "0.0.0.0", 0, 0, &error), RTSPREC_ERROR_PROTOCOL);
    assert_int_equal(rtp_udp_set_sender(rig.udp, "a.name", 0, 0, &error), RTSPREC_ERROR_PROTOCOL);
    close(stranger);
    close(nobody);
    end(&rig);
}

/* Reports come apart, or on the port of RTP, where some cameras send both. */
static void test_reports(void **state)
{
    (void)state;
    enum { COUNT = 100 };
    uint8_t report[28] = {0x80, 200, 0, 6};
    struct rig rig;
    begin(&rig);
    for (int i = 0; i < COUNT; i++) {
        report[27] = (uint8_t)i;
        send_bytes(rig.rtcp, i % 2 ? &rig.to_rtp : &rig.to_rtcp, report, sizeof(report));
    }
    bool was_seen[COUNT] = {0};
    for (int i = 0; i < COUNT; i++) {
        struct rtp_datagram datagram;
        while (!rtp_udp_next(rig.udp, clock_monotonic_us(), &datagram))
            assert_int_equal(rtp_udp_receive(rig.udp, rig.near, 100, &rig.error), 0);
        assert_true(datagram.is_rtcp);
        assert_int_equal(datagram.size, sizeof(report));
        assert_false(was_seen[datagram.data[27]]);
        was_seen[datagram.data[27]] = true;
    }
    end(&rig);
}

/* What opens the way through a firewall, and what tells the camera that we are there. */
static void test_what_the_camera_gets(void **state)
{
    (void)state;
    struct rig rig;
    struct sockaddr_in from;
    socklen_t from_bytes = sizeof(from);
    uint8_t data[64];
    begin(&rig);
    assert_int_equal(
        rtp_udp_set_sender(rig.udp, NULL, port_of(rig.rtp), port_of(rig.rtcp), &rig.error), 0);
    ssize_t size = recvfrom(rig.rtp, data, sizeof(data), 0, (struct sockaddr *)&from, &from_bytes);
    assert_int_equal(size, 12);
    assert_int_equal(data[0], 0x80);
    assert_int_equal(from.sin_port, rig.to_rtp.sin_port);
    rtp_udp_send_rtcp(rig.udp, 0, (const uint8_t *)"report", 6);
    size = recvfrom(rig.rtcp, data, sizeof(data), 0, (struct sockaddr *)&from, &from_bytes);
    assert_int_equal(size, 6);
    assert_memory_equal(data, "report", 6);
    assert_int_equal(from.sin_port, rig.to_rtcp.sin_port);
    end(&rig);
}

static void test_the_peer_wakes(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig);
    assert_int_equal(rtp_udp_receive(rig.udp, rig.near, 0, &rig.error), 0);
    assert_int_equal(send(rig.far, "x", 1, 0), 1);
    assert_int_equal(rtp_udp_receive(rig.udp, rig.near, 20000, &rig.error), 1);
    assert_int_equal(recv(rig.near, &(char){0}, 1, 0), 1);
    assert_int_equal(rtp_udp_receive(rig.udp, rig.near, 0, &rig.error), 0);
    close(rig.far);
    rig.far = -1;
    assert_int_equal(rtp_udp_receive(rig.udp, rig.near, 20000, &rig.error), 1);
    end(&rig);
}

static void test_groups_without_sense(void **state)
{
    (void)state;
    static const struct {
        const char *group;
        int port;
    } rows[] = {{"", 5000},           {"127.0.0.1", 5000}, {"239.1.2.3", 0},
                {"239.1.2.3", 65535}, {"ff02::1", 5000},   {"a.name", 5000}};
    struct rig rig;
    begin(&rig);
    for (size_t i = 0; i < LENGTH(rows); i++)
        require(rtp_udp_join_track(rig.udp, rows[i].group, rows[i].port, &rig.error) ==
                    RTSPREC_ERROR_PROTOCOL,
                "%s: %s", rows[i].group, rig.error.text);
    end(&rig);
}

static void test_too_many_tracks(void **state)
{
    (void)state;
    struct rig rig;
    int port, err = 0, count = 1;
    begin(&rig);
    while ((err = rtp_udp_open_track(rig.udp, &port, &rig.error)) == 0)
        count++;
    assert_int_equal(err, RTSPREC_ERROR_UNSUPPORTED);
    assert_int_equal(count, RTP_UDP_MAX_TRACKS);
    end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packets_come_in_order),
        cmocka_unit_test(test_many_at_once),
        cmocka_unit_test(test_a_burst),
        cmocka_unit_test(test_a_track_that_is_closed),
        cmocka_unit_test(test_what_is_not_taken),
        cmocka_unit_test(test_reports),
        cmocka_unit_test(test_what_the_camera_gets),
        cmocka_unit_test(test_the_peer_wakes),
        cmocka_unit_test(test_groups_without_sense),
        cmocka_unit_test(test_too_many_tracks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
