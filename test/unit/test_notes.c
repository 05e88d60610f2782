#include "unit.h"

#include "keeper/notes.h"

static struct note *note_of(enum note_kind kind, const char *camera, int64_t start_us)
{
    struct note note = {
        .kind = kind,
        .camera = camera,
        .reason = RTSPREC_COVERAGE_RECORDED,
        .start_us = start_us,
        .end_us = start_us + 1,
    };
    if (kind == NOTE_SEGMENT)
        note.path = "yard/2026-01-15/08_05_00.mp4";
    struct note *copy = note_create(&note);
    assert_non_null(copy);
    return copy;
}

/* Appends one; false when it was not taken. */
static bool add(struct notes *notes, enum note_kind kind, const char *camera, int64_t start_us)
{
    struct note *rest = notes_append(notes, note_of(kind, camera, start_us));
    note_list_free(rest);
    return !rest;
}

static void set_reason(struct note *note, enum rtsprec_coverage_reason reason)
{
    note->reason = reason;
}

static void add_condition(struct notes *notes, const char *camera, int64_t start_us,
                          enum rtsprec_coverage_reason reason)
{
    struct note *note = note_of(NOTE_CONDITION, camera, start_us);
    set_reason(note, reason);
    note_list_free(notes_append(notes, note));
}

static void assert_starts(const struct note *list, const int64_t *starts, int count)
{
    for (int i = 0; i < count; i++, list = list->next) {
        assert_non_null(list);
        assert_int_equal(list->start_us, starts[i]);
    }
    assert_null(list);
}

#define ASSERT_STARTS(list, ...)                        \
    assert_starts(list, (const int64_t[]){__VA_ARGS__}, \
                  (int)LENGTH(((const int64_t[]){__VA_ARGS__})))

static void test_a_note_has_its_own_strings(void **state)
{
    (void)state;
    char camera[] = "yard", path[] = "yard/2026-01-15/08_05_00.mp4";
    struct note note = {
        .kind = NOTE_SEGMENT,
        .camera = camera,
        .path = path,
        .ended = RTSPREC_SEGMENT_LOST,
    };
    struct note *copy = note_create(&note);
    camera[0] = path[0] = 'x';
    assert_string_equal(copy->camera, "yard");
    assert_string_equal(copy->path, "yard/2026-01-15/08_05_00.mp4");
    assert_int_equal(copy->ended, RTSPREC_SEGMENT_LOST);
    note_list_free(copy);
}

static void test_what_cannot_be_written_stays_first(void **state)
{
    (void)state;
    struct notes notes;
    notes_init(&notes, 10);
    add(&notes, NOTE_CONDITION, "yard", 1);
    add(&notes, NOTE_SEGMENT, "yard", 2);
    struct note *list = notes_take(&notes);
    ASSERT_STARTS(list, 1, 2);
    assert_null(notes.first);
    add(&notes, NOTE_CONDITION, "door", 3);
    notes_put_back(&notes, list);
    ASSERT_STARTS(notes.first, 1, 2, 3);
    list = notes_take(&notes);
    notes_done(&notes);
    note_list_free(list);
    assert_null(notes_take(&notes));
    notes_put_back(&notes, NULL);
    notes_prepend(&notes, note_of(NOTE_CONDITION, "door", 4));
    notes_prepend(&notes, note_of(NOTE_CONDITION, "door", 5));
    ASSERT_STARTS(notes.first, 5, 4);
    notes_uninit(&notes);
}

static void test_segments_that_do_not_fit_are_in_the_tree(void **state)
{
    (void)state;
    struct notes notes;
    notes_init(&notes, 2);
    assert_true(add(&notes, NOTE_SEGMENT, "yard", 1));
    struct note *list = notes_take(&notes); /* what is out counts, too */
    assert_true(add(&notes, NOTE_SEGMENT, "yard", 2));
    assert_false(notes.is_torn);
    assert_false(add(&notes, NOTE_SEGMENT, "yard", 3));
    assert_true(notes.is_torn);
    assert_false(notes.is_lossy);
    notes_put_back(&notes, list);
    ASSERT_STARTS(notes.first, 1, 2);
    assert_false(add(&notes, NOTE_SEGMENT, "yard", 5));
    list = notes_take(&notes);
    notes_done(&notes);
    note_list_free(list);
    assert_true(add(&notes, NOTE_SEGMENT, "yard", 6));
    notes_uninit(&notes);
}

static void test_the_latest_condition_stays_right(void **state)
{
    (void)state;
    struct notes notes;
    notes_init(&notes, 3);
    add_condition(&notes, "yard", 1, RTSPREC_COVERAGE_CONNECTING);
    add_condition(&notes, "door", 2, RTSPREC_COVERAGE_CONNECTING);
    add_condition(&notes, "yard", 3, RTSPREC_COVERAGE_RECORDED);
    assert_false(notes.is_lossy);
    for (int64_t i = 4; i < 100; i++)
        add_condition(&notes, "yard", i,
                      i % 2 ? RTSPREC_COVERAGE_RECORDED : RTSPREC_COVERAGE_UNREACHABLE);
    assert_true(notes.is_lossy);
    assert_false(notes.is_torn);
    ASSERT_STARTS(notes.first, 1, 2, 3, 99);
    const struct note *third = notes.first->next->next;
    assert_int_equal(third->reason, RTSPREC_COVERAGE_UNKNOWN);
    assert_int_equal(third->next->reason, RTSPREC_COVERAGE_RECORDED);
    /* A camera of which nothing waits gets its place. */
    add_condition(&notes, "gate", 200, RTSPREC_COVERAGE_STALLED);
    add_condition(&notes, "door", 201, RTSPREC_COVERAGE_STALLED);
    add_condition(&notes, "door", 202, RTSPREC_COVERAGE_RECORDED);
    ASSERT_STARTS(notes.first, 1, 2, 3, 99, 200, 202);
    assert_int_equal(notes.first->next->reason, RTSPREC_COVERAGE_UNKNOWN);
    notes_uninit(&notes);
}

static void test_holes_grow_together(void **state)
{
    (void)state;
    struct notes notes;
    notes_init(&notes, 1);
    for (int64_t i = 10; i < 20; i++)
        add(&notes, NOTE_HOLE, "yard", i);
    add(&notes, NOTE_HOLE, "yard", 5);
    add(&notes, NOTE_HOLE, "door", 30);
    ASSERT_STARTS(notes.first, 5, 30);
    assert_int_equal(notes.first->end_us, 20);
    assert_true(notes.is_lossy);
    notes_uninit(&notes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_note_has_its_own_strings),
        cmocka_unit_test(test_what_cannot_be_written_stays_first),
        cmocka_unit_test(test_segments_that_do_not_fit_are_in_the_tree),
        cmocka_unit_test(test_the_latest_condition_stays_right),
        cmocka_unit_test(test_holes_grow_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
