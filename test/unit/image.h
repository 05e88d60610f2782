/* The bytes of a file in memory, and files that are on no disk, where a sync costs nothing. */
#ifndef IMAGE_H
#define IMAGE_H

#include "unit.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct image {
    uint8_t *data; /* owned */
    size_t size;
};

static inline void image_uninit(struct image *image)
{
    free(image->data);
    *image = (struct image){0};
}

static inline struct image image_of_fd(int fd)
{
    struct stat status;
    assert_int_equal(fstat(fd, &status), 0);
    struct image image = {malloc((size_t)status.st_size + 1), (size_t)status.st_size};
    assert_int_equal(pread(fd, image.data, image.size, 0), image.size);
    return image;
}

/* The first size bytes of an image; allocated exactly as large. */
static inline struct image image_prefix(const struct image *image, size_t size)
{
    struct image prefix = {malloc(size ? size : 1), size};
    memcpy(prefix.data, image->data, size);
    return prefix;
}

/* Replaces what is in a file. */
static inline void image_store(int fd, const uint8_t *data, size_t size)
{
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(pwrite(fd, data, size, 0), size);
}

static inline int memory_file(void)
{
    int fd = memfd_create("rtsprec-unit", MFD_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

/* The name of an open file, for those who insist on one; valid until the next call. */
static inline const char *path_of_fd(int fd)
{
    static char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return path;
}

static inline uint64_t hash_bytes(const uint8_t *data, size_t size)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ data[i]) * UINT64_C(1099511628211);
    return hash;
}

#endif
