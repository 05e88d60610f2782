/*
 * Why a camera is recorded or not at a moment: what its reader and its writer tell, as conditions
 * of the ledger. Pure. The writer tells in the time of frames that waited in the queue, so that a
 * change can lie before one that the reader has told already. In the ledger a condition takes the
 * place of all later ones: these are told again then.
 */
#ifndef CAMERA_CONDITION_H
#define CAMERA_CONDITION_H

#include <stdbool.h>
#include <stdint.h>

#include <rtsprec/archive.h>

/* More than can change while frames wait in a queue; of a longer past nothing is told again. */
#define CONDITION_MAX_CHANGES 16

/* From since_us on (UTC) time is recorded, or missing because of reason. */
struct condition_change {
    enum rtsprec_coverage_reason reason;
    int64_t since_us;
};

struct condition {
    bool is_unwanted; /* the program wants nothing recorded */
    int64_t unwanted_since_us;
    enum rtsprec_coverage_reason absence; /* why there is no video; 0: nothing is known yet */

    struct condition_change changes[CONDITION_MAX_CHANGES]; /* the latest ones, by time */
    int count;
};

/* What an error of an attempt or a run means; is_connected: the camera had answered all that was
 * asked. */
enum rtsprec_coverage_reason condition_of_camera_error(int code, bool is_connected);

/* What it means that a file cannot be opened or written. */
enum rtsprec_coverage_reason condition_of_storage_error(int code);

/*
 * Each of the following returns the changes that are to be told, in their order, and how many in
 * *count; they are valid until the next call. now_us is the time of the clock: what lies behind it
 * was told before the clock was set back.
 */

/* Recording is wanted by the program from from_us on, or not: outside of its schedule it is not. */
const struct condition_change *condition_want(struct condition *condition, bool is_wanted,
                                              int64_t from_us, int64_t now_us, int *count);

/* It tries to get video; the reason of an earlier failure stays until there is some. */
const struct condition_change *condition_connecting(struct condition *condition, int64_t now_us,
                                                    int *count);

/* There is no video, because. */
const struct condition_change *condition_absent(struct condition *condition,
                                                enum rtsprec_coverage_reason reason, int64_t now_us,
                                                int *count);

/* Video arrives; whether it is recorded is the writer's to tell. */
void condition_arriving(struct condition *condition);

/* A file begins with the frame of this time. */
const struct condition_change *condition_recorded(struct condition *condition, int64_t start_us,
                                                  int64_t now_us, int *count);

/* Video of from_us on is in no file, because. */
const struct condition_change *condition_lost(struct condition *condition,
                                              enum rtsprec_coverage_reason reason, int64_t from_us,
                                              int64_t now_us, int *count);

#endif
