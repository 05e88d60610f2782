#include "served_log.h"

#include <inttypes.h>

#include "clock.h"

void served_log_write(FILE *log, const struct served_unit *unit)
{
    if (log == NULL)
        return;
    fprintf(log, "%" PRId64 "\t%s\t%s\t%c\t%" PRId64 "\t%d\t%d\t%d\t%" PRId64 "\t%016" PRIx64 "\n",
            clock_unix_us(), unit->path, unit->session, unit->track, unit->number, unit->clip_index,
            unit->key, unit->bytes, unit->pts_us, unit->hash);
}
