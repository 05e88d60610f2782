/* Creates a recorder with a camera, starts nothing; the argument is the version expected. */
#include <stdio.h>
#include <string.h>

#include <rtsprec/rtsprec.h>

int main(int argc, char **argv)
{
    struct rtsprec_recorder *recorder = NULL;
    struct rtsprec_camera *camera = NULL;
    struct rtsprec_camera_options options;
    struct rtsprec_error error = {0};

    if (argc != 2 || strcmp(argv[1], rtsprec_version()) != 0)
        return 1;

    rtsprec_camera_options_init(&options);
    options.name = "door";
    options.url = "rtsp://127.0.0.1/stream";
    options.output_directory = "recordings";
    if (rtsprec_recorder_create(&recorder, NULL, &error) == 0)
        rtsprec_camera_create(&camera, recorder, &options, &error);
    printf("%s, %s: %s\n", rtsprec_version(), rtsprec_version_of_ffmpeg(),
           error.code ? error.text : rtsprec_camera_name(camera));
    rtsprec_recorder_destroy(&recorder);
    return error.code ? 1 : 0;
}
