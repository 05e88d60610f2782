/* What protects a segment, as its file carries it: an extended attribute, so that it outlives the
 * catalog, a renamed directory and a copy that keeps attributes. */
#ifndef ARCHIVE_PROTECTION_H
#define ARCHIVE_PROTECTION_H

#define PROTECTION_MOST_BYTES 200

/* Marks a file below an archive's root, or takes the mark off: why NULL. Where the file system has
 * no such attributes the catalog alone remembers. */
void protection_mark(const char *archive_directory, const char *path, const char *why);

/* Reads the mark of an open file; "" when it has none. */
void protection_read(int fd, char why[PROTECTION_MOST_BYTES + 1]);

#endif
