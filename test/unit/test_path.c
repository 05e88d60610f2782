#include "directory.h"

#include "base/path.h"

static void assert_resolves(const char *path, const char *expected)
{
    char *resolved = path_resolve(path);
    assert_non_null(resolved);
    assert_string_equal(resolved, expected);
    free(resolved);
}

static void test_what_exists_and_what_does_not(void **state)
{
    char *root = path_resolve(*state); /* /tmp may be a link */
    assert_non_null(root);
    assert_int_equal(mkdir(path_in(root, "here"), 0700), 0);
    assert_int_equal(symlink("here", path_in(root, "link")), 0);
    assert_resolves(path_in(root, "here"), path_in(root, "here"));
    assert_resolves(path_in(root, "link/"), path_in(root, "here"));
    assert_resolves(path_in(root, "link/new/../other//deep/."), path_in(root, "here/other/deep"));
    assert_resolves(path_in(root, "here/../link/a"), path_in(root, "here/a"));
    assert_resolves(path_in(root, "nowhere/link"), path_in(root, "nowhere/link"));
    assert_resolves("/", "/");
    assert_resolves("/../..", "/");
    assert_resolves("//nowhere-at-all/", "/nowhere-at-all");
    free(root);
}

static void test_relative_to_the_current_directory(void **state)
{
    char *root = path_resolve(*state), *before = getcwd(NULL, 0);
    assert_non_null(root);
    assert_non_null(before);
    assert_int_equal(chdir(root), 0);
    assert_resolves("new", path_in(root, "new"));
    assert_resolves("./new/x", path_in(root, "new/x"));
    assert_resolves(".", root);
    assert_resolves("", root);
    assert_int_equal(chdir(before), 0);
    free(before);
    free(root);
}

static void test_within(void **state)
{
    (void)state;
    assert_true(path_is_within("/a/b", "/a/b"));
    assert_true(path_is_within("/a/b/c", "/a/b"));
    assert_true(path_is_within("/a", "/"));
    assert_false(path_is_within("/a/bc", "/a/b"));
    assert_false(path_is_within("/a", "/a/b"));
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, directory_create, directory_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_what_exists_and_what_does_not),
        CASE(test_relative_to_the_current_directory),
        cmocka_unit_test(test_within),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
