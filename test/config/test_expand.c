#include "expand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config.h"

static void check(const char *text, struct expand_encoded encoded, const char *expected)
{
    char *out, *problem;

    expand(&out, text, encoded, &problem);
    assert_null(problem);
    assert_string_equal(out, expected);
    free(out);
}

static void check_problem(const char *text, const char *expected)
{
    char *out, *problem;

    expand(&out, text, (struct expand_encoded){0, 0}, &problem);
    assert_null(out);
    assert_string_equal(problem, expected);
    free(problem);
}

static void replaces_variables(void **state)
{
    (void)state;
    setenv("EXPAND_A", "value", 1);
    setenv("EXPAND_B", "${EXPAND_A}", 1);
    check("", (struct expand_encoded){0, 0}, "");
    check("${EXPAND_A}", (struct expand_encoded){0, 0}, "value");
    check("a${EXPAND_A}b${EXPAND_A}", (struct expand_encoded){0, 0}, "avaluebvalue");
    /* What a variable holds is not expanded again. */
    check("${EXPAND_B}", (struct expand_encoded){0, 0}, "${EXPAND_A}");
}

static void leaves_the_rest(void **state)
{
    (void)state;
    check("$ $A $$ {A} $", (struct expand_encoded){0, 0}, "$ $A $$ {A} $");
    check("$${EXPAND_A}", (struct expand_encoded){0, 0}, "${EXPAND_A}");
    check("$$${EXPAND_A}", (struct expand_encoded){0, 0}, "$${EXPAND_A}");
}

static void encodes_where_asked(void **state)
{
    (void)state;
    setenv("EXPAND_A", "a-_.~Z9 @:/%\xc3\xa4", 1);
    check("%${EXPAND_A}@${EXPAND_A}", (struct expand_encoded){0, 12},
          "%a-_.~Z9%20%40%3A%2F%25%C3%A4@a-_.~Z9 @:/%\xc3\xa4");
}

static void names_what_is_wrong(void **state)
{
    static const char malformed[] =
        "\"${\" without a name and \"}\", expected ${NAME}, or $${ for a plain ${";

    (void)state;
    unsetenv("EXPAND_NONE");
    check_problem("a${EXPAND_NONE}",
                  "the environment variable EXPAND_NONE is not set, expected a value");
    check_problem("${", malformed);
    check_problem("${}", malformed);
    check_problem("${EXPAND_A", malformed);
    check_problem("${EXPAND A}", malformed);
    check_problem("${1}", malformed);
}

/* A raw password in the environment makes a URL that is still one. */
static void encodes_userinfo_of_urls(void **state)
{
    static const char text[] = "{\"cameras\":[{\"name\":\"a\",\"rtspUrl\":\"rtsp://"
                               "u:${EXPAND_A}@${EXPAND_H}/${EXPAND_P}\","
                               "\"recording\":{\"videoOutPath\":\".\"}}]}";
    char path[] = "/tmp/rtsprecd-expand-XXXXXX";
    struct config config;
    int fd = mkstemp(path);
    FILE *file;

    (void)state;
    assert_true(fd >= 0);
    file = fdopen(fd, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    fclose(file);
    setenv("EXPAND_A", "p@ss/w:rd", 1);
    setenv("EXPAND_H", "cam:554", 1);
    setenv("EXPAND_P", "a/b@c", 1);
    assert_int_equal(config_load(&config, path, stderr), 0);
    remove(path);
    assert_string_equal(config.cameras[0].url, "rtsp://u:p%40ss%2Fw%3Ard@cam:554/a/b@c");
    config_forget_secrets(&config);
    assert_null(config.cameras[0].url);
    config_uninit(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replaces_variables),       cmocka_unit_test(leaves_the_rest),
        cmocka_unit_test(encodes_where_asked),      cmocka_unit_test(names_what_is_wrong),
        cmocka_unit_test(encodes_userinfo_of_urls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
