/*
 * Makes the catalog agree with the tree, which is the truth: what was added or deleted by hand,
 * cameras whose directory was renamed, all of it when the catalog is new.
 *
 * A directory whose modification time is the one noted, and was so when its rows were complete, is
 * not read. Only regular files with names of the archive's own form count, no symbolic link is
 * followed; a camera whose directory is a link, or cannot be read, is left as it is.
 *
 * Recorders may write to the archive meanwhile: rows come before files are looked for, so that what
 * they add in between is not taken for gone; a file is only gone when it cannot be found by name.
 */
#ifndef ARCHIVE_RECONCILE_H
#define ARCHIVE_RECONCILE_H

#include <stdbool.h>
#include <stdint.h>

#include <rtsprec/archive.h>
#include <rtsprec/error.h>

#include "archive/catalog.h"
#include "archive/protection.h"

/* What a closed file says of itself: a row of the catalog, and the texts it points to. */
struct reconcile_row {
    struct rtsprec_archive_segment segment;
    char codec[16];
    char why[PROTECTION_MOST_BYTES + 1];
};

/* Fills in the row of an open file; path is that below the archive's root and outlives the row.
 * Returns 0 or a negative errno when the file cannot be read. */
typedef int reconcile_describe_fn(struct reconcile_row *row, int fd, const char *path);

struct reconcile_result {
    int64_t directories_read;
    int64_t added, removed; /* segments; added: also those whose file has another size now */
    int64_t moved;          /* segments of cameras whose directory got another name */
};

/*
 * all_directories: also those that have not changed, and then the sizes of all files are compared.
 * now_us says which modification times are too fresh to be relied on.
 *
 * Returns 0; RTSPREC_ERROR_IO when a part of the tree could not be read: then the rest agrees, and
 * the rows of that part stay; other codes as in catalog.h.
 */
int reconcile(struct catalog *catalog, const char *archive_directory, bool all_directories,
              int64_t now_us, reconcile_describe_fn *describe, struct reconcile_result *result,
              struct rtsprec_error *error);

#endif
