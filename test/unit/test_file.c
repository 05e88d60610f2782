#include "directory.h"

#include <errno.h>

#include "base/file.h"

/* The library's writev(): interrupted, then at most write_at_most bytes at a time. */
static size_t write_at_most;
static int interruptions, fail_with;

ssize_t __real_writev(int fd, const struct iovec *pieces, int count);
ssize_t __wrap_writev(int fd, const struct iovec *pieces, int count);

ssize_t __wrap_writev(int fd, const struct iovec *pieces, int count)
{
    size_t size = 0;
    if (interruptions > 0) {
        interruptions--;
        errno = EINTR;
        return -1;
    }
    for (int i = 0; i < count; i++)
        size += pieces[i].iov_len;
    if (!write_at_most || size <= write_at_most) {
        if (!fail_with)
            return __real_writev(fd, pieces, count);
        errno = fail_with;
        return -1;
    }
    size_t taken = 0;
    for (int i = 0; i < count && taken < write_at_most; i++) {
        size_t left = write_at_most - taken;
        size_t part = pieces[i].iov_len < left ? pieces[i].iov_len : left;
        assert_int_equal(write(fd, pieces[i].iov_base, part), part);
        taken += part;
    }
    return (ssize_t)taken;
}

/*
 * The same source without Linux's renameat2(), as it is on other systems; link() refuses as FAT
 * does when the test says so.
 */
#include <fcntl.h>
#undef RENAME_NOREPLACE
#define file_write_all_at     portable_write_all_at
#define file_read_at          portable_read_at
#define file_content_end      portable_content_end
#define file_write_pieces     portable_write_pieces
#define file_make_directories portable_make_directories
#define file_rename_exclusive portable_rename_exclusive

static int link_fails_with;

static int fake_link(const char *from, const char *to)
{
    if (link_fails_with) {
        errno = link_fails_with;
        return -1;
    }
    return link(from, to);
}

int portable_write_pieces(int fd, struct iovec *pieces, size_t count);
int portable_make_directories(const char *path);
int portable_rename_exclusive(const char *from, const char *to);

int portable_write_all_at(int fd, const void *data, size_t size, int64_t offset);
int64_t portable_content_end(int fd, int64_t size);
ssize_t portable_read_at(int fd, void *data, size_t size, int64_t offset);
int64_t portable_content_end(int fd, int64_t size);
#define link fake_link
#include "base/file.c"
#undef link
#undef file_content_end
#undef file_write_pieces
#undef file_make_directories
#undef file_rename_exclusive

/* Writes a text in pieces of which the first has size bytes. */
static int write_text(int fd, const char *text, size_t size)
{
    struct iovec pieces[] = {
        {(void *)text, size},
        {NULL, 0},
        {(void *)(text + size), strlen(text) - size},
    };
    return file_write_pieces(fd, pieces, 3);
}

static void test_write_over_short_writes_and_signals(void **state)
{
    const char *path = path_in(*state, "file");
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    for (size_t i = 0; i <= 10; i++) {
        write_at_most = 3;
        interruptions = 2;
        assert_int_equal(write_text(fd, "0123456789", i), 0);
    }
    assert_int_equal(write_text(fd, "", 0), 0);
    assert_int_equal(file_write_pieces(fd, NULL, 0), 0);
    write_at_most = 0;
    interruptions = 1;
    assert_int_equal(write_text(fd, "abc", 3), 0);
    close(fd);
    char expected[128] = "";
    for (int i = 0; i <= 10; i++)
        strcat(expected, "0123456789");
    assert_file_contains(path, strcat(expected, "abc"));
}

static void test_write_of_more_pieces_than_a_call_takes(void **state)
{
    const char *path = path_in(*state, "file");
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    static struct iovec pieces[2500];
    static char expected[2501];
    for (size_t i = 0; i < 2500; i++) {
        expected[i] = (char)('a' + i % 26);
        pieces[i] = (struct iovec){&expected[i], 1};
    }
    assert_int_equal(file_write_pieces(fd, pieces, 2500), 0);
    close(fd);
    char found[2501] = "";
    FILE *file = fopen(path, "r");
    assert_int_equal(fread(found, 1, 2500, file), 2500);
    assert_int_equal(fgetc(file), EOF);
    fclose(file);
    assert_string_equal(found, expected);
}

static void test_write_tells_of_a_failure(void **state)
{
    (void)state;
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(full >= 0);
    assert_int_equal(write_text(full, "x", 1), -ENOSPC);
    assert_int_equal(write_text(full, "", 0), 0);
    close(full);
    assert_int_equal(write_text(full, "x", 1), -EBADF);
}

/* A disk that fills up in the middle of a write. */
static void test_write_tells_of_a_late_failure(void **state)
{
    const char *path = path_in(*state, "file");
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    write_at_most = 4;
    fail_with = EIO;
    assert_int_equal(write_text(fd, "0123456789", 5), -EIO);
    write_at_most = 0;
    fail_with = 0;
    close(fd);
    assert_file_contains(path, "01234567");
}

static void check_is_directory(const char *path)
{
    struct stat status;
    require(stat(path, &status) == 0 && S_ISDIR(status.st_mode), "%s", path);
}

static void test_make_directories(void **state)
{
    static const char *const names[] = {"a", "b/c/d", "b/c/e/", "f//g///h//", "./i/../j/k"};
    for (size_t i = 0; i < LENGTH(names); i++) {
        const char *path = path_in(*state, names[i]);
        require(file_make_directories(path) == 0, "%s", names[i]);
        check_is_directory(path);
        require(file_make_directories(path) == 0, "%s again", names[i]);
    }
    assert_int_equal(file_make_directories("/"), 0);
    assert_int_equal(file_make_directories("."), 0);
}

static void test_make_directories_relative(void **state)
{
    char before[4096];
    assert_non_null(getcwd(before, sizeof(before)));
    assert_int_equal(chdir(*state), 0);
    assert_int_equal(file_make_directories("x/y"), 0);
    check_is_directory("x/y");
    assert_int_equal(file_make_directories("z"), 0);
    check_is_directory("z");
    assert_int_equal(chdir(before), 0);
}

static void test_make_directories_fails_over_a_file(void **state)
{
    write_file(path_in(*state, "file"), "x");
    assert_int_equal(file_make_directories(path_in(*state, "file")), -ENOTDIR);
    assert_int_equal(file_make_directories(path_in(*state, "file/")), -ENOTDIR);
    assert_int_equal(file_make_directories(path_in(*state, "file/a/b")), -ENOTDIR);
    assert_file_contains(path_in(*state, "file"), "x");
}

static void test_make_directories_of_nothing(void **state)
{
    (void)state;
    assert_int_equal(file_make_directories(""), -ENOENT);
}

static void test_make_directories_and_links(void **state)
{
    /* A link to a directory is one; a link to nothing is none. */
    assert_int_equal(symlink(*state, path_in(*state, "good")), 0);
    assert_int_equal(symlink("missing", path_in(*state, "bad")), 0);
    assert_int_equal(file_make_directories(path_in(*state, "good/below")), 0);
    check_is_directory(path_in(*state, "below"));
    assert_true(file_make_directories(path_in(*state, "bad")) < 0);
    assert_true(file_make_directories(path_in(*state, "bad/below")) < 0);
}

static void check_rename(const char *directory, int (*rename_exclusive)(const char *, const char *))
{
    const char *from = path_in(directory, "from"), *to = path_in(directory, "to");
    write_file(from, "new");
    assert_int_equal(rename_exclusive(from, to), 0);
    assert_false(file_exists(from));
    assert_file_contains(to, "new");

    write_file(from, "newer");
    assert_int_equal(rename_exclusive(from, to), -EEXIST);
    assert_file_contains(from, "newer");
    assert_file_contains(to, "new");

    /* Taken by a link to nothing, too. */
    assert_int_equal(symlink("missing", path_in(directory, "dangling")), 0);
    assert_int_equal(rename_exclusive(from, path_in(directory, "dangling")), -EEXIST);
    assert_int_equal(rename_exclusive(from, path_in(directory, "no/to")), -ENOENT);
    assert_file_contains(from, "newer");
    assert_int_equal(unlink(path_in(directory, "dangling")), 0);

    assert_int_equal(rename_exclusive(path_in(directory, "missing"), path_in(directory, "x")),
                     -ENOENT);
    assert_false(file_exists(path_in(directory, "x")));
    assert_int_equal(unlink(to), 0);
}

static void test_rename_never_overwrites(void **state)
{
    check_rename(*state, file_rename_exclusive);
}

static void test_rename_without_renameat2(void **state)
{
    check_rename(*state, portable_rename_exclusive);
}

static void test_rename_without_links(void **state)
{
    const int reasons[] = {EPERM, EOPNOTSUPP, ENOSYS, EMLINK};
    for (size_t i = 0; i < LENGTH(reasons); i++) {
        link_fails_with = reasons[i];
        check_rename(*state, portable_rename_exclusive);
    }
    /* Another failure is one. */
    link_fails_with = EIO;
    write_file(path_in(*state, "from"), "x");
    assert_int_equal(portable_rename_exclusive(path_in(*state, "from"), path_in(*state, "to")),
                     -EIO);
    assert_true(file_exists(path_in(*state, "from")));
    assert_false(file_exists(path_in(*state, "to")));
    link_fails_with = 0;
}

static void test_zeros_at_the_end(void **state)
{
    static const struct {
        int64_t last, size; /* the last byte that is not zero, -1: none */
    } cases[] = {{-1, 0},      {-1, 1},      {-1, 4096},   {-1, 100000}, {0, 1},
                 {0, 100000},  {99, 100},    {99, 4097},   {4095, 4096}, {4095, 4097},
                 {4096, 4097}, {4096, 8192}, {8000, 8192}, {5, 1000000}};
    int fd = open(path_in(*state, "file"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    for (size_t i = 0; i < LENGTH(cases); i++) {
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(ftruncate(fd, cases[i].size), 0);
        if (cases[i].last >= 0)
            assert_int_equal(pwrite(fd, "x", 1, cases[i].last), 1);
        require(file_content_end(fd, cases[i].size) == cases[i].last + 1, "row %zu", i);
    }
    close(fd);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, directory_create, directory_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_write_over_short_writes_and_signals),
        CASE(test_write_of_more_pieces_than_a_call_takes),
        CASE(test_write_tells_of_a_failure),
        CASE(test_write_tells_of_a_late_failure),
        CASE(test_make_directories),
        CASE(test_make_directories_relative),
        CASE(test_make_directories_fails_over_a_file),
        CASE(test_make_directories_of_nothing),
        CASE(test_make_directories_and_links),
        CASE(test_rename_never_overwrites),
        CASE(test_rename_without_renameat2),
        CASE(test_rename_without_links),
        CASE(test_zeros_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
