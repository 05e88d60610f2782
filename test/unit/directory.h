/* A directory of a test's own, empty at its beginning and gone after its end. */
#ifndef DIRECTORY_H
#define DIRECTORY_H

#include "unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

/* Setup and teardown of a test; its *state is the directory's path. */
static inline int directory_create(void **state)
{
    const char *root = getenv("TMPDIR");
    char *path = NULL;
    if (asprintf(&path, "%s/rtsprec-unit-XXXXXX", root ? root : "/tmp") < 0)
        return -1;
    *state = mkdtemp(path);
    return *state ? 0 : -1;
}

static inline int directory_remove_entry(const char *path, const struct stat *status, int type,
                                         struct FTW *place)
{
    (void)status, (void)type, (void)place;
    return remove(path);
}

static inline int directory_remove(void **state)
{
    int err = nftw(*state, directory_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(*state);
    return err;
}

/* DIRECTORY/name; valid until the eighth call after it. */
static inline const char *path_in(const char *directory, const char *name)
{
    static char paths[8][512];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
    return path;
}

static inline void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static inline void assert_file_contains(const char *path, const char *text)
{
    char buffer[256] = "";
    FILE *file = fopen(path, "r");
    require(file != NULL, "%s", path);
    size_t size = fread(buffer, 1, sizeof(buffer) - 1, file);
    fclose(file);
    buffer[size] = '\0';
    assert_string_equal(buffer, text);
}

static inline bool file_exists(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

#endif
