/*
 * The keeper of an archive: its thread keeps the catalog, the ledger and the limits of what a
 * recorder's cameras write there. Cameras leave notes and go on: nothing of SQLite, of a directory
 * that is read or of a file that is deleted is on their way. What cannot be written, on a disk that
 * is full or gone, waits in memory.
 *
 * Thread-safety: any thread. The keeper takes no lock of its callers.
 */
#ifndef KEEPER_KEEPER_H
#define KEEPER_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include <rtsprec/archive.h>

#include "archive/root.h"
#include "base/dispatcher.h"
#include "camera/condition.h"

struct keeper;
struct keeper_camera;
struct rtsprec_archive_limits;
struct turns;

/*
 * Begins a session of the archive. The root, the dispatcher and the turns, which all keepers of a
 * recorder have in common, stay the caller's and must outlive keeper_stop().
 *
 * Returns 0, RTSPREC_ERROR_NO_MEMORY or RTSPREC_ERROR_SYSTEM.
 */
int keeper_create(struct keeper **out, struct archive_root *root, const char *directory,
                  struct dispatcher *dispatcher, struct turns *turns, struct rtsprec_error *error);

/* Writes what is left, ends the session in good order and the thread; what is told after that is
 * ignored. */
void keeper_stop(struct keeper *keeper);

/* Stops it; every camera must have been removed. Sets *keeper to NULL; NULL is ignored. */
void keeper_destroy(struct keeper **keeper);

/*
 * From now on the archive is kept within these limits, which are copied; NULL: no limits.
 *
 * Returns 0, RTSPREC_ERROR_INVALID or RTSPREC_ERROR_NO_MEMORY.
 */
int keeper_set_limits(struct keeper *keeper, const struct rtsprec_archive_limits *limits,
                      struct rtsprec_error *error);

/* A camera that records to the archive; directory: as it names it. */
int keeper_add_camera(struct keeper_camera **out, struct keeper *keeper, const char *name,
                      const char *directory, struct rtsprec_error *error);
void keeper_remove_camera(struct keeper_camera **camera);

/* --- what cameras tell; none of it waits --- */

void keeper_tell_conditions(struct keeper_camera *camera, const struct condition_change *changes,
                            int count);

/* Frames of [start_us, end_us) were dropped on their way to the disk, because. */
void keeper_tell_hole(struct keeper_camera *camera, enum rtsprec_coverage_reason reason,
                      int64_t start_us, int64_t end_us);

/* A segment got its final name, this path, when it ended, or (RTSPREC_SEGMENT_UNKNOWN) by a repair
 * of what a crash had left open. */
void keeper_tell_segment(struct keeper_camera *camera, const char *path,
                         enum rtsprec_segment_reason ended);

/* So many bytes were written to an open file; so many of a file that is not open any more. */
void keeper_count_written(struct keeper_camera *camera, int64_t bytes);
void keeper_count_closed(struct keeper_camera *camera, int64_t bytes);

/*
 * To be called before a segment begins: when space is short, wakes the thread and waits for it to
 * make room, a second at most.
 */
void keeper_make_room(struct keeper_camera *camera);

#endif
