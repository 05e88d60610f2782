/* Files: what POSIX leaves half done, and what only Linux has, each with a portable fallback. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/* All return 0 or a negative errno. */

/* Writes all pieces one behind the other, at the file's position, over short writes and EINTR; the
 * pieces are changed. */
int file_write_pieces(int fd, struct iovec *pieces, size_t count);

/* Writes all of it at an offset. */
int file_write_all_at(int fd, const void *data, size_t size, int64_t offset);

/* Reads size bytes at an offset, fewer only at the end of the file; returns their number. */
ssize_t file_read_at(int fd, void *data, size_t size, int64_t offset);

/* Where the zeros begin that a file of this size ends with; its size when it ends with none. */
int64_t file_content_end(int fd, int64_t size);

/* Creates a directory and those above it; one that exists is fine. -ENOENT: somebody removed one of
 * them meanwhile. */
int file_make_directories(const char *path);

/* Gives a file a new name unless that name exists: then -EEXIST, and nothing has changed. */
int file_rename_exclusive(const char *from, const char *to);

#endif
