/* Whatever is in the file: what it says of itself is read to an end, and is sane. */
#include "fuzz.h"

#include <string.h>

#include "segment/info.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = fuzz_file(data, size);
    struct segment_info info;
    FUZZ_REQUIRE(segment_info_read(&info, fd, (int64_t)size) == 0);
    FUZZ_REQUIRE(info.duration_us >= 0 && info.frames >= 0);
    FUZZ_REQUIRE(info.width >= 0 && info.width < 65536 && info.height >= 0 && info.height < 65536);
    FUZZ_REQUIRE(memchr(info.codec, '\0', sizeof(info.codec)) != NULL);
    /* A file that is shorter than it was when its size was asked for. */
    FUZZ_REQUIRE(segment_info_read(&info, fd, (int64_t)size + 5000) == 0);
    return 0;
}
