/*
 * gstcam: a clip as an RTSP camera that gst-rtsp-server plays: a dialogue and packets that are not
 * ours. Every client gets the clip from its beginning, in real time, round and round.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glib-unix.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <gst/rtsp-server/rtsp-server.h>
#include <libavutil/log.h>

#include "av_compat.h"
#include "clip.h"

enum { EXIT_USAGE = 64 };

static const char usage[] = "usage: gstcam --port N --clip FILE [--path /cam]"
                            " [--user U --password P]\n";

/* Where one client is in one track. */
struct position {
    const struct clip *clip;
    const struct clip_track *track;
    int index;
    int64_t round_us;
};

struct arguments {
    const char *port, *clip, *path, *user, *password;
    int is_help;
};

/* ---- Media ---- */

/* How GStreamer calls what an appsrc gives, and the elements that make RTP of it. */
static int describe_video(const AVCodecParameters *par, const char **caps, const char **elements)
{
    switch (par->codec_id) {
    case AV_CODEC_ID_H264:
        *caps = "video/x-h264,stream-format=byte-stream,alignment=au";
        *elements = "h264parse ! rtph264pay config-interval=-1 pt=96";
        return 0;
    case AV_CODEC_ID_HEVC:
        *caps = "video/x-h265,stream-format=byte-stream,alignment=au";
        *elements = "h265parse ! rtph265pay config-interval=-1 pt=96";
        return 0;
    default:
        return -1;
    }
}

static int describe_audio(const AVCodecParameters *par, const char **caps, const char **elements)
{
    switch (par->codec_id) {
    case AV_CODEC_ID_AAC:
        *caps = "audio/mpeg,mpegversion=4,stream-format=raw";
        *elements = "aacparse ! rtpmp4gpay pt=97";
        return 0;
    case AV_CODEC_ID_PCM_ALAW:
        *caps = "audio/x-alaw";
        *elements = "rtppcmapay pt=8";
        return 0;
    case AV_CODEC_ID_PCM_MULAW:
        *caps = "audio/x-mulaw";
        *elements = "rtppcmupay pt=0";
        return 0;
    default:
        return -1;
    }
}

static int describe(const struct clip_track *track, const char **caps, const char **elements)
{
    if (track->count == 0)
        return -1;
    return track->kind == 'v' ? describe_video(track->par, caps, elements)
                              : describe_audio(track->par, caps, elements);
}

/* The pipeline in gst-launch's words; to be freed with g_free(). */
static char *pipeline_of(const struct clip *clip)
{
    GString *text = g_string_new("(");
    int medium = 0;

    for (int i = 0; i < CLIP_TRACKS; i++) {
        const char *caps, *elements;
        if (describe(&clip->tracks[i], &caps, &elements) == 0)
            g_string_append_printf(text, " appsrc name=track%d ! %s name=pay%d", i, elements,
                                   medium++);
    }
    g_string_append(text, " )");
    return g_string_free(text, FALSE);
}

static GstCaps *caps_of(const struct clip_track *track, const char *text)
{
    const AVCodecParameters *par = track->par;
    GstCaps *caps = gst_caps_from_string(text);

    if (track->kind == 'a')
        gst_caps_set_simple(caps, "rate", G_TYPE_INT, par->sample_rate, "channels", G_TYPE_INT,
                            codec_channels(par), NULL);
    if (par->codec_id == AV_CODEC_ID_AAC) {
        GstBuffer *config = gst_buffer_new_memdup(par->extradata, (gsize)par->extradata_size);
        gst_caps_set_simple(caps, "codec_data", GST_TYPE_BUFFER, config, NULL);
        gst_buffer_unref(config);
    }
    return caps;
}

static void feed(GstAppSrc *source, guint wanted, gpointer user)
{
    struct position *position = user;
    const struct clip_unit *unit = &position->track->units[position->index];
    GstBuffer *buffer = gst_buffer_new_memdup(unit->data, (gsize)unit->size);

    (void)wanted;
    GST_BUFFER_PTS(buffer) = (GstClockTime)(position->round_us + unit->pts_us) * GST_USECOND;
    GST_BUFFER_DURATION(buffer) = (GstClockTime)position->track->frame_us * GST_USECOND;
    if (++position->index == position->track->count) {
        position->index = 0;
        position->round_us += position->clip->duration_us;
    }
    gst_app_src_push_buffer(source, buffer);
}

/* A client has come: its appsrcs begin with the clip's first units. */
static void configure_media(GstRTSPMediaFactory *factory, GstRTSPMedia *media, gpointer user)
{
    const struct clip *clip = user;
    GstElement *pipeline = gst_rtsp_media_get_element(media);

    (void)factory;
    for (int i = 0; i < CLIP_TRACKS; i++) {
        GstAppSrcCallbacks callbacks = {.need_data = feed};
        const char *text, *elements;
        struct position *position;
        GstElement *source;
        GstCaps *caps;
        char name[16];

        if (describe(&clip->tracks[i], &text, &elements) < 0)
            continue;
        snprintf(name, sizeof(name), "track%d", i);
        source = gst_bin_get_by_name_recurse_up(GST_BIN(pipeline), name);
        caps = caps_of(&clip->tracks[i], text);
        position = g_new0(struct position, 1);
        position->clip = clip;
        position->track = &clip->tracks[i];
        g_object_set(source, "format", GST_FORMAT_TIME, "caps", caps, NULL);
        gst_app_src_set_callbacks(GST_APP_SRC(source), &callbacks, position, g_free);
        gst_caps_unref(caps);
        gst_object_unref(source);
    }
    gst_object_unref(pipeline);
}

/* ---- Server ---- */

static void require_login(GstRTSPServer *server, GstRTSPMediaFactory *factory, const char *user,
                          const char *password)
{
    GstRTSPAuth *auth = gst_rtsp_auth_new();
    GstRTSPToken *token =
        gst_rtsp_token_new(GST_RTSP_TOKEN_MEDIA_FACTORY_ROLE, G_TYPE_STRING, "viewer", NULL);

    gst_rtsp_auth_set_supported_methods(auth, GST_RTSP_AUTH_DIGEST);
    gst_rtsp_auth_add_digest(auth, user, password, token);
    gst_rtsp_token_unref(token);
    gst_rtsp_server_set_auth(server, auth);
    g_object_unref(auth);
    gst_rtsp_media_factory_add_role(factory, "viewer", GST_RTSP_PERM_MEDIA_FACTORY_ACCESS,
                                    G_TYPE_BOOLEAN, TRUE, GST_RTSP_PERM_MEDIA_FACTORY_CONSTRUCT,
                                    G_TYPE_BOOLEAN, TRUE, NULL);
}

static gboolean quit(gpointer user)
{
    g_main_loop_quit(user);
    return G_SOURCE_CONTINUE;
}

static int serve(const struct arguments *arguments, struct clip *clip)
{
    GMainLoop *loop = g_main_loop_new(NULL, FALSE);
    GstRTSPServer *server = gst_rtsp_server_new();
    GstRTSPMountPoints *mounts = gst_rtsp_server_get_mount_points(server);
    GstRTSPMediaFactory *factory = gst_rtsp_media_factory_new();
    char *pipeline = pipeline_of(clip);
    int status = EXIT_FAILURE;

    gst_rtsp_server_set_address(server, "127.0.0.1");
    gst_rtsp_server_set_service(server, arguments->port);
    gst_rtsp_media_factory_set_launch(factory, pipeline);
    g_signal_connect(factory, "media-configure", G_CALLBACK(configure_media), clip);
    if (arguments->user != NULL)
        require_login(server, factory, arguments->user, arguments->password);
    gst_rtsp_mount_points_add_factory(mounts, arguments->path, factory);
    g_unix_signal_add(SIGTERM, quit, loop);
    g_unix_signal_add(SIGINT, quit, loop);

    if (gst_rtsp_server_attach(server, NULL) != 0) {
        printf("gstcam: listening on 127.0.0.1:%d\n", gst_rtsp_server_get_bound_port(server));
        fflush(stdout);
        g_main_loop_run(loop);
        status = EXIT_SUCCESS;
    } else {
        fprintf(stderr, "gstcam: cannot listen on 127.0.0.1:%s\n", arguments->port);
    }
    g_free(pipeline);
    g_object_unref(mounts);
    g_object_unref(server);
    g_main_loop_unref(loop);
    return status;
}

static int parse_arguments(struct arguments *arguments, int argc, char **argv)
{
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},
        {"clip", required_argument, NULL, 'c'},
        {"path", required_argument, NULL, 'd'},
        {"user", required_argument, NULL, 'u'},
        {"password", required_argument, NULL, 'w'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'p':
            arguments->port = optarg;
            break;
        case 'c':
            arguments->clip = optarg;
            break;
        case 'd':
            arguments->path = optarg;
            break;
        case 'u':
            arguments->user = optarg;
            break;
        case 'w':
            arguments->password = optarg;
            break;
        case 'h':
            arguments->is_help = 1;
            return 0;
        default:
            return -1;
        }
    }
    return optind == argc && arguments->port != NULL && arguments->clip != NULL &&
                   (arguments->user != NULL) == (arguments->password != NULL)
               ? 0
               : -1;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.path = "/cam"};
    struct clip *clip = NULL;
    const char *caps, *elements;
    int status = EXIT_FAILURE;

    if (parse_arguments(&arguments, argc, argv) < 0) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    if (arguments.is_help) {
        fputs(usage, stdout);
        return EXIT_SUCCESS;
    }
    av_log_set_level(AV_LOG_ERROR);
    gst_init(NULL, NULL);
    if (clip_load(&clip, "clip", arguments.clip) < 0)
        return EXIT_FAILURE;
    if (describe(&clip->tracks[CLIP_VIDEO], &caps, &elements) < 0)
        fprintf(stderr, "gstcam: %s: expected H.264 or H.265 video\n", arguments.clip);
    else
        status = serve(&arguments, clip);
    clip_free(&clip);
    gst_deinit();
    return status;
}
