#include "archive/oldest.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* A camera of which nothing goes costs one row; one of which much goes, few queries. */
#define MOST_ROWS 64

/* The next segments of a camera. */
struct batch {
    struct retention_segment *rows; /* MOST_ROWS, paths owned; NULL: nobody has asked */
    int count, next;
    int size; /* how many were asked for */
    bool is_last, has_no_memory;
    int64_t after_us; /* where the next batch begins */
    char *after_path;
};

struct oldest {
    struct catalog *catalog;
    const char *const *names;
    size_t count;
    struct batch *batches; /* two of each camera, by is_protected */
    char **skipped;
    size_t skipped_count;
    struct rtsprec_error *error;
};

int oldest_create(struct oldest **out, struct catalog *catalog)
{
    *out = calloc(1, sizeof(**out));
    if (!*out)
        return RTSPREC_ERROR_NO_MEMORY;
    (*out)->catalog = catalog;
    return 0;
}

static void forget_rows(struct batch *batch)
{
    for (int i = 0; i < batch->count; i++)
        free((char *)batch->rows[i].path);
    batch->count = batch->next = 0;
}

static void forget_batches(struct oldest *oldest)
{
    for (size_t i = 0; oldest->batches && i < 2 * oldest->count; i++) {
        forget_rows(&oldest->batches[i]);
        free(oldest->batches[i].rows);
        free(oldest->batches[i].after_path);
    }
    free(oldest->batches);
    oldest->batches = NULL;
}

void oldest_destroy(struct oldest **oldest_pointer)
{
    struct oldest *oldest = *oldest_pointer;
    *oldest_pointer = NULL;
    if (!oldest)
        return;
    forget_batches(oldest);
    for (size_t i = 0; i < oldest->skipped_count; i++)
        free(oldest->skipped[i]);
    free(oldest->skipped);
    free(oldest);
}

int oldest_skip(struct oldest *oldest, const char *path)
{
    char *copy = strdup(path);
    char **grown =
        copy ? realloc(oldest->skipped, (oldest->skipped_count + 1) * sizeof(*grown)) : NULL;
    if (!grown) {
        free(copy);
        return RTSPREC_ERROR_NO_MEMORY;
    }
    oldest->skipped = grown;
    oldest->skipped[oldest->skipped_count++] = copy;
    return 0;
}

static bool is_skipped(const struct oldest *oldest, const char *path)
{
    for (size_t i = 0; i < oldest->skipped_count; i++) {
        if (!strcmp(oldest->skipped[i], path))
            return true;
    }
    return false;
}

static bool add_row(void *user, const struct rtsprec_archive_segment *segment)
{
    struct batch *batch = user;
    struct retention_segment *row = &batch->rows[batch->count];
    row->path = strdup(segment->path);
    row->start_us = segment->start_us;
    row->end_us = segment->end_us;
    row->bytes = segment->bytes;
    batch->has_no_memory = !row->path;
    batch->count += !batch->has_no_memory;
    return !batch->has_no_memory && batch->count < MOST_ROWS;
}

/* Returns 0 or a negative code. */
static int load(struct oldest *oldest, struct batch *batch, size_t camera, bool is_protected)
{
    forget_rows(batch);
    int size = batch->size == 0 ? 1 : batch->size * 4;
    batch->size = size < MOST_ROWS ? size : MOST_ROWS;
    int err = catalog_oldest(oldest->catalog, oldest->names[camera], is_protected, batch->after_us,
                             batch->after_path ? batch->after_path : "", batch->size, add_row,
                             batch, oldest->error);
    if (err < 0)
        return err;
    batch->is_last = batch->count < batch->size;
    if (batch->count > 0) {
        free(batch->after_path);
        batch->after_us = batch->rows[batch->count - 1].start_us;
        batch->after_path = strdup(batch->rows[batch->count - 1].path);
    }
    if (batch->has_no_memory || (batch->count > 0 && !batch->after_path))
        return error_set(oldest->error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    return 0;
}

static int peek(void *user, size_t camera, bool is_protected, struct retention_segment *segment)
{
    struct oldest *oldest = user;
    struct batch *batch = &oldest->batches[2 * camera + is_protected];
    if (!batch->rows) {
        batch->rows = calloc(MOST_ROWS, sizeof(*batch->rows));
        batch->after_us = INT64_MIN;
        if (!batch->rows)
            return error_set(oldest->error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    }
    for (;;) {
        if (batch->next < batch->count) {
            *segment = batch->rows[batch->next];
            if (!is_skipped(oldest, segment->path))
                return 1;
            batch->next++;
        } else if (batch->is_last) {
            return 0;
        } else {
            int err = load(oldest, batch, camera, is_protected);
            if (err < 0)
                return err;
        }
    }
}

static void take(void *user, size_t camera, bool is_protected)
{
    struct oldest *oldest = user;
    oldest->batches[2 * camera + is_protected].next++;
}

int oldest_begin(struct oldest *oldest, const char *const *names, size_t count,
                 struct retention_supply *supply, struct rtsprec_error *error)
{
    forget_batches(oldest);
    oldest->names = names;
    oldest->count = count;
    oldest->error = error;
    oldest->batches = calloc(2 * count + 1, sizeof(*oldest->batches));
    *supply = (struct retention_supply){oldest, peek, take};
    return oldest->batches ? 0 : error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
}
