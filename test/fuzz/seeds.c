/* Writes a seed: the file as a crash leaves it, or as it is closed. */
#include "recording.h"

int main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "usage: %s CLIP mp4|mkv MILLISECONDS open|closed FILE\n", argv[0]);
        return 64;
    }
    struct recording_options options = {
        .clip = argv[1],
        .container = !strcmp(argv[2], "mkv") ? RTSPREC_CONTAINER_MKV : RTSPREC_CONTAINER_MP4,
        .duration_us = atoi(argv[3]) * INT64_C(1000),
        .fragment_us = 200000,
    };
    struct recording recording;
    recording_make(&recording, &options);
    const struct image *image = !strcmp(argv[4], "open") ? &recording.open : &recording.closed;
    FILE *file = fopen(argv[5], "w");
    bool is_written = file && fwrite(image->data, 1, image->size, file) == image->size;
    if (file && fclose(file) != 0)
        is_written = false;
    recording_uninit(&recording);
    return is_written ? 0 : 1;
}
