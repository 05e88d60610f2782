/* Whatever is in the file: a repair ends, and one that succeeds leaves nothing for a second. */
#include "fuzz.h"

#include <stdbool.h>

#include "segment/mkv_repair.h"

/* Zeros at the end are never video, so a frame that is cut right behind its own is refused. */
static bool ends_with_zero(int fd)
{
    uint8_t last = 0;
    off_t size = lseek(fd, 0, SEEK_END);
    FUZZ_REQUIRE(size > 0 && pread(fd, &last, 1, size - 1) == 1);
    return last == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = fuzz_file(data, size);
    struct rtsprec_error error;
    struct mkv_repaired repaired, again;
    int err = mkv_repair(fd, NULL, &repaired, &error);
    if (err == 0) {
        FUZZ_REQUIRE(repaired.frames > 0);
        FUZZ_REQUIRE(repaired.lost_bytes >= 0 && repaired.lost_bytes <= (int64_t)size);
        if (ends_with_zero(fd))
            return 0;
        FUZZ_REQUIRE(mkv_repair(fd, NULL, &again, &error) == 0);
        FUZZ_REQUIRE(again.frames == repaired.frames && again.lost_bytes == 0);
    } else {
        FUZZ_REQUIRE(err == RTSPREC_ERROR_UNSUPPORTED);
    }
    return 0;
}
