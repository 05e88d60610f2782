#include "unit.h"

#include "ingest/text.h"

static void check_text(struct text text, const char *expected)
{
    if (!expected) {
        assert_null(text.data);
        assert_int_equal(text.size, 0);
        return;
    }
    require(text.data && text.size == strlen(expected) && !memcmp(text.data, expected, text.size),
            "\"%.*s\", expected \"%s\"", (int)text.size, text.data ? text.data : "", expected);
}

static void test_number(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t number;
    } rows[] = {
        {"0", 0},
        {" 17\t", 17},
        {"-3", -3},
        {"007", 7},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
        {"9223372036854775808", -99},
        {"-9223372036854775809", -99},
        {"99999999999999999999999", -99},
        {"", -99},
        {"-", -99},
        {" ", -99},
        {"1 2", -99},
        {"1.5", -99},
        {"0x10", -99},
        {"+1", -99},
        {"12s", -99},
    };
    for (size_t i = 0; i < LENGTH(rows); i++)
        require(text_number((struct text){rows[i].text, strlen(rows[i].text)}, -99) ==
                    rows[i].number,
                "\"%s\"", rows[i].text);
    assert_int_equal(text_number((struct text){0}, 5), 5);
}

static void test_equals(void **state)
{
    (void)state;
    assert_true(text_equals((struct text){"AbC!", 3}, "aBc"));
    assert_false(text_equals((struct text){"abc", 3}, "ab"));
    assert_false(text_equals((struct text){"abc", 3}, "abcd"));
    assert_true(text_equals((struct text){"", 0}, ""));
    assert_false(text_equals((struct text){0}, ""));
}

static void test_split(void **state)
{
    (void)state;
    struct text rest = {"a,,b", 4};
    check_text(text_split(&rest, ','), "a");
    check_text(text_split(&rest, ','), "");
    check_text(text_split(&rest, ','), "b");
    check_text(text_split(&rest, ','), NULL);
    rest = (struct text){"a,", 2};
    check_text(text_split(&rest, ','), "a");
    check_text(text_split(&rest, ','), "");
    check_text(text_split(&rest, ','), NULL);
}

static void test_trim(void **state)
{
    (void)state;
    check_text(text_trim((struct text){" \t\r\na b\r\n", 9}), "a b");
    check_text(text_trim((struct text){" \t\r\n", 4}), "");
    check_text(text_trim((struct text){"a", 1}), "a");
    check_text(text_trim((struct text){0}), NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_number),
        cmocka_unit_test(test_equals),
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_trim),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
