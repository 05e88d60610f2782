/* Names with what is known of each, sorted: a directory's children, or the rows that stand for
 * them. */
#ifndef ARCHIVE_ENTRIES_H
#define ARCHIVE_ENTRIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct entry {
    char *name;    /* owned by the list */
    int64_t id;    /* of the row */
    int64_t value; /* bytes of a file, modification time of a directory in ns */
    bool flag;     /* of a row: is_settled; of a child: that it is no directory or regular file */
};

struct entries {
    struct entry *items; /* owned */
    size_t count, capacity;
};

/* False when there is no memory. */
bool entries_add(struct entries *entries, const char *name, int64_t id, int64_t value, bool flag);
void entries_sort(struct entries *entries);

/* In a sorted list; NULL when it is not there. */
struct entry *entries_find(const struct entries *entries, const char *name);

void entries_uninit(struct entries *entries);

/*
 * Adds the children of a directory whose names pass a filter: to what is no symbolic link and of a
 * type (S_IFDIR, S_IFREG) flag is false, and value is the modification time of a directory. Sorts.
 *
 * Returns 0 or a negative errno.
 */
int entries_read_directory(struct entries *entries, int directory_fd, unsigned type,
                           bool (*filter)(const char *name));

#endif
