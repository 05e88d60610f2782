#include "ingest/sdp.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include <libavcodec/defs.h>
#include <libavutil/base64.h>
#include <libavutil/mem.h>

#include <rtsprec/error.h>

#include "ingest/nal.h"
#include "ingest/rtsp_message.h"

/* RFC 3551: static payload types whose clock or channels are not the usual ones. */
static const struct {
    int payload_type, clock_rate, channels;
} static_types[] = {
    {6, 16000, 1}, {10, 44100, 2}, {11, 44100, 1}, {14, 90000, 1}, {16, 11025, 1}, {17, 22050, 1},
};

static bool starts_with(struct text text, const char *prefix)
{
    size_t length = strlen(prefix);
    return text.size >= length && !strncasecmp(text.data, prefix, length);
}

static struct text skip(struct text text, size_t count)
{
    return (struct text){text.data + count, text.size - count};
}

/* Takes a line off *rest, without its end; false when there is none. */
static bool take_line(struct text *line, struct text *rest)
{
    if (!rest->size)
        return false;
    size_t size = 0;
    while (size < rest->size && rest->data[size] != '\n' && rest->data[size] != '\r')
        size++;
    *line = text_trim((struct text){rest->data, size});
    *rest = skip(*rest, size < rest->size ? size + 1 : size);
    return true;
}

/* Takes a word off *rest. {0} when there is none. */
static struct text take_word(struct text *rest)
{
    *rest = text_trim(*rest);
    if (!rest->size)
        return (struct text){0};
    size_t size = 0;
    while (size < rest->size && rest->data[size] != ' ' && rest->data[size] != '\t')
        size++;
    struct text word = {rest->data, size};
    *rest = skip(*rest, size);
    return word;
}

/* The value of an attribute "a=NAME:value"; {0} when the line is another. */
static struct text attribute(struct text line, const char *name)
{
    size_t length = strlen(name);
    if (!starts_with(line, "a="))
        return (struct text){0};
    line = skip(line, 2);
    if (!starts_with(line, name) || line.size == length || line.data[length] != ':')
        return (struct text){0};
    return text_trim(skip(line, length + 1));
}

static int number_between(struct text text, int low, int high, int fallback)
{
    int64_t number = text_number(text, fallback);
    return number >= low && number <= high ? (int)number : fallback;
}

/* "c=IN IP4 239.1.2.3/127" */
static struct text parse_connection(struct text line)
{
    line = skip(line, 2);
    take_word(&line);
    take_word(&line);
    struct text address = take_word(&line);
    return text_split(&address, '/');
}

/* "m=video 49170/2 RTP/AVP 96 97" */
static void parse_media_line(struct sdp_media *media, struct text line)
{
    line = skip(line, 2);
    struct text type = take_word(&line);
    struct text port = take_word(&line);
    struct text protocol = take_word(&line);
    media->type = text_equals(type, "video")   ? AVMEDIA_TYPE_VIDEO
                  : text_equals(type, "audio") ? AVMEDIA_TYPE_AUDIO
                                               : AVMEDIA_TYPE_UNKNOWN;
    media->port = number_between(text_split(&port, '/'), 0, 65535, 0);
    media->payload_type = number_between(take_word(&line), 0, 127, -1);
    if (media->payload_type < 0 || !starts_with(protocol, "RTP/"))
        media->type = AVMEDIA_TYPE_UNKNOWN;
    media->clock_rate = media->type == AVMEDIA_TYPE_AUDIO ? 8000 : 90000;
    media->channels = 1;
    for (size_t i = 0; i < sizeof(static_types) / sizeof(static_types[0]); i++) {
        if (media->type != AVMEDIA_TYPE_AUDIO ||
            static_types[i].payload_type != media->payload_type)
            continue;
        media->clock_rate = static_types[i].clock_rate;
        media->channels = static_types[i].channels;
    }
}

/* "H264/90000" or "mpeg4-generic/16000/2" */
static void parse_rtpmap(struct sdp_media *media, struct text value)
{
    media->encoding = text_trim(text_split(&value, '/'));
    media->clock_rate =
        number_between(text_split(&value, '/'), 1, 100 * 1000 * 1000, media->clock_rate);
    if (media->type == AVMEDIA_TYPE_AUDIO)
        media->channels = number_between(value, 1, 64, 1);
    else if (media->type == AVMEDIA_TYPE_VIDEO && text_equals(media->encoding, "H264"))
        media->codec = AV_CODEC_ID_H264;
    else if (media->type == AVMEDIA_TYPE_VIDEO &&
             (text_equals(media->encoding, "H265") || text_equals(media->encoding, "HEVC")))
        media->codec = AV_CODEC_ID_HEVC;
}

/* The rest of "a=NAME:96 …" when it is of the media's payload type; {0} else. */
static struct text format_attribute(const struct sdp_media *media, struct text line,
                                    const char *name)
{
    struct text value = attribute(line, name);
    if (!value.data || number_between(take_word(&value), 0, 127, -2) != media->payload_type)
        return (struct text){0};
    return text_trim(value);
}

static void parse_media_attribute(struct sdp_media *media, struct text line)
{
    struct text value;
    if (starts_with(line, "c="))
        media->connection = parse_connection(line);
    else if ((value = attribute(line, "control")).data && !media->control.data)
        media->control = value;
    else if ((value = format_attribute(media, line, "rtpmap")).data && !media->encoding.data)
        parse_rtpmap(media, value);
    else if ((value = format_attribute(media, line, "fmtp")).data && !media->fmtp.data)
        media->fmtp = value;
}

static bool is_sendonly(const struct sdp_media *media)
{
    struct text rest = media->lines, line;
    while (take_line(&line, &rest)) {
        if (text_equals(line, "a=sendonly"))
            return true;
    }
    return false;
}

static void leave_backchannels_alone(struct sdp *sdp)
{
    for (int i = 0; i < sdp->media_count; i++) {
        if (sdp->media[i].type == AVMEDIA_TYPE_VIDEO && is_sendonly(&sdp->media[i]))
            return;
    }
    for (int i = 0; i < sdp->media_count; i++) {
        if (sdp->media[i].type == AVMEDIA_TYPE_AUDIO && is_sendonly(&sdp->media[i]))
            sdp->media[i].type = AVMEDIA_TYPE_UNKNOWN;
    }
}

int sdp_parse(struct sdp *sdp, struct text text)
{
    *sdp = (struct sdp){0};
    if (text.size)
        text.size = strnlen(text.data, text.size);
    struct text rest = text, line, connection = {0};
    struct sdp_media *media = NULL;
    for (const char *begin = rest.data; take_line(&line, &rest); begin = rest.data) {
        if (starts_with(line, "m=")) {
            if (sdp->media_count == SDP_MAX_MEDIA)
                break;
            if (!media)
                sdp->session = (struct text){text.data, (size_t)(begin - text.data)};
            media = &sdp->media[sdp->media_count++];
            media->lines.data = begin;
            media->connection = connection;
            parse_media_line(media, line);
        } else if (media) {
            parse_media_attribute(media, line);
        } else if (starts_with(line, "c=")) {
            connection = parse_connection(line);
        } else if (!sdp->control.data) {
            sdp->control = attribute(line, "control");
        }
        if (media)
            media->lines.size = (size_t)(rest.data - media->lines.data);
    }
    leave_backchannels_alone(sdp);
    return sdp->media_count ? 0 : RTSPREC_ERROR_PROTOCOL;
}

/* ---- Parameter sets ---- */

struct set_writer {
    uint8_t *out; /* has room for all sets of the fmtp with a start code each */
    size_t size;
    char *base64;     /* has room for the longest, terminated */
    uint8_t *decoded; /* the same */
    bool is_broken;
};

static void write_nal(struct set_writer *writer, enum AVCodecID codec, struct nal nal)
{
    static const uint8_t start_code[] = {0, 0, 0, 1};
    while (nal.size && nal.data[nal.size - 1] == 0)
        nal.size--;
    if (nal.size < 2) {
        writer->is_broken = true;
        return;
    }
    enum nal_kind kind = nal_kind(codec, &nal);
    if (kind != NAL_VPS && kind != NAL_SPS && kind != NAL_PPS)
        return;
    memcpy(writer->out + writer->size, start_code, sizeof(start_code));
    memcpy(writer->out + writer->size + sizeof(start_code), nal.data, nal.size);
    writer->size += sizeof(start_code) + nal.size;
}

/* Sets of base64, separated by commas; some cameras leave the start code before them. */
static void write_sets(struct set_writer *writer, enum AVCodecID codec, struct text sets)
{
    while (sets.data) {
        struct text set = text_trim(text_split(&sets, ','));
        if (!set.size)
            continue;
        memcpy(writer->base64, set.data, set.size);
        writer->base64[set.size] = '\0';
        int size =
            av_base64_decode(writer->decoded, writer->base64, (int)AV_BASE64_DECODE_SIZE(set.size));
        if (size <= 0) {
            writer->is_broken = true;
            continue;
        }
        struct nal nal = {writer->decoded, (size_t)size};
        if (!nal_starts(nal.data, nal.size)) {
            write_nal(writer, codec, nal);
            continue;
        }
        const uint8_t *next = writer->decoded;
        while (nal_next(&nal, &next, writer->decoded + size))
            write_nal(writer, codec, nal);
    }
}

int sdp_parameter_sets(uint8_t **out, size_t *size, const struct sdp_media *media)
{
    static const char *const h264[] = {"sprop-parameter-sets", NULL};
    static const char *const h265[] = {"sprop-vps", "sprop-sps", "sprop-pps", NULL};
    *out = NULL;
    *size = 0;
    if ((media->codec != AV_CODEC_ID_H264 && media->codec != AV_CODEC_ID_HEVC) || !media->fmtp.size)
        return 0;
    /* The shortest set, two digits and a comma, becomes a byte with a start code of four. */
    size_t room = 2 * media->fmtp.size + 16;
    struct set_writer writer = {
        .out = av_mallocz(room + AV_INPUT_BUFFER_PADDING_SIZE),
        .base64 = av_malloc(media->fmtp.size + 1),
        .decoded = av_malloc(room),
    };
    int err = RTSPREC_ERROR_NO_MEMORY;
    if (!writer.out || !writer.base64 || !writer.decoded)
        goto done;
    const char *const *names = media->codec == AV_CODEC_ID_H264 ? h264 : h265;
    for (; *names; names++)
        write_sets(&writer, media->codec, rtsp_parameter(media->fmtp, *names));
    err = 0;
    if (writer.size && !writer.is_broken) {
        memset(writer.out + writer.size, 0, AV_INPUT_BUFFER_PADDING_SIZE);
        *out = writer.out;
        *size = writer.size;
        writer.out = NULL;
    }

done:
    av_free(writer.out);
    av_free(writer.base64);
    av_free(writer.decoded);
    return err;
}

/* ---- URLs ---- */

static bool is_absolute(struct text url)
{
    size_t i = 0;
    while (i < url.size && ((url.data[i] | 0x20) >= 'a' && (url.data[i] | 0x20) <= 'z'))
        i++;
    return i > 0 && starts_with(skip(url, i), "://");
}

/* Appends with a "/" between the two, when both have something. */
static bool append(char *out, size_t size, size_t *used, struct text part)
{
    if (*used && part.size) {
        bool has_slash = out[*used - 1] == '/';
        if (part.data[0] == '/')
            part = skip(part, has_slash ? 1 : 0);
        else if (!has_slash && *used + 1 < size)
            out[(*used)++] = '/';
    }
    if (part.size >= size - *used)
        return false;
    for (size_t i = 0; i < part.size; i++) {
        unsigned char c = (unsigned char)part.data[i];
        if (c <= ' ' || c == 0x7f)
            return false;
        out[(*used)++] = (char)c;
    }
    return true;
}

int sdp_control_url(char *out, size_t size, const char *base, const struct sdp *sdp,
                    const struct sdp_media *media)
{
    struct text first = {base, strlen(base)};
    struct text control = sdp->control;
    if (is_absolute(control)) {
        first = control;
        control = (struct text){0};
    }
    if (media)
        control = media->control;
    if (text_equals(control, "*"))
        control = (struct text){0};
    if (is_absolute(control)) {
        first = control;
        control = (struct text){0};
    }
    size_t used = 0;
    bool fits = size > 0 && append(out, size, &used, first) && append(out, size, &used, control);
    if (size > 0)
        out[fits ? used : 0] = '\0';
    return fits ? 0 : RTSPREC_ERROR_PROTOCOL;
}
