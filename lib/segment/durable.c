#include "segment/durable.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/disk.h"
#include "base/thread.h"

/* Recorded video is rarely read soon: without this it pushes everything else out of memory. */
#define DROP_BYTES (INT64_C(8) * 1024 * 1024)

struct durable_file {
    struct disk *disk;
    struct durable_file *next;
    int fd;
    int64_t interval_us;

    int64_t due_us; /* monotonic; INT64_MAX: nothing was written since the last round began */
    int64_t size;
    int64_t dropped; /* up to here it has left the page cache */
    int error;       /* negative errno of the first failure */

    /* Of the round in progress. */
    bool is_busy;
    struct durable_file *next_busy;
    int64_t round_size;
    int round_error;
};

/* A file system and its thread. */
struct disk {
    struct durable *durable;
    struct disk *next;
    dev_t device;
    pthread_t thread;
    pthread_cond_t wake; /* the thread; belongs to the durable's lock */
    struct durable_file *files;
    bool is_closing;
};

struct durable {
    pthread_mutex_t lock; /* guards everything but the syncing itself */
    pthread_cond_t done;  /* a round has ended */
    struct disk *disks;
};

int durable_create(struct durable **out, struct rtsprec_error *error)
{
    *out = NULL;
    struct durable *durable = calloc(1, sizeof(*durable));
    if (!durable)
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    if (wait_init(&durable->lock, &durable->done) < 0) {
        free(durable);
        return error_set(error, RTSPREC_ERROR_SYSTEM, "no lock could be created");
    }
    *out = durable;
    return 0;
}

void durable_destroy(struct durable **durable_pointer)
{
    struct durable *durable = *durable_pointer;
    *durable_pointer = NULL;
    if (!durable)
        return;
    while (durable->disks) {
        struct disk *disk = durable->disks;
        assert(!disk->files);
        pthread_mutex_lock(&durable->lock);
        disk->is_closing = true;
        pthread_cond_signal(&disk->wake);
        pthread_mutex_unlock(&durable->lock);
        pthread_join(disk->thread, NULL);
        pthread_cond_destroy(&disk->wake);
        durable->disks = disk->next;
        free(disk);
    }
    wait_uninit(&durable->lock, &durable->done);
    free(durable);
}

/* The earliest moment at which a file is due, INT64_MAX when all are clean. */
static int64_t next_due(const struct disk *disk)
{
    int64_t due_us = INT64_MAX;
    for (const struct durable_file *file = disk->files; file; file = file->next)
        due_us = file->due_us < due_us ? file->due_us : due_us;
    return due_us;
}

/* All dirty files, due or not: one commit of the file system's journal serves them all. */
static struct durable_file *begin_round(struct disk *disk)
{
    struct durable_file *busy = NULL;
    for (struct durable_file *file = disk->files; file; file = file->next) {
        if (file->due_us == INT64_MAX)
            continue;
        file->due_us = INT64_MAX;
        file->is_busy = true;
        file->round_size = file->size;
        file->next_busy = busy;
        busy = file;
    }
    return busy;
}

static void sync_round(struct durable_file *busy)
{
    for (struct durable_file *file = busy; file; file = file->next_busy)
        disk_start_writeback(file->fd);
    for (struct durable_file *file = busy; file; file = file->next_busy) {
        file->round_error = disk_sync(file->fd);
        if (file->round_error == 0 && file->round_size - file->dropped >= DROP_BYTES) {
            disk_drop_cache(file->fd, file->dropped, file->round_size - file->dropped);
            file->dropped = file->round_size;
        }
    }
}

static void end_round(struct durable_file *busy)
{
    for (struct durable_file *file = busy; file; file = file->next_busy) {
        file->is_busy = false;
        if (file->round_error < 0) {
            file->error = file->round_error;
            file->due_us = INT64_MAX;
        }
    }
}

static void *run(void *argument)
{
    struct disk *disk = argument;
    struct durable *durable = disk->durable;
    pthread_mutex_lock(&durable->lock);
    while (!disk->is_closing) {
        int64_t due_us = next_due(disk);
        if (due_us == INT64_MAX) {
            pthread_cond_wait(&disk->wake, &durable->lock);
            continue;
        }
        if (clock_monotonic_us() < due_us) {
            wait_until(&disk->wake, &durable->lock, due_us);
            continue;
        }
        struct durable_file *busy = begin_round(disk);
        pthread_mutex_unlock(&durable->lock);
        sync_round(busy);
        pthread_mutex_lock(&durable->lock);
        end_round(busy);
        pthread_cond_broadcast(&durable->done);
    }
    pthread_mutex_unlock(&durable->lock);
    return NULL;
}

/* The file system's entry, made when it is the first file there; called with the lock. */
static struct disk *disk_of(struct durable *durable, dev_t device)
{
    for (struct disk *disk = durable->disks; disk; disk = disk->next) {
        if (disk->device == device)
            return disk;
    }
    struct disk *disk = calloc(1, sizeof(*disk));
    if (!disk || wake_init(&disk->wake) < 0) {
        free(disk);
        return NULL;
    }
    disk->durable = durable;
    disk->device = device;
    if (thread_start(&disk->thread, run, disk, "rtsprec-sync") < 0) {
        pthread_cond_destroy(&disk->wake);
        free(disk);
        return NULL;
    }
    disk->next = durable->disks;
    durable->disks = disk;
    return disk;
}

int durable_add(struct durable_file **out, struct durable *durable, int fd, int64_t interval_us,
                struct rtsprec_error *error)
{
    *out = NULL;
    struct stat status;
    if (fstat(fd, &status) != 0)
        return error_set_errno(error, RTSPREC_ERROR_IO, errno, "the file cannot be examined");
    struct durable_file *file = calloc(1, sizeof(*file));
    if (!file)
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    file->fd = fd;
    file->interval_us = interval_us;
    file->due_us = INT64_MAX;

    pthread_mutex_lock(&durable->lock);
    file->disk = disk_of(durable, status.st_dev);
    if (file->disk) {
        file->next = file->disk->files;
        file->disk->files = file;
    }
    pthread_mutex_unlock(&durable->lock);
    if (!file->disk) {
        free(file);
        return error_set(error, RTSPREC_ERROR_SYSTEM, "no thread could be created for the disk");
    }
    *out = file;
    return 0;
}

void durable_written(struct durable_file *file, int64_t size)
{
    struct durable *durable = file->disk->durable;
    int64_t due_us = clock_monotonic_us() + file->interval_us;
    pthread_mutex_lock(&durable->lock);
    file->size = size;
    if (file->due_us == INT64_MAX && file->error == 0) {
        /* Only an earlier date than all others needs the thread's attention. */
        bool is_first = due_us < next_due(file->disk);
        file->due_us = due_us;
        if (is_first)
            pthread_cond_signal(&file->disk->wake);
    }
    pthread_mutex_unlock(&durable->lock);
}

int durable_error(struct durable_file *file)
{
    struct durable *durable = file->disk->durable;
    pthread_mutex_lock(&durable->lock);
    int error = file->error;
    pthread_mutex_unlock(&durable->lock);
    return error;
}

void durable_remove(struct durable_file **file_pointer)
{
    struct durable_file *file = *file_pointer;
    *file_pointer = NULL;
    if (!file)
        return;
    struct durable *durable = file->disk->durable;
    pthread_mutex_lock(&durable->lock);
    file->due_us = INT64_MAX;
    while (file->is_busy)
        pthread_cond_wait(&durable->done, &durable->lock);
    struct durable_file **at = &file->disk->files;
    while (*at != file)
        at = &(*at)->next;
    *at = file->next;
    pthread_mutex_unlock(&durable->lock);
    free(file);
}
