#include "archive/entries.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool entries_add(struct entries *entries, const char *name, int64_t id, int64_t value, bool flag)
{
    if (entries->count == entries->capacity) {
        size_t capacity = entries->capacity ? 2 * entries->capacity : 64;
        struct entry *items = realloc(entries->items, capacity * sizeof(*items));
        if (!items)
            return false;
        entries->items = items;
        entries->capacity = capacity;
    }
    struct entry *entry = &entries->items[entries->count];
    *entry = (struct entry){strdup(name), id, value, flag};
    entries->count += entry->name != NULL;
    return entry->name != NULL;
}

static int by_name(const void *a, const void *b)
{
    const struct entry *one = a, *other = b;
    return strcmp(one->name, other->name);
}

void entries_sort(struct entries *entries)
{
    if (entries->count > 0)
        qsort(entries->items, entries->count, sizeof(*entries->items), by_name);
}

struct entry *entries_find(const struct entries *entries, const char *name)
{
    struct entry key = {.name = (char *)name};
    return entries->count > 0
               ? bsearch(&key, entries->items, entries->count, sizeof(*entries->items), by_name)
               : NULL;
}

void entries_uninit(struct entries *entries)
{
    for (size_t i = 0; i < entries->count; i++)
        free(entries->items[i].name);
    free(entries->items);
    *entries = (struct entries){0};
}

/* 0, also when the child has just vanished, or a negative errno. */
static int add_child(struct entries *entries, int fd, const struct dirent *child, unsigned type)
{
    /* Of a file its name is enough where the file system says what it is. */
    if (type == S_IFREG && child->d_type == DT_REG)
        return entries_add(entries, child->d_name, 0, 0, false) ? 0 : -ENOMEM;
    struct stat status;
    if (fstatat(fd, child->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? 0 : -errno;
    int64_t mtime_ns = status.st_mtim.tv_sec * INT64_C(1000000000) + status.st_mtim.tv_nsec;
    bool is_other = (status.st_mode & S_IFMT) != type;
    return entries_add(entries, child->d_name, 0, mtime_ns, is_other) ? 0 : -ENOMEM;
}

int entries_read_directory(struct entries *entries, int directory_fd, unsigned type,
                           bool (*filter)(const char *name))
{
    int fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    if (!directory) {
        int err = -errno;
        if (fd >= 0)
            close(fd);
        return err;
    }
    int err = 0;
    const struct dirent *child;
    while (err == 0 && (errno = 0, child = readdir(directory)) != NULL) {
        if (filter(child->d_name))
            err = add_child(entries, fd, child, type);
    }
    if (err == 0)
        err = -errno;
    closedir(directory);
    entries_sort(entries);
    return err;
}
