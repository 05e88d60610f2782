#include "catalog_rig.h"

#define GRACE  (15 * SECOND) /* of a session that has not ended */
#define DAY_OF "/2026-01-01/"

static void check_s(struct catalog *catalog, int64_t from_s, int64_t to_s, const char *expected)
{
    check_coverage(catalog, "a", from_s * SECOND, to_s * SECOND, expected);
}

static void say(struct catalog *catalog, enum rtsprec_coverage_reason reason, int64_t now_s)
{
    done(catalog_set_condition(catalog, "a", reason, now_s * SECOND, &error));
}

static void seal(struct catalog *catalog, const char *name, int64_t from_s, int64_t to_s)
{
    char path[64];
    snprintf(path, sizeof(path), "a" DAY_OF "%s", name);
    add_segment(catalog, path, from_s * SECOND, to_s * SECOND, 1000);
}

#define S "000000"

/* A day in short: connecting, recording, the camera goes, comes back, the program is stopped. */
static void test_a_session(void **state)
{
    struct catalog *catalog = open_catalog(*state);
    done(catalog_begin_session(catalog, 100 * SECOND, &error));
    say(catalog, RTSPREC_COVERAGE_CONNECTING, 101);
    say(catalog, RTSPREC_COVERAGE_CONNECTING, 102); /* nothing new */
    say(catalog, RTSPREC_COVERAGE_RECORDED, 103);
    done(catalog_touch_session(catalog, 110 * SECOND, &error));
    /* A file is open: it counts up to the last sign of life and a little more. */
    check_s(catalog, 90, 130,
            "90" S "-101" S " 14\n101" S "-103" S " 2\n103" S "-125" S " 0\n125" S "-130" S
            " 11\n");
    seal(catalog, "00_00_00.mp4", 103, 118);
    say(catalog, RTSPREC_COVERAGE_UNREACHABLE, 120);
    check_s(catalog, 90, 130,
            "90" S "-101" S " 14\n101" S "-103" S " 2\n103" S "-118" S " 0\n118" S "-130" S " 3\n");
    say(catalog, RTSPREC_COVERAGE_RECORDED, 150);
    seal(catalog, "00_00_01.mp4", 149, 160);
    done(catalog_add_hole(catalog, "a", 152 * SECOND, 153 * SECOND, RTSPREC_COVERAGE_DISK_SLOW,
                          &error));
    say(catalog, RTSPREC_COVERAGE_STOPPED, 161);
    done(catalog_end_session(catalog, 162 * SECOND, &error));
    static const char end[] = "118" S "-149" S " 3\n149" S "-152" S " 0\n152" S "-153" S " 9\n153" S
                              "-160" S " 0\n160" S "-200" S " 10\n";
    check_s(catalog, 118, 200, end);
    done(catalog_touch_session(catalog, 190 * SECOND, &error)); /* it is over: nothing happens */
    check_s(catalog, 118, 200, end);
    catalog_close(&catalog);
}

static void test_a_crash(void **state)
{
    struct catalog *catalog = open_catalog(*state);
    done(catalog_begin_session(catalog, 100 * SECOND, &error));
    say(catalog, RTSPREC_COVERAGE_RECORDED, 100);
    seal(catalog, "00_00_00.mp4", 100, 110);
    done(catalog_touch_session(catalog, 120 * SECOND, &error));
    catalog_close(&catalog); /* as by SIGKILL */
    catalog = open_catalog(*state);
    done(catalog_begin_session(catalog, 150 * SECOND, &error));
    /* What was open is repaired: found with its length. */
    check_s(catalog, 100, 150, "100" S "-110" S " 0\n110" S "-150" S " 11\n");
    seal(catalog, "00_00_10.mp4", 110, 123);
    check_s(catalog, 100, 150, "100" S "-123" S " 0\n123" S "-150" S " 11\n");
    /* Nobody speaks of the camera in the new session. */
    check_s(catalog, 140, 160, "140" S "-150" S " 11\n150" S "-160" S " 10\n");
    say(catalog, RTSPREC_COVERAGE_NOT_SCHEDULED, 155);
    check_s(catalog, 150, 170, "150" S "-155" S " 10\n155" S "-170" S " 1\n");
    catalog_close(&catalog);
}

/* What a camera was sending when nobody noticed yet that it had stopped. */
static void test_what_followed_explains(void **state)
{
    struct catalog *catalog = open_catalog(*state);
    done(catalog_begin_session(catalog, 0, &error));
    say(catalog, RTSPREC_COVERAGE_RECORDED, 0);
    seal(catalog, "00_00_00.mp4", 0, 10);
    say(catalog, RTSPREC_COVERAGE_STALLED, 20);
    check_s(catalog, 0, 30, "0-10" S " 0\n10" S "-30" S " 5\n");
    /* Deleted, it still was recorded. */
    done(catalog_remove_segment(catalog, "a" DAY_OF "00_00_00.mp4", RTSPREC_COVERAGE_DELETED,
                                &error));
    check_s(catalog, 0, 30, "0-10" S " 12\n10" S "-30" S " 5\n");
    /* Said of the past: what was said of later times is taken back. */
    say(catalog, RTSPREC_COVERAGE_UNAUTHORIZED, 15);
    check_s(catalog, 0, 30, "0-10" S " 12\n10" S "-30" S " 4\n");
    catalog_close(&catalog);
}

/* However much is deleted, piece by piece, it is one interval. */
static void test_deletions_do_not_pile_up(void **state)
{
    struct catalog *catalog = open_catalog(*state);
    uint64_t seed = 5;
    int order[500];
    for (int i = 0; i < 500; i++) {
        order[i] = i;
        int other = (int)random_between(&seed, 0, i);
        order[i] = order[other];
        order[other] = i;
    }
    done(catalog_begin(catalog, &error));
    for (int i = 0; i < 500; i++) {
        char path[64];
        snprintf(path, sizeof(path), "00_00_00-%d.mp4", i + 2);
        seal(catalog, path, i * 10, i * 10 + 9); /* a second is missing between them */
    }
    for (int i = 0; i < 500; i++) {
        char path[64];
        snprintf(path, sizeof(path), "a" DAY_OF "00_00_00-%d.mp4", order[i] + 2);
        done(catalog_remove_segment(catalog, path, RTSPREC_COVERAGE_DELETED, &error));
    }
    done(catalog_commit(catalog, &error));
    check_s(catalog, -5, 5005, "-5" S "-0 14\n0-4999" S " 12\n4999" S "-5005" S " 14\n");
    catalog_close(&catalog);
}

static void forget(struct catalog *catalog, const char *name, enum rtsprec_coverage_reason reason)
{
    char path[64];
    snprintf(path, sizeof(path), "a" DAY_OF "%s", name);
    done(catalog_remove_segment(catalog, path, reason, &error));
}

/* What the ledger says of the time between two pieces stays when they go, whichever goes first. */
static void test_what_lies_between_deletions(void **state)
{
    for (int first = 0; first < 3; first++) {
        static const char *const names[] = {"00_00_00.mp4", "00_00_11.mp4", "00_00_22.mp4"};
        struct catalog *catalog = open_catalog(*state);
        done(catalog_begin_session(catalog, 0, &error));
        say(catalog, RTSPREC_COVERAGE_RECORDED, 0);
        seal(catalog, names[0], 0, 10);
        say(catalog, RTSPREC_COVERAGE_DISK_FULL, 10);
        say(catalog, RTSPREC_COVERAGE_RECORDED, 11);
        seal(catalog, names[1], 11, 20); /* a second is missing, and nobody has said why */
        seal(catalog, names[2], 21, 30);
        say(catalog, RTSPREC_COVERAGE_STALLED, 32);
        for (int i = 0; i < 3; i++)
            forget(catalog, names[(first + i) % 3], RTSPREC_COVERAGE_DELETED);
        check_s(catalog, 0, 40,
                "0-10" S " 12\n10" S "-11" S " 7\n11" S "-30" S " 12\n30" S "-40" S " 5\n");
        catalog_close(&catalog);
        assert_int_equal(unlink(path_in(*state, CATALOG_FILE)), 0);
    }
}

static void test_holes(void **state)
{
    struct catalog *catalog = open_catalog(*state);
    seal(catalog, "00_00_00.mp4", 0, 100);
    done(catalog_add_hole(catalog, "a", 10 * SECOND, 20 * SECOND, RTSPREC_COVERAGE_DISK_SLOW,
                          &error));
    done(catalog_add_hole(catalog, "a", 20 * SECOND, 30 * SECOND, RTSPREC_COVERAGE_DISK_SLOW,
                          &error));
    done(catalog_add_hole(catalog, "a", 31 * SECOND, 32 * SECOND, RTSPREC_COVERAGE_DISK_SLOW,
                          &error));
    done(catalog_add_hole(catalog, "a", 50 * SECOND, 50 * SECOND, RTSPREC_COVERAGE_DISK_SLOW,
                          &error)); /* nothing */
    check_s(catalog, 0, 100,
            "0-10" S " 0\n10" S "-30" S " 9\n30" S "-31" S " 0\n31" S "-32" S " 9\n32" S "-100" S
            " 0\n");
    check_s(catalog, 25, 27, "25" S "-27" S " 9\n"); /* within one that begins before */
    catalog_close(&catalog);
}

/* Whatever window is asked for says the same as the whole. */
struct whole {
    unsigned char reasons[2000]; /* of each second */
};

static bool paint(void *user, const struct rtsprec_archive_span *span)
{
    struct whole *whole = user;
    for (int64_t t = span->start_us / SECOND; t < span->end_us / SECOND; t++)
        whole->reasons[t] = (unsigned char)span->reason;
    return true;
}

static void make_random(struct catalog *catalog, uint64_t *seed)
{
    int names = 0;
    int64_t now = 0;
    done(catalog_begin(catalog, &error));
    while (now < 1500) {
        done(catalog_begin_session(catalog, now * SECOND, &error));
        for (int i = (int)random_between(seed, 0, 12); i > 0; i--) {
            int64_t start = now;
            say(catalog, (enum rtsprec_coverage_reason)(random_between(seed, 0, 19) / 2), now);
            now += random_between(seed, 1, 40);
            if (random_between(seed, 0, 2) > 0) {
                char path[64];
                snprintf(path, sizeof(path), "00_00_00-%d.mp4", ++names + 1);
                seal(catalog, path, start + random_between(seed, 0, 3), now);
            }
            if (names > 0 && random_between(seed, 0, 4) == 0) {
                char path[64];
                snprintf(path, sizeof(path), "a" DAY_OF "00_00_00-%d.mp4",
                         (int)random_between(seed, 2, names + 1));
                done(catalog_remove_segment(catalog, path,
                                            random_between(seed, 0, 1) ? RTSPREC_COVERAGE_DELETED
                                                                       : RTSPREC_COVERAGE_REMOVED,
                                            &error));
            }
            if (random_between(seed, 0, 6) == 0)
                done(catalog_add_hole(catalog, "a", (now - 20) * SECOND,
                                      (now - random_between(seed, 0, 19)) * SECOND,
                                      RTSPREC_COVERAGE_DISK_SLOW, &error));
        }
        if (random_between(seed, 0, 1))
            done(catalog_end_session(catalog, now * SECOND, &error));
        now += random_between(seed, 1, 60);
    }
    done(catalog_commit(catalog, &error));
}

static void test_any_window(void **state)
{
    uint64_t seed = 42;
    for (int round = 0; round < 10; round++) {
        print_message("seed %llu\n", (unsigned long long)seed);
        struct catalog *catalog = open_catalog(*state);
        make_random(catalog, &seed);
        struct whole whole = {{0}};
        done(catalog_coverage(catalog, "a", 0, 2000 * SECOND, paint, &whole, &error));
        for (int i = 0; i < 300; i++) {
            int64_t from = random_between(&seed, 0, 1900);
            int64_t to = random_between(&seed, from + 1, 2000);
            struct whole part = whole;
            memset(part.reasons + from, 99, (size_t)(to - from));
            done(catalog_coverage(catalog, "a", from * SECOND, to * SECOND, paint, &part, &error));
            for (int64_t t = 0; t < 2000; t++)
                require(part.reasons[t] == whole.reasons[t], "[%lld, %lld) at %lld: %d, whole %d",
                        (long long)from, (long long)to, (long long)t, part.reasons[t],
                        whole.reasons[t]);
        }
        catalog_close(&catalog);
        assert_int_equal(unlink(path_in(*state, CATALOG_FILE)), 0);
    }
}

/* A machine that has lost its time begins in 1970, and learns the time later. */
static void test_a_clock_that_was_wrong(void **state)
{
    struct catalog *catalog = open_catalog(*state);
    done(catalog_begin_session(catalog, 1000 * SECOND, &error));
    say(catalog, RTSPREC_COVERAGE_CONNECTING, 1000);
    say(catalog, RTSPREC_COVERAGE_UNREACHABLE, 1010);
    done(catalog_end_session(catalog, 1100 * SECOND, &error));
    static const char before[] = "1000" S "-1010" S " 2\n1010" S "-1100" S " 3\n";
    check_s(catalog, 1000, 1100, before);
    catalog_close(&catalog);

    catalog = open_catalog(*state);
    done(catalog_begin_session(catalog, 5 * SECOND, &error));
    say(catalog, RTSPREC_COVERAGE_UNAUTHORIZED, 6);
    check_s(catalog, 1000, 1100, before);
    done(catalog_move_session(catalog, 8 * SECOND, 2000 * SECOND, &error));
    say(catalog, RTSPREC_COVERAGE_UNAUTHORIZED, 2000);
    say(catalog, RTSPREC_COVERAGE_STALLED, 7); /* a frame of before */
    check_s(catalog, 1000, 1100, before);
    check_s(catalog, 1900, 2010, "1900" S "-2000" S " 10\n2000" S "-2010" S " 4\n");
    catalog_close(&catalog);
}

static void test_a_clock_that_is_set_back(void **state)
{
    struct catalog *catalog = open_catalog(*state);
    done(catalog_begin_session(catalog, 3000 * SECOND, &error));
    say(catalog, RTSPREC_COVERAGE_CONNECTING, 3000);
    done(catalog_move_session(catalog, 3010 * SECOND, 2500 * SECOND, &error));
    say(catalog, RTSPREC_COVERAGE_UNREACHABLE, 2500);
    done(catalog_touch_session(catalog, 3020 * SECOND, &error));
    check_s(catalog, 2490, 3030, "2490" S "-2500" S " 14\n2500" S "-3030" S " 3\n");
    catalog_close(&catalog);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, directory_create, directory_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_session),
        CASE(test_a_crash),
        CASE(test_what_followed_explains),
        CASE(test_deletions_do_not_pile_up),
        CASE(test_what_lies_between_deletions),
        CASE(test_holes),
        CASE(test_any_window),
        CASE(test_a_clock_that_was_wrong),
        CASE(test_a_clock_that_is_set_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
