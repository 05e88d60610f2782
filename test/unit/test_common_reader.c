#include "unit.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

#include "camera/common_reader.h"
#include "ingest/source.h"

enum { MEMBERS = 8, ROUNDS = 5 };

struct rig {
    struct common_reader *reader;
    struct rtsprec_error error;
    atomic_int present; /* members that have had a turn */
    int calls[4096];    /* the member's number, in the order of the turns */
    int count;
    atomic_bool is_in_turn;
};

struct member {
    struct rig *rig;
    int number, turns;
    int extra; /* how often it has more to take in its first turn */
    atomic_bool is_sated;
    bool has_waited; /* in its last turn */
    pthread_t thread, joiner;
    int result;
};

static int take_turn(void *user, uint8_t *buffer, bool waits)
{
    struct member *member = user;
    struct rig *rig = member->rig;
    assert_false(atomic_exchange(&rig->is_in_turn, true)); /* one at a time */
    assert_false(pthread_equal(member->joiner, pthread_self()));
    memset(buffer, member->number, SOURCE_TURN_BYTES); /* all of it is the turn's */
    if (member->turns == 0)
        atomic_fetch_add(&rig->present, 1);
    if (rig->count < (int)LENGTH(rig->calls))
        rig->calls[rig->count++] = member->number;
    member->turns++;
    atomic_store(&rig->is_in_turn, false);
    if (waits && member->extra == 0)
        clock_sleep_until(clock_monotonic_us() + COMMON_READER_ROUND_US);
    member->has_waited = waits;
    if (member->extra > 0 && !atomic_load(&member->is_sated))
        return member->extra--, 1;
    /* Until all are there nobody's turns count, so that all have them in the same rounds. */
    if (atomic_load(&rig->present) < MEMBERS)
        return member->turns = 1, 0;
    return member->turns > ROUNDS ? -100 - member->number : 0;
}

static void *join(void *argument)
{
    struct member *member = argument;
    struct rtsprec_error error;
    member->joiner = pthread_self();
    member->result = common_reader_join(member->rig->reader, take_turn, member, &error);
    return NULL;
}

static void begin(struct rig *rig)
{
    *rig = (struct rig){0};
    assert_int_equal(common_reader_create(&rig->reader, &rig->error), 0);
}

static void end(struct rig *rig)
{
    common_reader_destroy(&rig->reader);
    assert_null(rig->reader);
    common_reader_destroy(&rig->reader);
}

static struct rig rig;

/* Each has as many turns as it wants, one round after the other, and gets its own result. */
static void test_rounds(void **state)
{
    (void)state;
    struct member members[MEMBERS];
    begin(&rig);
    for (int i = 0; i < MEMBERS; i++) {
        members[i] = (struct member){.rig = &rig, .number = i};
        assert_int_equal(pthread_create(&members[i].thread, NULL, join, &members[i]), 0);
    }
    for (int i = 0; i < MEMBERS; i++) {
        pthread_join(members[i].thread, NULL);
        assert_int_equal(members[i].result, -100 - i);
        assert_int_equal(members[i].turns, ROUNDS + 1);
        assert_false(members[i].has_waited);
    }
    /* The last rounds, in which all took part: each of them once. */
    for (int round = 1; round < ROUNDS; round++) {
        const int *calls = &rig.calls[rig.count - MEMBERS * round];
        unsigned seen = 0;
        for (int i = 0; i < MEMBERS; i++)
            seen |= 1U << calls[i];
        assert_int_equal(seen, (1U << MEMBERS) - 1);
    }
    end(&rig);
}

/* Who has more to take is not kept waiting for the next round's time. */
static void test_more_to_take(void **state)
{
    (void)state;
    enum { EXTRA = 200 };
    begin(&rig);
    atomic_store(&rig.present, MEMBERS);
    struct member member = {.rig = &rig, .number = 0, .extra = EXTRA};
    int64_t begin_us = clock_monotonic_us();
    join(&member);
    assert_int_equal(member.result, -100);
    assert_int_equal(rig.count, EXTRA + 1);
    /* A hundredth of what it would have been in rounds that wait. */
    assert_true(clock_monotonic_us() - begin_us < EXTRA * COMMON_READER_ROUND_US / 10);
    end(&rig);
}

/* Nor are others given turns on that account which they have no use for. */
static void test_more_to_take_than_others(void **state)
{
    (void)state;
    begin(&rig);
    atomic_store(&rig.present, MEMBERS);
    struct member greedy = {.rig = &rig, .number = 0, .extra = INT_MAX};
    struct member other = {.rig = &rig, .number = 1};
    assert_int_equal(pthread_create(&greedy.thread, NULL, join, &greedy), 0);
    int64_t begin_us = clock_monotonic_us();
    join(&other);
    int64_t passed_us = clock_monotonic_us() - begin_us;
    assert_int_equal(other.turns, ROUNDS + 1);
    assert_true(passed_us >= (ROUNDS - 1) * COMMON_READER_ROUND_US);
    atomic_store(&greedy.is_sated, true);
    pthread_join(greedy.thread, NULL);
    assert_true(greedy.turns > 10 * other.turns);
    end(&rig);
}

/* One after the other, and nobody in between: it sleeps, wakes, and ends. Who is alone waits
 * himself.
 */
static void test_coming_and_going(void **state)
{
    (void)state;
    begin(&rig);
    atomic_store(&rig.present, MEMBERS);
    for (int i = 0; i < 3; i++) {
        struct member member = {.rig = &rig, .number = i};
        rig.count = 0;
        join(&member);
        assert_int_equal(member.result, -100 - i);
        assert_int_equal(rig.count, ROUNDS + 1);
        assert_true(member.has_waited);
    }
    end(&rig);
    begin(&rig);
    end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounds),
        cmocka_unit_test(test_more_to_take),
        cmocka_unit_test(test_more_to_take_than_others),
        cmocka_unit_test(test_coming_and_going),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
