#include "outbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct outbox_mark {
    uint64_t position;
    struct served_unit unit;
};

void outbox_uninit(struct outbox *outbox)
{
    free(outbox->data);
    free(outbox->marks);
    *outbox = (struct outbox){0};
}

/*
 * Makes room for `extra` more elements behind *end: moves the used part to the front, and doubles
 * the array when that is not enough.
 */
static int make_room(void **array, size_t element, size_t *begin, size_t *end, size_t *capacity,
                     size_t extra)
{
    size_t used = *end - *begin, wanted = *capacity > 0 ? *capacity : 64;

    if (*end + extra <= *capacity)
        return 0;
    while (wanted < 2 * used + extra)
        wanted *= 2;
    if (wanted > *capacity) {
        void *grown = realloc(*array, wanted * element);
        if (grown == NULL)
            return -1;
        *array = grown;
        *capacity = wanted;
    }
    memmove(*array, (char *)*array + *begin * element, used * element);
    *begin = 0;
    *end = used;
    return 0;
}

int outbox_append(struct outbox *outbox, const void *data, size_t size)
{
    void *array = outbox->data;
    int err = make_room(&array, 1, &outbox->begin, &outbox->end, &outbox->capacity, size);

    outbox->data = array;
    if (err < 0 || size == 0)
        return err;
    memcpy(outbox->data + outbox->end, data, size);
    outbox->end += size;
    outbox->appended += size;
    return 0;
}

int outbox_mark(struct outbox *outbox, const struct served_unit *unit)
{
    void *array = outbox->marks;
    int err = make_room(&array, sizeof(*outbox->marks), &outbox->marks_begin, &outbox->marks_end,
                        &outbox->marks_capacity, 1);

    outbox->marks = array;
    if (err < 0)
        return err;
    outbox->marks[outbox->marks_end].position = outbox->appended;
    outbox->marks[outbox->marks_end].unit = *unit;
    outbox->marks_end++;
    return 0;
}

static void log_taken(struct outbox *outbox, FILE *log)
{
    while (outbox->marks_begin < outbox->marks_end &&
           outbox->marks[outbox->marks_begin].position <= outbox->taken)
        served_log_write(log, &outbox->marks[outbox->marks_begin++].unit);
}

int outbox_flush(struct outbox *outbox, struct connection *connection, size_t limit, FILE *log,
                 size_t *sent_bytes)
{
    int err = 0;

    *sent_bytes = 0;
    while (outbox->begin < outbox->end && *sent_bytes < limit) {
        size_t size = outbox_size(outbox);
        if (size > limit - *sent_bytes)
            size = limit - *sent_bytes;
        ssize_t sent = connection_send(connection, outbox->data + outbox->begin, size);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0) {
            err = errno == EAGAIN || errno == EWOULDBLOCK ? 1 : -1;
            break;
        }
        outbox->begin += (size_t)sent;
        outbox->taken += (uint64_t)sent;
        *sent_bytes += (size_t)sent;
    }
    log_taken(outbox, log);
    return err;
}
