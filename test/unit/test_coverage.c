#include "unit.h"

#include "archive/coverage.h"

/* Ledgers of a few instants of 1 µs each, so that each instant can be looked at. */
#define END  120
#define MOST 12

struct ledger {
    struct coverage_interval segments[MOST], missing[MOST];
    struct coverage_session sessions[MOST];
    struct coverage_condition conditions[MOST];
    size_t segment_count, missing_count, session_count, condition_count;
};

/* The rules of coverage.h, one after the other, for one instant and without a memory. */

static bool naive_hole(const struct ledger *ledger, int64_t t, enum rtsprec_coverage_reason *reason)
{
    bool found = false;
    for (size_t i = 0; i < ledger->missing_count; i++) {
        const struct coverage_interval *m = &ledger->missing[i];
        bool is_hole =
            m->reason != RTSPREC_COVERAGE_DELETED && m->reason != RTSPREC_COVERAGE_REMOVED;
        if (is_hole && m->start_us <= t && t < m->end_us && (!found || m->reason < *reason)) {
            *reason = m->reason;
            found = true;
        }
    }
    return found;
}

static bool naive_within(const struct coverage_interval *items, size_t count, int64_t t, int reason)
{
    for (size_t i = 0; i < count; i++) {
        if ((reason < 0 || (int)items[i].reason == reason) && items[i].start_us <= t &&
            t < items[i].end_us)
            return true;
    }
    return false;
}

static enum rtsprec_coverage_reason naive_reason(const struct ledger *ledger, int64_t t)
{
    enum rtsprec_coverage_reason reason = RTSPREC_COVERAGE_UNKNOWN;
    if (naive_hole(ledger, t, &reason))
        return reason;
    if (naive_within(ledger->segments, ledger->segment_count, t, -1))
        return RTSPREC_COVERAGE_RECORDED;
    if (naive_within(ledger->missing, ledger->missing_count, t, RTSPREC_COVERAGE_DELETED))
        return RTSPREC_COVERAGE_DELETED;
    if (naive_within(ledger->missing, ledger->missing_count, t, RTSPREC_COVERAGE_REMOVED))
        return RTSPREC_COVERAGE_REMOVED;
    const struct coverage_session *session = NULL;
    const struct coverage_condition *condition = NULL, *next = NULL;
    for (size_t i = 0; i < ledger->session_count; i++) {
        if (ledger->sessions[i].start_us <= t)
            session = &ledger->sessions[i];
    }
    for (size_t i = ledger->condition_count; i > 0; i--) {
        if (ledger->conditions[i - 1].start_us > t)
            next = &ledger->conditions[i - 1];
        else if (!condition)
            condition = &ledger->conditions[i - 1];
    }
    if (!session || !condition)
        return RTSPREC_COVERAGE_UNKNOWN;
    enum rtsprec_coverage_reason over =
        session->is_ended ? RTSPREC_COVERAGE_STOPPED : RTSPREC_COVERAGE_CRASHED;
    if (t >= session->end_us)
        return over;
    if (condition->start_us < session->start_us)
        return RTSPREC_COVERAGE_STOPPED;
    if (condition->reason != RTSPREC_COVERAGE_RECORDED || t < condition->recorded_until_us)
        return condition->reason;
    if (next && next->start_us <= session->end_us)
        return next->reason;
    return session->is_running ? RTSPREC_COVERAGE_RECORDED : over;
}

static enum rtsprec_coverage_reason random_reason(uint64_t *seed)
{
    return (enum rtsprec_coverage_reason)random_between(seed, 0, RTSPREC_COVERAGE_COUNT - 1);
}

static size_t random_intervals(uint64_t *seed, struct coverage_interval *items)
{
    size_t count = (size_t)random_between(seed, 0, MOST);
    int64_t at = random_between(seed, -20, 20);
    for (size_t i = 0; i < count; i++) {
        items[i] =
            (struct coverage_interval){at, at + random_between(seed, 0, 20), random_reason(seed)};
        at += random_between(seed, 0, 15);
    }
    return count;
}

static void make_ledger(uint64_t *seed, struct ledger *ledger)
{
    *ledger = (struct ledger){0};
    ledger->segment_count = random_intervals(seed, ledger->segments);
    ledger->missing_count = random_intervals(seed, ledger->missing);
    ledger->session_count = (size_t)random_between(seed, 0, 5);
    int64_t at = random_between(seed, -20, 40);
    for (size_t i = 0; i < ledger->session_count; i++) {
        ledger->sessions[i] = (struct coverage_session){
            .start_us = at,
            .end_us = at + random_between(seed, 0, 40),
            .is_ended = random_between(seed, 0, 1) == 1,
        };
        at += random_between(seed, 1, 40);
    }
    if (ledger->session_count > 0) {
        struct coverage_session *last = &ledger->sessions[ledger->session_count - 1];
        last->is_running = !last->is_ended && random_between(seed, 0, 1) == 1;
    }
    ledger->condition_count = (size_t)random_between(seed, 0, MOST);
    at = random_between(seed, -20, 40);
    for (size_t i = 0; i < ledger->condition_count; i++) {
        ledger->conditions[i] = (struct coverage_condition){
            .start_us = at,
            .recorded_until_us = at + random_between(seed, -5, 20),
            .reason = random_between(seed, 0, 1) ? RTSPREC_COVERAGE_RECORDED : random_reason(seed),
        };
        at += random_between(seed, 1, 20);
    }
}

struct check {
    const struct ledger *ledger;
    uint64_t seed;
    int64_t at; /* where the next span has to begin */
    int last;   /* reason of the span before; -1: none */
    int spans;
};

static bool check_span(void *user, const struct coverage_interval *span)
{
    struct check *check = user;
    require(span->start_us == check->at && span->end_us > span->start_us,
            "seed %llu: [%lld, %lld) behind %lld", (unsigned long long)check->seed,
            (long long)span->start_us, (long long)span->end_us, (long long)check->at);
    require((int)span->reason != check->last, "seed %llu: two spans of one reason at %lld",
            (unsigned long long)check->seed, (long long)span->start_us);
    for (int64_t t = span->start_us; t < span->end_us; t++) {
        enum rtsprec_coverage_reason expected = naive_reason(check->ledger, t);
        require(span->reason == expected, "seed %llu, instant %lld: %d, expected %d",
                (unsigned long long)check->seed, (long long)t, span->reason, expected);
    }
    check->at = span->end_us;
    check->last = (int)span->reason;
    check->spans++;
    return true;
}

static struct coverage_ledger view(const struct ledger *ledger)
{
    return (struct coverage_ledger){
        ledger->segments, ledger->segment_count, ledger->missing,    ledger->missing_count,
        ledger->sessions, ledger->session_count, ledger->conditions, ledger->condition_count,
    };
}

static void test_random_ledgers(void **state)
{
    (void)state;
    const char *given = getenv("RTSPREC_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : 20261;
    int64_t spans = 0;
    print_message("RTSPREC_SEED=%llu\n", (unsigned long long)seed);
    for (int i = 0; i < 20000; i++) {
        struct ledger ledger;
        struct check check = {.ledger = &ledger, .seed = seed, .at = -30, .last = -1};
        make_ledger(&seed, &ledger);
        struct coverage_ledger all = view(&ledger);
        coverage_spans(&all, -30, END, check_span, &check);
        assert_int_equal(check.at, END);
        spans += check.spans;
        /* A piece of it says the same. */
        int64_t from = random_between(&seed, 0, END), to = random_between(&seed, from, END);
        check = (struct check){.ledger = &ledger, .seed = seed, .at = from, .last = -1};
        coverage_spans(&all, from, to, check_span, &check);
        assert_int_equal(check.at, to);
    }
    assert_true(spans > 100000);
}

static bool take_one(void *user, const struct coverage_interval *span)
{
    (void)span;
    ++*(int *)user;
    return false;
}

static void test_edges(void **state)
{
    (void)state;
    struct coverage_ledger empty = {0};
    struct ledger none = {0};
    struct check check = {.ledger = &none, .at = 5, .last = -1};
    coverage_spans(&empty, 5, 9, check_span, &check);
    assert_int_equal(check.spans, 1); /* UNKNOWN */
    coverage_spans(&empty, 9, 9, check_span, &check);
    coverage_spans(&empty, 9, 5, check_span, &check);
    assert_int_equal(check.spans, 1);

    struct coverage_interval segment = {3, 4, RTSPREC_COVERAGE_RECORDED};
    struct coverage_ledger one = {.segments = &segment, .segment_count = 1};
    int calls = 0;
    coverage_spans(&one, 0, 9, take_one, &calls);
    assert_int_equal(calls, 1); /* it was told to end */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_ledgers),
        cmocka_unit_test(test_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
