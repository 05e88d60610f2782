/* Whatever is in the file: a repair ends, and one that succeeds leaves nothing for a second. */
#include "fuzz.h"

#include "segment/mkv_repair.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = fuzz_file(data, size);
    struct rtsprec_error error;
    struct mkv_repaired repaired, again;
    int err = mkv_repair(fd, &repaired, &error);
    if (err == 0) {
        FUZZ_REQUIRE(repaired.frames > 0);
        FUZZ_REQUIRE(repaired.lost_bytes >= 0 && repaired.lost_bytes <= (int64_t)size);
        FUZZ_REQUIRE(mkv_repair(fd, &again, &error) == 0);
        FUZZ_REQUIRE(again.frames == repaired.frames && again.lost_bytes == 0);
    } else {
        FUZZ_REQUIRE(err == RTSPREC_ERROR_UNSUPPORTED);
    }
    return 0;
}
