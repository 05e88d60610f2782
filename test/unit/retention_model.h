/* An archive in arrays, for tests of decisions. */
#ifndef RETENTION_MODEL_H
#define RETENTION_MODEL_H

#include "unit.h"

#include "archive/retention.h"

#define MODEL_CAMERAS  8
#define MODEL_SEGMENTS 64 /* of a queue */
#define DAY            (24 * HOUR)

struct model_queue {
    struct retention_segment segments[MODEL_SEGMENTS];
    int count;
    int first; /* the first that was not deleted */
    int next;  /* the first that was not taken in the present decision */
};

struct model {
    struct retention_camera cameras[MODEL_CAMERAS];
    struct model_queue queues[MODEL_CAMERAS][2]; /* by is_protected */
    struct rtsprec_camera_limits camera_limits[MODEL_CAMERAS];
    struct rtsprec_archive_limits limits;
    struct retention_request request;
    char names[MODEL_CAMERAS][8];
    char paths[MODEL_CAMERAS][2][MODEL_SEGMENTS][48];
    int peeks;
};

static inline int model_peek(void *user, size_t camera, bool is_protected,
                             struct retention_segment *segment)
{
    struct model *model = user;
    struct model_queue *queue = &model->queues[camera][is_protected];
    model->peeks++;
    if (queue->next == queue->count)
        return 0;
    *segment = queue->segments[queue->next];
    return 1;
}

static inline void model_take(void *user, size_t camera, bool is_protected)
{
    struct model *model = user;
    model->queues[camera][is_protected].next++;
}

static inline void model_init(struct model *model, size_t cameras)
{
    *model = (struct model){0};
    rtsprec_archive_limits_init(&model->limits);
    for (size_t i = 0; i < cameras; i++) {
        snprintf(model->names[i], sizeof(model->names[i]), "cam%zu", i);
        model->cameras[i].name = model->names[i];
        model->camera_limits[i].camera = model->names[i];
    }
    model->limits.cameras = model->camera_limits;
    model->limits.camera_count = cameras;
    model->request = (struct retention_request){
        .limits = &model->limits,
        .cameras = model->cameras,
        .camera_count = cameras,
        .free_bytes = INT64_MAX,
        .supply = {model, model_peek, model_take},
    };
}

/* Behind those it has. */
static inline void model_add(struct model *model, size_t camera, bool is_protected,
                             int64_t start_us, int64_t end_us, int64_t bytes)
{
    struct model_queue *queue = &model->queues[camera][is_protected];
    assert_true(queue->count < MODEL_SEGMENTS);
    char *path = model->paths[camera][is_protected][queue->count];
    snprintf(path, sizeof(model->paths[0][0][0]), "cam%zu/%d/%d", camera, is_protected,
             queue->count);
    queue->segments[queue->count++] = (struct retention_segment){path, start_us, end_us, bytes};
    model->cameras[camera].bytes += bytes;
}

/* What a decision deleted, in order. */
struct model_list {
    struct retention_deletion deletions[MODEL_CAMERAS * 2 * MODEL_SEGMENTS];
    int count;
    int most; /* the decision is ended then; 0: never */
};

static inline bool model_note(void *user, const struct retention_deletion *deletion)
{
    struct model_list *list = user;
    if (list->most > 0 && list->count == list->most)
        return false;
    assert_true((size_t)list->count < LENGTH(list->deletions));
    list->deletions[list->count++] = *deletion;
    return true;
}

static inline struct retention_result model_decide(struct model *model, struct model_list *list)
{
    struct retention_result result;
    model->peeks = list->count = 0;
    for (size_t i = 0; i < model->request.camera_count; i++) {
        for (int j = 0; j < 2; j++)
            model->queues[i][j].next = model->queues[i][j].first;
    }
    assert_int_equal(retention_decide(&model->request, model_note, list, &result), 0);
    assert_int_equal(result.deletions, list->count);
    return result;
}

static inline int64_t model_blocks(const struct model *model, int64_t bytes)
{
    int64_t block = model->request.block_bytes;
    return block > 1 ? (bytes + block - 1) / block * block : bytes;
}

static inline struct model_queue *model_queue_of(struct model *model,
                                                 const struct retention_deletion *deletion)
{
    return &model->queues[deletion->camera][deletion->is_protected];
}

/* Deletes one; it has to be the oldest of its queue. */
static inline void model_delete(struct model *model, const struct retention_deletion *deletion)
{
    struct model_queue *queue = model_queue_of(model, deletion);
    assert_true(queue->first < queue->count);
    assert_string_equal(queue->segments[queue->first].path, deletion->segment.path);
    queue->first++;
    model->cameras[deletion->camera].bytes -= deletion->segment.bytes;
    if (model->request.free_bytes != INT64_MAX)
        model->request.free_bytes += model_blocks(model, deletion->segment.bytes);
}

#endif
