/*
 * What lies behind files: when data are durable, what space is left, whether the disk is there at
 * all. What only Linux has, has a portable fallback.
 */
#ifndef BASE_DISK_H
#define BASE_DISK_H

#include <stdbool.h>
#include <stdint.h>

/* Starts writing out what is dirty, without waiting; only speeds up a later disk_sync(). */
void disk_start_writeback(int fd);

/* Takes a part of a file, which is durable, out of the page cache; only a hint. */
void disk_drop_cache(int fd, int64_t offset, int64_t bytes);

/*
 * Reserves space behind the end of a file without changing its size, while the disk has plenty;
 * only a hint. disk_trim() gives back what lies behind the end.
 */
void disk_reserve(int fd, int64_t offset, int64_t bytes);
void disk_trim(int fd);

/* Bytes that can still be written to the file system that holds path; INT64_MAX when it does not
 * say. */
int64_t disk_free_bytes(const char *path);

/* The file system that holds path: what can still be written, its size, the size of its blocks. */
struct disk_space {
    int64_t free_bytes;  /* INT64_MAX: it does not say */
    int64_t total_bytes; /* 0: likewise */
    int64_t block_bytes; /* 0: likewise */
};
struct disk_space disk_space(const char *path);

/* Whether a directory lies under a mount point of /etc/fstab where nothing is mounted. */
bool disk_is_unmounted(const char *directory);

/* The rest return 0 or a negative errno. */

/* Makes what was written to a file durable: data, and the size and place of it. */
int disk_sync(int fd);

/* Makes the names in the directory that holds path durable. */
int disk_sync_directory_of(const char *path);

#endif
