#include "json_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "text_file.h"

/* Whether it parses; a text that does not has a diagnostic, one that does has none. */
static bool parses(const char *text, size_t size)
{
    struct diagnostics diagnostics = {0};
    struct json_text *json = json_text_parse(text, size, &diagnostics);
    bool good = json != NULL;

    assert_int_equal(good, diagnostics.errors == 0);
    json_text_destroy(&json);
    assert_null(json);
    diagnostics_uninit(&diagnostics);
    return good;
}

static void gives_values_and_places(void **state)
{
    static const char text[] = "{ // one\n \"a\\u00e4\": [1.5, true, null, \"x\\n\"], \"b\": {}}";
    struct diagnostics diagnostics = {0};
    struct json_text *json = json_text_parse(text, strlen(text), &diagnostics);
    const struct node *array;
    char *path;

    (void)state;
    assert_non_null(json);
    array = node_find(json_text_root(json), "a\xc3\xa4");
    assert_non_null(array);
    assert_int_equal(array->kind, NODE_ARRAY);
    assert_int_equal(array->key_offset, 10);
    assert_int_equal(array->offset, 21);
    assert_true(array->first->number > 1.49 && array->first->number < 1.51);
    assert_true(array->first->next->boolean);
    assert_string_equal(array->last->string, "x\n");
    path = node_path(array->last, "member");
    assert_string_equal(path, "$[\"a\xc3\xa4\"][3].member");
    free(path);
    assert_non_null(node_find(json_text_root(json), "b"));
    assert_null(node_find(json_text_root(json), "c"));
    json_text_destroy(&json);
    json_text_destroy(&json);
    diagnostics_uninit(&diagnostics);
}

static void knows_utf8(void **state)
{
    static const char *const bad[] = {"\x80",         "\xc1\x81",         "\xe0\x80\x80",
                                      "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80",
                                      "\xf8",         "\xe2\x82",         "\xc3"};
    static const char good[] = "a\xc3\xa4\xe2\x82\xac\xed\x9f\xbf\xf0\x9f\x93\xb7\xf4\x8f\xbf\xbf";

    (void)state;
    assert_int_equal(text_find_invalid_utf8(good, strlen(good)), strlen(good));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(text_find_invalid_utf8(bad[i], strlen(bad[i])), 0);
}

/* The same numbers in every run: a failure can be repeated. */
static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1103515245U + 12345U;
    return *seed >> 16;
}

/* Nothing that the scanner accepts is refused by Jansson, and nothing crashes either of them. */
static void survives_damage(void **state)
{
    static const char text[] = "{\"a\":[1,-2.5e+3,true,false,null,\"x\\u00e4\\ud83d\\udcf7\\n\"],/"
                               "* c */\"b\":{\"c\":{}}}//";
    static const char bytes[] = "{}[]:,\"\\/*u0123e+-.tfn \n\xc3";
    char damaged[sizeof(text)];
    unsigned seed = 1;

    (void)state;
    assert_true(parses(text, strlen(text)));
    for (size_t size = 0; size < strlen(text) - 2; size++)
        assert_false(parses(text, size) && size < 70);
    for (int round = 0; round < 20000; round++) {
        memcpy(damaged, text, sizeof(text));
        for (unsigned i = 0; i <= next_random(&seed) % 3; i++)
            damaged[next_random(&seed) % (sizeof(text) - 1)] =
                bytes[next_random(&seed) % (sizeof(bytes) - 1)];
        (void)parses(damaged, sizeof(text) - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_values_and_places),
        cmocka_unit_test(knows_utf8),
        cmocka_unit_test(survives_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
