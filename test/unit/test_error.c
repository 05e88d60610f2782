#include "unit.h"

#include <errno.h>

#include "base/error.h"

static void test_every_code_has_a_text_and_a_name_of_its_own(void **state)
{
    (void)state;
#define XX(name, value, text)                                              \
    assert_string_equal(rtsprec_error_string(RTSPREC_ERROR_##name), text); \
    assert_string_equal(rtsprec_error_name(RTSPREC_ERROR_##name), #name);  \
    assert_true(RTSPREC_ERROR_##name == (value) && (value) < 0);
    RTSPREC_ERROR_MAP(XX)
#undef XX
    assert_string_equal(rtsprec_error_name(RTSPREC_OK), "OK");
    const int none[] = {1, -9, -1000, INT32_MIN, INT32_MAX};
    for (size_t i = 0; i < LENGTH(none); i++) {
        assert_string_equal(rtsprec_error_name(none[i]), "UNKNOWN");
        assert_string_equal(rtsprec_error_string(none[i]), "unknown error");
    }
}

static void test_set_returns_the_code_and_masks(void **state)
{
    (void)state;
    struct rtsprec_error error;
    int code = error_set(&error, RTSPREC_ERROR_TIMEOUT, "%s: no answer in %d s",
                         "rtsp://admin:secret@camera/1", 5);
    assert_int_equal(code, RTSPREC_ERROR_TIMEOUT);
    assert_int_equal(error.code, RTSPREC_ERROR_TIMEOUT);
    assert_string_equal(error.text, "rtsp://***@camera/1: no answer in 5 s");
}

static void test_null_is_fine(void **state)
{
    (void)state;
    assert_int_equal(error_set(NULL, RTSPREC_ERROR_IO, "%d", 1), RTSPREC_ERROR_IO);
    assert_int_equal(error_set_errno(NULL, RTSPREC_ERROR_IO, EIO, "%d", 1), RTSPREC_ERROR_IO);
    error_clear(NULL);
}

static void test_errno_stands_behind(void **state)
{
    (void)state;
    struct rtsprec_error error;
    error_set_errno(&error, RTSPREC_ERROR_NO_SPACE, ENOSPC, "file %d", 3);
    assert_string_equal(error.text, "file 3: No space left on device");
    error_set_errno(&error, RTSPREC_ERROR_IO, 54321, "file");
    assert_string_equal(error.text, "file: Unknown error 54321");
    error_clear(&error);
    assert_int_equal(error.code, 0);
    assert_string_equal(error.text, "");
}

/* The text of an error can be put into its own new text. */
static void test_an_error_explains_itself(void **state)
{
    (void)state;
    struct rtsprec_error error;
    error_set(&error, RTSPREC_ERROR_IO, "inner");
    error_set(&error, RTSPREC_ERROR_IO, "outer: %s", error.text);
    assert_string_equal(error.text, "outer: inner");
}

/* Cut between any two characters, nothing of a password must come out. */
static void test_long_texts_are_cut_without_a_leak(void **state)
{
    (void)state;
    struct rtsprec_error error;
    char filler[600];
    for (int length = 400; length < 599; length++) {
        memset(filler, 'x', (size_t)length);
        filler[length] = '\0';
        error_set_errno(&error, RTSPREC_ERROR_IO, EIO, "%s rtsp://SECRETuser:SECRETpass@host/",
                        filler);
        assert_true(memchr(error.text, '\0', sizeof(error.text)) != NULL);
        require(!strstr(error.text, "SECRET"), "%d: %s", length, error.text + 380);
    }
}

static void test_code_of_errno(void **state)
{
    (void)state;
    assert_int_equal(error_code_of_errno(ENOSPC), RTSPREC_ERROR_NO_SPACE);
    assert_int_equal(error_code_of_errno(EDQUOT), RTSPREC_ERROR_NO_SPACE);
    assert_int_equal(error_code_of_errno(ENOMEM), RTSPREC_ERROR_NO_MEMORY);
    assert_int_equal(error_code_of_errno(EIO), RTSPREC_ERROR_IO);
    assert_int_equal(error_code_of_errno(EACCES), RTSPREC_ERROR_IO);
    assert_int_equal(error_code_of_errno(0), RTSPREC_ERROR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_has_a_text_and_a_name_of_its_own),
        cmocka_unit_test(test_set_returns_the_code_and_masks),
        cmocka_unit_test(test_null_is_fine),
        cmocka_unit_test(test_errno_stands_behind),
        cmocka_unit_test(test_an_error_explains_itself),
        cmocka_unit_test(test_long_texts_are_cut_without_a_leak),
        cmocka_unit_test(test_code_of_errno),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
