#include "keys.h"

#include <string.h>
#include <strings.h>

#include "heap.h"
#include "values.h"

#define TOP       KEY_LEVEL_TOP
#define GLOBAL    KEY_LEVEL_GLOBAL
#define CAMERA    KEY_LEVEL_CAMERA
#define BOTH      (KEY_LEVEL_GLOBAL | KEY_LEVEL_CAMERA)
#define RECORDING KEY_LEVEL_RECORDING
#define TRANSCODE KEY_LEVEL_TRANSCODE
#define TIMELAPSE KEY_LEVEL_TIMELAPSE

/* Longest key that is worth a guess. */
#define GUESS_MAX 40

static const struct choice codecs[] = {{"hevc", RTSPREC_VIDEO_HEVC},
                                       {"h265", RTSPREC_VIDEO_HEVC},
                                       {"h264", RTSPREC_VIDEO_H264},
                                       {"mpeg4", RTSPREC_VIDEO_MPEG4},
                                       {"av1", RTSPREC_VIDEO_AV1},
                                       {"copy", RTSPREC_VIDEO_COPY},
                                       {NULL, 0}};
static const struct choice transcodes[] = {{"auto", RTSPREC_TRANSCODE_AUTO},
                                           {"always", RTSPREC_TRANSCODE_ALWAYS},
                                           {"never", RTSPREC_TRANSCODE_NEVER},
                                           {NULL, 0}};
static const struct choice overloads[] = {{"dropFrames", RTSPREC_OVERLOAD_DROP_FRAMES},
                                          {"copy", RTSPREC_OVERLOAD_COPY},
                                          {"fail", RTSPREC_OVERLOAD_FAIL},
                                          {NULL, 0}};
static const struct choice also_keeps[] = {
    {"none", RTSPREC_ALSO_KEEP_NONE}, {"copy", RTSPREC_ALSO_KEEP_COPY}, {NULL, 0}};
static const struct choice containers[] = {
    {"mp4", RTSPREC_CONTAINER_MP4}, {"mkv", RTSPREC_CONTAINER_MKV}, {NULL, 0}};
static const struct choice transports[] = {{"tcp", RTSPREC_TRANSPORT_TCP},
                                           {"udp", RTSPREC_TRANSPORT_UDP},
                                           {"multicast", RTSPREC_TRANSPORT_MULTICAST},
                                           {"auto", RTSPREC_TRANSPORT_AUTO},
                                           {NULL, 0}};
static const struct choice ingests[] = {
    {"rtsprec", RTSPREC_INGEST_OWN}, {"libavformat", RTSPREC_INGEST_LIBAVFORMAT}, {NULL, 0}};
static const struct choice audios[] = {{"auto", RTSPREC_AUDIO_AUTO},
                                       {"copy", RTSPREC_AUDIO_COPY},
                                       {"aac", RTSPREC_AUDIO_AAC},
                                       {"off", RTSPREC_AUDIO_OFF},
                                       {NULL, 0}};
static const struct choice protected_policies[] = {
    {"never", RTSPREC_PROTECTED_NEVER}, {"last", RTSPREC_PROTECTED_LAST}, {NULL, 0}};
static const struct choice log_levels[] = {{"error", RTSPREC_LOG_ERROR},
                                           {"warning", RTSPREC_LOG_WARNING},
                                           {"info", RTSPREC_LOG_INFO},
                                           {"debug", RTSPREC_LOG_DEBUG},
                                           {NULL, 0}};

/* clang-format off */
#define AT(member) offsetof(struct settings, member)
#define ROW(name, level, read) {name, level, read, 0, 0, 0, NULL}
#define TEXT_ROW(name, level, member) {name, level, value_read_text, AT(member), 0, 0, NULL}
#define RANGE_ROW(name, level, read, member, least, most) \
    {name, level, read, AT(member), least, most, NULL}
#define CHOICE_ROW(name, level, member, choices) \
    {name, level, value_read_choice, AT(member), 0, 0, choices}

const struct key keys[] = {
    ROW("global", TOP, NULL),
    ROW("cameras", TOP, NULL),

    ROW("name", CAMERA, value_read_name),
    ROW("rtspUrl", CAMERA, value_read_url),

    ROW("username", BOTH, value_read_username),
    ROW("password", BOTH, value_read_password),
    ROW("passwordFile", BOTH, value_read_password_file),
    CHOICE_ROW("transport", BOTH, transport, transports),
    CHOICE_ROW("ingest", BOTH, ingest, ingests),
    RANGE_ROW("tlsVerify", BOTH, value_read_boolean, tls_verify, 0, 1),
    ROW("tlsCaFile", BOTH, value_read_ca_file),
    CHOICE_ROW("audio", BOTH, audio, audios),
    RANGE_ROW("openTimeoutSeconds", BOTH, value_read_number, open_timeout_seconds, 0.1, 300),
    RANGE_ROW("readTimeoutSeconds", BOTH, value_read_number, read_timeout_seconds, 0.1, 300),
    RANGE_ROW("frameWidth", BOTH, value_read_whole, frame_width, 16, 16384),
    RANGE_ROW("frameHeight", BOTH, value_read_whole, frame_height, 16, 16384),
    RANGE_ROW("fps", BOTH, value_read_number, fps, 0.1, 240),
    ROW("recording", BOTH, NULL),

    ROW("mode", RECORDING, value_read_mode),
    RANGE_ROW("keepConnected", RECORDING, value_read_boolean, keep_connected, 0, 1),
    CHOICE_ROW("videoCodec", RECORDING, video_codec, codecs),
    RANGE_ROW("videoBitrateKbps", RECORDING, value_read_whole, video_bitrate_kbps, 1, 1000000),
    ROW("transcode", RECORDING, NULL),
    RANGE_ROW("timelapse", RECORDING, value_read_switch, timelapse, 0, 1),
    ROW("videoOutPath", RECORDING, value_read_output_directory),
    CHOICE_ROW("videoFileExtension", RECORDING, container, containers),
    RANGE_ROW("fileIntervalSeconds", RECORDING, value_read_whole, segment_seconds, 1, 86400),
    RANGE_ROW("fragmentMs", RECORDING, value_read_whole, fragment_ms, 100, 10000),
    RANGE_ROW("syncMs", RECORDING, value_read_whole, sync_ms, -1, 3600000),
    RANGE_ROW("limitOccupiedSpace", RECORDING, value_read_boolean, limit_occupied_space, 0, 1),
    RANGE_ROW("maxOccupiedSpaceGB", RECORDING, value_read_number, max_occupied_gb, 0, 1e9),
    RANGE_ROW("keepFreeDiskSpaceGB", RECORDING, value_read_number, keep_free_gb, 0, 1e9),
    RANGE_ROW("maxAgeDays", RECORDING, value_read_number, max_age_days, 0, 36500),
    RANGE_ROW("minAgeDays", RECORDING, value_read_number, min_age_days, 0, 36500),

    CHOICE_ROW("when", TRANSCODE, transcode, transcodes),
    TEXT_ROW("encoder", TRANSCODE, encoder),
    TEXT_ROW("device", TRANSCODE, encoder_device),
    TEXT_ROW("preset", TRANSCODE, encoder_preset),
    RANGE_ROW("threads", TRANSCODE, value_read_whole, encoder_threads, 1, 64),
    CHOICE_ROW("onOverload", TRANSCODE, on_overload, overloads),
    CHOICE_ROW("alsoKeep", TRANSCODE, also_keep, also_keeps),
    ROW("alsoKeepPath", TRANSCODE, value_read_also_keep_directory),

    RANGE_ROW("everySeconds", TIMELAPSE, value_read_whole, timelapse_seconds, 1, 86400),
    RANGE_ROW("fps", TIMELAPSE, value_read_whole, timelapse_fps, 1, 60),
    RANGE_ROW("keepDays", TIMELAPSE, value_read_number, timelapse_keep_days, 0, 36500),

    RANGE_ROW("maxConcurrentTranscodes", GLOBAL, value_read_whole, max_transcodes, 1, 1000),
    TEXT_ROW("logFile", GLOBAL, log_file),
    CHOICE_ROW("logLevel", GLOBAL, log_level, log_levels),
    CHOICE_ROW("protectedPolicy", GLOBAL, protected_policy, protected_policies),
    ROW("timeZone", GLOBAL, value_read_time_zone),

    {NULL, 0, NULL, 0, 0, 0, NULL},
};
/* clang-format on */

static size_t least_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Levenshtein's distance without regard to case; both at most GUESS_MAX bytes. */
static size_t distance(const char *a, const char *b)
{
    size_t row[GUESS_MAX + 1], length = strlen(b);

    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= length; j++) {
            size_t above = row[j];
            size_t change = strncasecmp(&a[i - 1], &b[j - 1], 1) != 0;

            row[j] = least_of(diagonal + change, least_of(above, row[j - 1]) + 1);
            diagonal = above;
        }
    }
    return row[length];
}

/* The key of that level that was probably meant; NULL: none is near. */
static const char *nearest(const char *name, enum key_level level)
{
    size_t best = strlen(name) / 3 + 1;
    const char *found = NULL;

    if (strlen(name) > GUESS_MAX)
        return NULL;
    for (const struct key *key = keys; key->name != NULL; key++) {
        size_t d;

        if ((key->levels & level) == 0)
            continue;
        d = distance(name, key->name);
        if (d < best || (d == best && found == NULL)) {
            best = d;
            found = key->name;
        }
    }
    return found;
}

static const struct key *find(const char *name, unsigned levels)
{
    for (const struct key *key = keys; key->name != NULL; key++) {
        if ((key->levels & levels) != 0 && strcmp(key->name, name) == 0)
            return key;
    }
    return NULL;
}

static const char *levels_name(unsigned levels)
{
    switch (levels) {
    case KEY_LEVEL_TOP:
        return "at the top level";
    case KEY_LEVEL_GLOBAL:
        return "in \"global\"";
    case KEY_LEVEL_CAMERA:
        return "in a camera";
    case KEY_LEVEL_RECORDING:
        return "in \"recording\"";
    case KEY_LEVEL_TRANSCODE:
        return "in \"transcode\"";
    case KEY_LEVEL_TIMELAPSE:
        return "in \"timelapse\"";
    default:
        return "in \"global\" or in a camera";
    }
}

static void report_unknown(struct reader *reader, const struct node *member, enum key_level level)
{
    const struct key *elsewhere = find(member->key, ~0U);
    const char *near = nearest(member->key, level);
    struct place place = place_of_key(member);
    struct buffer list = {0};

    if (elsewhere != NULL) {
        diagnostics_error(reader->diagnostics, place,
                          "the key does not belong here, expected it %s",
                          levels_name(elsewhere->levels));
        return;
    }
    if (near != NULL) {
        diagnostics_error(reader->diagnostics, place,
                          "unknown key, expected a known one (did you mean \"%s\"?)", near);
        return;
    }
    for (const struct key *key = keys; key->name != NULL; key++) {
        if ((key->levels & level) == 0)
            continue;
        buffer_append_string(&list, list.size > 0 ? ", " : "");
        buffer_append_string(&list, key->name);
    }
    diagnostics_error(reader->diagnostics, place, "unknown key, expected one of %s", list.text);
    buffer_forget(&list);
}

/* Objects that stand in others, with the level of their keys. */
static const struct {
    const char *name;
    unsigned levels;
    enum key_level inside;
} objects[] = {
    {"recording", BOTH, RECORDING},
    {"transcode", RECORDING, TRANSCODE},
    {"timelapse", RECORDING, TIMELAPSE},
};

void keys_read(struct reader *reader, const struct node *object, enum key_level level,
               struct settings *settings)
{
    for (const struct node *member = object->first; member != NULL; member = member->next) {
        const struct key *key = find(member->key, level);

        if (member->superseded)
            continue;
        if (key == NULL)
            report_unknown(reader, member, level);
        else if (key->read != NULL)
            key->read(reader, key, member, settings);
    }
    for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
        bool is_here = (objects[i].levels & level) != 0;
        const struct node *inside = is_here ? node_find(object, objects[i].name) : NULL;

        if (inside == NULL)
            continue;
        /* What has a reader of its own may be something else, too. */
        if (find(objects[i].name, level)->read != NULL ? inside->kind == NODE_OBJECT
                                                       : value_is(reader, inside, NODE_OBJECT))
            keys_read(reader, inside, objects[i].inside, settings);
    }
}
