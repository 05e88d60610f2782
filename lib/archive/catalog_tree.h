/* What reconciling asks of the catalog and tells it. All return 0 or an error of catalog.h. */
#ifndef ARCHIVE_CATALOG_TREE_H
#define ARCHIVE_CATALOG_TREE_H

#include "archive/catalog.h"
#include "archive/entries.h"

/* Cameras that have directories: name, id; value: segments. */
int catalog_tree_cameras(struct catalog *catalog, struct entries *entries,
                         struct rtsprec_error *error);

/* Directories of a camera: name, id, value: modification time noted, flag: settled. */
int catalog_tree_directories(struct catalog *catalog, int64_t camera, struct entries *entries,
                             struct rtsprec_error *error);

/* Segments of a directory: name, value: bytes. */
int catalog_tree_segments(struct catalog *catalog, int64_t directory, struct entries *entries,
                          struct rtsprec_error *error);

/* The id of a camera's directory, which is made when there is none. */
int catalog_tree_directory(struct catalog *catalog, const char *camera, const char *day,
                           int64_t *id, struct rtsprec_error *error);

/* The rows of a directory are those of the tree at its modification time; settled: that time says
 * it all. */
int catalog_tree_note(struct catalog *catalog, int64_t directory, int64_t mtime_ns, bool is_settled,
                      struct rtsprec_error *error);

/* Forgets a directory without segments. */
int catalog_tree_forget(struct catalog *catalog, int64_t directory, struct rtsprec_error *error);

/* A camera got another name: all that is known of it is that one's from now on, also what the
 * ledger says. The new name may be known, but has no directories. */
int catalog_tree_rename(struct catalog *catalog, int64_t camera, const char *name,
                        struct rtsprec_error *error);

/* All of the tree is in the catalog. */
int catalog_tree_built(struct catalog *catalog, struct rtsprec_error *error);

#endif
