#include "archive/retention.h"

#include <stdlib.h>
#include <string.h>

/* The segments of a camera that are protected, or those that are not. */
struct queue {
    struct retention_segment first;
    bool is_loaded; /* first is set, or nothing is left */
    bool is_empty;
    bool is_young; /* first is younger than the minimum; all behind it count as such */
};

struct account {
    struct rtsprec_camera_limits limits;
    int64_t used, lead;
    struct queue queues[2]; /* by is_protected */
};

/* A queue whose first segment may go. */
struct entry {
    size_t camera;
    bool is_protected;
};

struct decision {
    const struct retention_request *request;
    retention_fn *tell;
    void *user;
    struct retention_result *result;
    struct account *accounts;
    int64_t lead;                      /* of all cameras */
    int64_t disk_lead;                 /* with other archives on the disk */
    int64_t used, used_lead, max_used; /* max_used 0: no limit */
    int64_t free, keep_free;           /* keep_free 0: no limit */

    struct entry *heap; /* the one to go first in front */
    size_t count;
};

static int64_t min_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

struct rtsprec_camera_limits retention_limits_of(const struct rtsprec_archive_limits *limits,
                                                 const char *camera)
{
    for (size_t i = 0; i < limits->camera_count; i++) {
        if (!strcmp(limits->cameras[i].camera, camera))
            return limits->cameras[i];
    }
    return (struct rtsprec_camera_limits){
        .camera = camera,
        .max_age_us = limits->max_age_us,
        .min_age_us = limits->min_age_us,
        .is_exempt = limits->is_exempt,
    };
}

/* --- the order --- */

static struct queue *queue_of(const struct decision *decision, struct entry entry)
{
    return &decision->accounts[entry.camera].queues[entry.is_protected];
}

static bool goes_before(const struct decision *decision, struct entry a, struct entry b)
{
    const struct queue *one = queue_of(decision, a), *other = queue_of(decision, b);
    if (a.is_protected != b.is_protected)
        return b.is_protected;
    if (!a.is_protected && one->is_young != other->is_young)
        return other->is_young;
    if (one->first.start_us != other->first.start_us)
        return one->first.start_us < other->first.start_us;
    return strcmp(one->first.path, other->first.path) < 0;
}

static void push(struct decision *decision, struct entry entry)
{
    size_t at = decision->count++;
    while (at > 0 && goes_before(decision, entry, decision->heap[(at - 1) / 2])) {
        decision->heap[at] = decision->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    decision->heap[at] = entry;
}

static struct entry pop(struct decision *decision)
{
    struct entry first = decision->heap[0], last = decision->heap[--decision->count];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < decision->count; at = child) {
        if (child + 1 < decision->count &&
            goes_before(decision, decision->heap[child + 1], decision->heap[child]))
            child++;
        if (!goes_before(decision, decision->heap[child], last))
            break;
        decision->heap[at] = decision->heap[child];
    }
    decision->heap[at] = last;
    return first;
}

/* Returns 0 or a negative code. */
static int load(struct decision *decision, struct entry entry)
{
    const struct retention_request *request = decision->request;
    struct queue *queue = queue_of(decision, entry);
    if (queue->is_loaded)
        return 0;
    int found =
        request->supply.peek(request->supply.user, entry.camera, entry.is_protected, &queue->first);
    if (found < 0)
        return found;
    queue->is_loaded = true;
    queue->is_empty = found == 0;
    int64_t min_age_us = decision->accounts[entry.camera].limits.min_age_us;
    queue->is_young = found && min_age_us > 0 && request->now_us - queue->first.end_us < min_age_us;
    return 0;
}

/* Returns 0, also when nothing is left of it, or a negative code. */
static int push_first(struct decision *decision, size_t camera, bool is_protected)
{
    struct entry entry = {camera, is_protected};
    int err = load(decision, entry);
    if (err == 0 && !queue_of(decision, entry)->is_empty)
        push(decision, entry);
    return err;
}

static int push_camera(struct decision *decision, size_t camera)
{
    int err = push_first(decision, camera, false);
    if (err == 0 && decision->request->limits->protected_policy == RTSPREC_PROTECTED_LAST)
        err = push_first(decision, camera, true);
    return err;
}

/* --- deleting --- */

static int64_t blocks_of(const struct decision *decision, int64_t bytes)
{
    int64_t block = decision->request->block_bytes;
    return block > 1 ? (bytes + block - 1) / block * block : bytes;
}

/* Deletes the first of a queue. */
static void delete_first(struct decision *decision, struct entry entry,
                         enum rtsprec_deletion_reason reason)
{
    struct queue *queue = queue_of(decision, entry);
    struct retention_deletion deletion = {
        .camera = entry.camera,
        .is_protected = entry.is_protected,
        .is_young = queue->is_young,
        .reason = reason,
        .segment = queue->first,
    };
    if (!decision->tell(decision->user, &deletion)) {
        decision->result->is_ended = true;
        return;
    }
    decision->result->deletions++;
    decision->result->bytes += queue->first.bytes;
    decision->accounts[entry.camera].used -= queue->first.bytes;
    decision->used -= queue->first.bytes;
    decision->free += blocks_of(decision, queue->first.bytes);
    queue->is_loaded = false;
    decision->request->supply.take(decision->request->supply.user, entry.camera,
                                   entry.is_protected);
}

/* How much of a lead counts for a limit that allows so much. */
static int64_t lead_within(int64_t lead, int64_t allowed)
{
    return min_of(lead, (allowed > 0 ? allowed : 0) / RETENTION_LEAD_PARTS);
}

static void miss(struct decision *decision, int64_t bytes, enum rtsprec_deletion_reason reason)
{
    if (decision->result->is_ended || bytes <= decision->result->short_bytes)
        return;
    decision->result->short_bytes = bytes;
    decision->result->short_of = reason;
}

/* --- 1. age --- */

static int push_expired(struct decision *decision, size_t camera)
{
    const struct account *account = &decision->accounts[camera];
    const struct queue *queue = &account->queues[false];
    int err = load(decision, (struct entry){camera, false});
    if (err < 0 || queue->is_empty ||
        decision->request->now_us - queue->first.end_us < account->limits.max_age_us)
        return err;
    push(decision, (struct entry){camera, false});
    return 0;
}

static int delete_for_age(struct decision *decision)
{
    int err = 0;
    for (size_t i = 0; err == 0 && i < decision->request->camera_count; i++) {
        if (decision->accounts[i].limits.max_age_us > 0)
            err = push_expired(decision, i);
    }
    while (err == 0 && decision->count > 0 && !decision->result->is_ended) {
        struct entry entry = pop(decision);
        delete_first(decision, entry, RTSPREC_DELETION_AGE);
        if (!decision->result->is_ended)
            err = push_expired(decision, entry.camera);
    }
    decision->count = 0;
    return err;
}

/* --- 2. the space of a camera --- */

/* What is missing until so many leads fit; 0: they do. */
static int64_t missing_to_camera(const struct account *account, int leads)
{
    int64_t missing = account->used + leads * account->lead - account->limits.max_bytes;
    return account->limits.max_bytes > 0 && !account->limits.is_exempt && missing > 0 ? missing : 0;
}

static int delete_for_cameras(struct decision *decision)
{
    size_t cameras = decision->request->camera_count;
    int err = 0;
    for (size_t i = 0; err == 0 && i < cameras; i++) {
        if (missing_to_camera(&decision->accounts[i], 1) > 0)
            err = push_camera(decision, i);
    }
    while (err == 0 && decision->count > 0 && !decision->result->is_ended) {
        struct entry entry = pop(decision);
        if (missing_to_camera(&decision->accounts[entry.camera], 2) == 0)
            continue;
        delete_first(decision, entry, RTSPREC_DELETION_CAMERA_SPACE);
        if (!decision->result->is_ended)
            err = push_first(decision, entry.camera, entry.is_protected);
    }
    decision->count = 0;
    for (size_t i = 0; i < cameras; i++)
        miss(decision, missing_to_camera(&decision->accounts[i], 1), RTSPREC_DELETION_CAMERA_SPACE);
    return err;
}

/* --- 3. the space of all --- */

static int64_t missing_to_archive(const struct decision *decision, int leads)
{
    int64_t missing = decision->used + leads * decision->used_lead - decision->max_used;
    return decision->max_used > 0 && missing > 0 ? missing : 0;
}

static int64_t missing_to_free(const struct decision *decision, int leads)
{
    /* What others have on the disk is not ours to count on. */
    int64_t lead =
        lead_within(decision->disk_lead, decision->used + decision->free - decision->keep_free);
    int64_t missing = decision->keep_free + leads * lead - decision->free;
    return decision->keep_free > 0 && missing > 0 ? missing : 0;
}

static int delete_for_archive(struct decision *decision)
{
    bool for_archive = missing_to_archive(decision, 1) > 0;
    bool for_free = missing_to_free(decision, 1) > 0;
    int err = 0;
    for (size_t i = 0; err == 0 && i < decision->request->camera_count; i++) {
        if ((for_archive || for_free) && !decision->accounts[i].limits.is_exempt)
            err = push_camera(decision, i);
    }
    while (err == 0 && decision->count > 0 && !decision->result->is_ended) {
        enum rtsprec_deletion_reason reason =
            for_archive && missing_to_archive(decision, 2) > 0 ? RTSPREC_DELETION_ARCHIVE_SPACE
            : for_free && missing_to_free(decision, 2) > 0     ? RTSPREC_DELETION_FREE_SPACE
                                                               : RTSPREC_DELETION_NONE;
        if (reason == RTSPREC_DELETION_NONE)
            break;
        struct entry entry = pop(decision);
        delete_first(decision, entry, reason);
        if (!decision->result->is_ended)
            err = push_first(decision, entry.camera, entry.is_protected);
    }
    miss(decision, missing_to_archive(decision, 1), RTSPREC_DELETION_ARCHIVE_SPACE);
    miss(decision, missing_to_free(decision, 1), RTSPREC_DELETION_FREE_SPACE);
    return err;
}

/* --- the decision --- */

static void open_accounts(struct decision *decision)
{
    const struct retention_request *request = decision->request;
    const struct rtsprec_archive_limits *limits = request->limits;
    for (size_t i = 0; i < request->camera_count; i++) {
        const struct retention_camera *camera = &request->cameras[i];
        struct account *account = &decision->accounts[i];
        account->limits = retention_limits_of(limits, camera->name);
        account->used = camera->bytes + camera->open_bytes;
        account->lead = lead_within(camera->lead_bytes, account->limits.max_bytes);
        decision->used += account->used;
        decision->lead += camera->lead_bytes;
    }
    decision->disk_lead = decision->lead + request->others_bytes;
    decision->max_used = limits->max_bytes;
    decision->used_lead = lead_within(decision->lead, limits->max_bytes);
    decision->keep_free = request->free_bytes == INT64_MAX ? 0 : limits->keep_free_bytes;
    if (request->disk_bytes > 0 && decision->keep_free >= request->disk_bytes) {
        decision->keep_free = 0;
        decision->result->is_keep_free_impossible = true;
    }
    decision->free = decision->keep_free > 0 ? request->free_bytes : 0;
}

static void count_room(struct decision *decision)
{
    int64_t room = INT64_MAX;
    if (decision->max_used > 0)
        room = min_of(room, decision->max_used - decision->used);
    if (decision->keep_free > 0)
        room = min_of(room, decision->free - decision->keep_free);
    decision->result->room_bytes = room > 0 ? room : 0;
}

int retention_decide(const struct retention_request *request, retention_fn *tell, void *user,
                     struct retention_result *result)
{
    *result = (struct retention_result){0};
    struct decision decision = {
        .request = request,
        .tell = tell,
        .user = user,
        .result = result,
        .accounts = calloc(request->camera_count + 1, sizeof(struct account)),
        .heap = calloc(2 * request->camera_count + 1, sizeof(struct entry)),
    };
    int err = decision.accounts && decision.heap ? 0 : RTSPREC_ERROR_NO_MEMORY;
    if (err == 0)
        open_accounts(&decision);
    if (err == 0 && !request->is_clock_new)
        err = delete_for_age(&decision);
    if (err == 0 && !result->is_ended)
        err = delete_for_cameras(&decision);
    if (err == 0 && !result->is_ended)
        err = delete_for_archive(&decision);
    if (err == 0)
        count_room(&decision);
    free(decision.accounts);
    free(decision.heap);
    return err;
}
