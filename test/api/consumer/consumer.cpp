// The same as consumer.c, in C++.
#include <iostream>
#include <memory>
#include <string>

#include <rtsprec/rtsprec.h>

namespace
{
struct destroy {
    void operator()(rtsprec_recorder *recorder) const
    {
        rtsprec_recorder_destroy(&recorder);
    }
};
} // namespace

int main(int argc, char **argv)
{
    if (argc != 2 || std::string(argv[1]) != rtsprec_version())
        return 1;

    rtsprec_error error = {};
    rtsprec_recorder *created = nullptr;
    if (rtsprec_recorder_create(&created, nullptr, &error) < 0) {
        std::cerr << error.text << '\n';
        return 1;
    }
    std::unique_ptr<rtsprec_recorder, destroy> recorder(created);

    rtsprec_camera_options options = {};
    rtsprec_camera_options_init(&options);
    options.name = "door";
    options.url = "rtsp://127.0.0.1/stream";
    options.output_directory = "recordings";
    rtsprec_camera *camera = nullptr;
    if (rtsprec_camera_create(&camera, recorder.get(), &options, &error) < 0) {
        std::cerr << error.text << '\n';
        return 1;
    }
    std::cout << rtsprec_version() << ": " << rtsprec_camera_name(camera) << '\n';
    return 0;
}
