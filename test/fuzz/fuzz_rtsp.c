/*
 * What an RTSP server sends. The first byte of the input says what the rest is: a connection's
 * bytes, the headers of a 401, a base URL and (in the next line) an SDP, or an fmtp.
 */
#include "fuzz.h"

#include <stdbool.h>
#include <string.h>

#include <libavcodec/defs.h>
#include <libavutil/mem.h>

#include <rtsprec/error.h>

#include "ingest/rtsp_auth.h"
#include "ingest/rtsp_client.h"
#include "ingest/sdp.h"

static bool lies_in(struct text part, struct text whole)
{
    return part.data ? part.data >= whole.data && part.size <= whole.size &&
                           part.data + part.size <= whole.data + whole.size
                     : part.size == 0;
}

/* One line without control characters, or nothing. */
static void require_line(const char *line, size_t size)
{
    size_t length = strnlen(line, size);
    FUZZ_REQUIRE(length < size);
    for (size_t i = 0; i < length; i++)
        FUZZ_REQUIRE((unsigned char)line[i] >= ' ' && line[i] != 0x7f);
}

static void fuzz_auth(const struct rtsp_message *message)
{
    struct rtsp_auth auth = {0}, again = {0};
    int err = rtsp_auth_challenge(&auth, message);
    FUZZ_REQUIRE(err == 0 || err == RTSPREC_ERROR_UNSUPPORTED || err == RTSPREC_ERROR_PROTOCOL);
    FUZZ_REQUIRE((err == 0) == (auth.scheme != RTSP_AUTH_NONE));
    require_line(auth.realm, sizeof(auth.realm));
    require_line(auth.nonce, sizeof(auth.nonce));
    require_line(auth.opaque, sizeof(auth.opaque));
    /* Every character of the three may need an escape. */
    char header[4096];
    FUZZ_REQUIRE(rtsp_auth_header(header, sizeof(header), &auth, "user", "password", "PLAY",
                                  "rtsp://host/path", "0123456789abcdef") == 0);
    size_t length = strlen(header);
    if (err < 0) {
        FUZZ_REQUIRE(length == 0);
        return;
    }
    FUZZ_REQUIRE(length > 2 && !strcmp(header + length - 2, "\r\n"));
    header[length - 2] = '\0';
    require_line(header, sizeof(header));

    /* Our own answer is read as it was meant: as a challenge it says the same. */
    if (auth.scheme == RTSP_AUTH_BASIC)
        return;
    char line[4200];
    snprintf(line, sizeof(line), "WWW-Authenticate:%s\r\n", header + strlen("Authorization:"));
    struct rtsp_message echo = {.headers = {line, strlen(line)}};
    FUZZ_REQUIRE(rtsp_auth_challenge(&again, &echo) == 0);
    FUZZ_REQUIRE(again.scheme == auth.scheme && again.has_qop == auth.has_qop &&
                 again.has_opaque == auth.has_opaque && !strcmp(again.realm, auth.realm) &&
                 !strcmp(again.nonce, auth.nonce) && !strcmp(again.opaque, auth.opaque));
}

static void fuzz_sets(const struct sdp_media *media)
{
    uint8_t *sets;
    size_t size;
    FUZZ_REQUIRE(sdp_parameter_sets(&sets, &size, media) == 0);
    FUZZ_REQUIRE((sets == NULL) == (size == 0));
    if (!sets)
        return;
    FUZZ_REQUIRE(size > 5 && !memcmp(sets, "\0\0\0\1", 4) && sets[size - 1] != 0);
    for (int i = 0; i < AV_INPUT_BUFFER_PADDING_SIZE; i++)
        FUZZ_REQUIRE(sets[size + (size_t)i] == 0);
    av_free(sets);
}

static void fuzz_sdp(const char *base, struct text text)
{
    struct sdp sdp;
    int err = sdp_parse(&sdp, text);
    FUZZ_REQUIRE(err == (sdp.media_count ? 0 : RTSPREC_ERROR_PROTOCOL));
    FUZZ_REQUIRE(sdp.media_count <= SDP_MAX_MEDIA);
    FUZZ_REQUIRE(lies_in(sdp.session, text) && lies_in(sdp.control, text));
    for (int i = -1; i < sdp.media_count; i++) {
        const struct sdp_media *media = i < 0 ? NULL : &sdp.media[i];
        char url[300];
        memset(url, 'x', sizeof(url));
        err = sdp_control_url(url, sizeof(url), base, &sdp, media);
        FUZZ_REQUIRE(err == 0 || (err == RTSPREC_ERROR_PROTOCOL && !url[0]));
        require_line(url, sizeof(url));
        if (!media)
            continue;
        FUZZ_REQUIRE(lies_in(media->lines, text) && lies_in(media->connection, text));
        FUZZ_REQUIRE(lies_in(media->encoding, media->lines) && lies_in(media->fmtp, media->lines) &&
                     lies_in(media->control, media->lines));
        FUZZ_REQUIRE(media->type == AVMEDIA_TYPE_UNKNOWN || media->payload_type >= 0);
        FUZZ_REQUIRE(media->payload_type <= 127 && media->port >= 0 && media->port <= 65535);
        FUZZ_REQUIRE(media->clock_rate > 0 && media->channels > 0);
        fuzz_sets(media);
    }
}

static void fuzz_message(const struct rtsp_message *message)
{
    static const char *const names[] = {"CSeq", "Session", "Transport", "Content-Base", "Public"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct text value = rtsp_header(message, names[i], 0);
        FUZZ_REQUIRE(lies_in(value, message->headers));
        FUZZ_REQUIRE(lies_in(rtsp_parameter(value, "timeout"), value));
        FUZZ_REQUIRE(lies_in(rtsp_parameter(value, "interleaved"), value));
        text_number(value, 0);
    }
    fuzz_auth(message);
    fuzz_sdp("rtsp://host/path", message->body);
}

/* What was found in a stream, as one number. */
struct found {
    uint64_t hash;
    size_t left; /* bytes that wait for more; all ones after an error */
};

static void note(struct found *found, uint64_t value)
{
    found->hash = (found->hash ^ value) * UINT64_C(0x100000001b3);
}

/* What the client takes without looking closely is what the parser says there is. */
static void check_taken(struct rtsp_client *client, const struct rtsp_item *item,
                        const struct rtsp_scan *scan)
{
    size_t begin = client->begin;
    const uint8_t *frame = rtsp_client_take_frame(client);
    FUZZ_REQUIRE(client->begin - begin == (frame ? item->size : 0));
    FUZZ_REQUIRE(!frame || (item->kind == RTSP_FRAME && frame[1] == item->channel &&
                            frame + 4 == item->payload));
    FUZZ_REQUIRE(!frame ||
                 (client->scan.wanted == scan->wanted && client->scan.searched == scan->searched &&
                  client->scan.one_line == scan->one_line && !scan->is_lost));
}

/* The stream in pieces of 1 to max_piece bytes. */
static struct found run(struct text stream, size_t max_piece, bool is_first)
{
    static const bool channels[256] = {true, true, true, true};
    struct found found = {.hash = 1};
    struct rtsp_client client = {.buffer = (uint8_t *)stream.data};
    memcpy(client.is_channel, channels, sizeof(channels));
    struct rtsp_scan scan = {0};
    size_t begin = 0, end = 0;
    uint32_t random = 1;
    for (;;) {
        struct rtsp_item item;
        const char *why;
        const uint8_t *data = (const uint8_t *)stream.data + begin;
        struct text seen = {stream.data + begin, end - begin};
        client.begin = begin;
        client.end = end;
        client.scan = scan;
        int err = rtsp_item_parse(&item, &scan, data, end - begin, channels, &why);
        FUZZ_REQUIRE((err < 0) == (why != NULL));
        if (err < 0) {
            FUZZ_REQUIRE(err == RTSPREC_ERROR_PROTOCOL);
            found.left = SIZE_MAX;
            return found;
        }
        FUZZ_REQUIRE((item.size == 0) == (item.kind == RTSP_INCOMPLETE));
        check_taken(&client, &item, &scan);
        FUZZ_REQUIRE(item.size <= end - begin && scan.wanted <= RTSP_MAX_ITEM_BYTES);
        if (item.kind == RTSP_INCOMPLETE && end == stream.size) {
            found.left = end - begin;
            return found;
        }
        if (item.kind == RTSP_INCOMPLETE) {
            FUZZ_REQUIRE(end - begin < RTSP_MAX_ITEM_BYTES);
            random = random * 1664525 + 1013904223;
            size_t piece = 1 + (random >> 8) % max_piece;
            end = stream.size - end < piece ? stream.size : end + piece;
        }
        if (item.kind == RTSP_FRAME) {
            FUZZ_REQUIRE(item.payload + item.payload_size == data + item.size);
            note(&found, begin + item.size);
            note(&found, item.payload_size << 8 | (unsigned)item.channel);
        } else if (item.kind == RTSP_MESSAGE) {
            FUZZ_REQUIRE(lies_in(item.message.headers, seen) && lies_in(item.message.body, seen));
            FUZZ_REQUIRE(!item.message.status == (item.message.method.size > 0));
            note(&found, begin + item.size);
            note(&found, (uint64_t)item.message.status << 32 | item.message.body.size);
            if (is_first)
                fuzz_message(&item.message);
        }
        begin += item.size;
    }
}

static void fuzz_stream(struct text stream)
{
    struct found whole = run(stream, RTSP_MAX_ITEM_BYTES, true);
    static const size_t pieces[] = {1, 7, 1500};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct found cut = run(stream, pieces[i], false);
        FUZZ_REQUIRE(cut.hash == whole.hash && cut.left == whole.left);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct text rest = {(const char *)data + 1, size - 1};
    struct rtsp_message message = {.status = 401, .headers = rest};
    struct sdp_media media = {.fmtp = rest};
    switch (data[0]) {
    case '1':
        fuzz_auth(&message);
        break;
    case '2': {
        struct text line = text_split(&rest, '\n');
        char base[300];
        snprintf(base, sizeof(base), "%.*s", (int)(line.size < 299 ? line.size : 299), line.data);
        fuzz_sdp(base, rest);
        break;
    }
    case '3':
        media.codec = AV_CODEC_ID_H264;
        fuzz_sets(&media);
        media.codec = AV_CODEC_ID_HEVC;
        fuzz_sets(&media);
        break;
    default:
        fuzz_stream(rest);
    }
    return 0;
}
