/*
 * When an archive's limits are looked after: at least every minute, and sooner where what may still
 * be written does not last so long. Pure.
 */
#ifndef KEEPER_ROOM_H
#define KEEPER_ROOM_H

#include <stdbool.h>
#include <stdint.h>

#define ROOM_LONGEST_PAUSE_US INT64_C(60000000)

/* Time until the next pass when room_bytes may still be written (INT64_MAX: no limit), of which
 * half is left for what is not foreseen; is_in_vain: a pass has just found nothing more to delete.
 */
int64_t room_pause_us(int64_t room_bytes, int64_t bytes_per_second, bool is_in_vain);

/* Whether what will be written until the next pass no longer fits. */
bool room_is_short(int64_t room_bytes, int64_t bytes_per_second, int64_t until_pass_us);

/* What is written at this rate in so much time. */
int64_t room_needed_bytes(int64_t bytes_per_second, int64_t us);

#endif
