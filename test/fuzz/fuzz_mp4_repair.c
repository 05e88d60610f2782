/* Whatever is in the file: a repair ends, and one that succeeds leaves a file that needs none. */
#include "fuzz.h"

#include "segment/mp4_seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = fuzz_file(data, size);
    struct rtsprec_error error;
    struct mp4_repaired repaired, again;
    int err = mp4_repair(fd, NULL, &repaired, &error);
    if (err == 0) {
        FUZZ_REQUIRE(repaired.was_sealed || repaired.frames > 0);
        FUZZ_REQUIRE(repaired.lost_bytes <= size);
        FUZZ_REQUIRE(mp4_repair(fd, NULL, &again, &error) == 0);
        FUZZ_REQUIRE(again.was_sealed);
    } else {
        FUZZ_REQUIRE(err == RTSPREC_ERROR_UNSUPPORTED);
    }
    return 0;
}
