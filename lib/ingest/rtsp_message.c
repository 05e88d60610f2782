#include "ingest/rtsp_message.h"

#include <string.h>
#include <strings.h>

#include <rtsprec/error.h>

#define MAX_METHOD_BYTES 24

/* A request line; no server sends URLs of this length. */
#define MAX_REQUEST_LINE_BYTES 1024
#define MIN_RTCP_BYTES         8

static const char *const methods[] = {
    "OPTIONS ",  "ANNOUNCE ", "REDIRECT ", "GET_PARAMETER ", "DESCRIBE ", "SET_PARAMETER ",
    "TEARDOWN ", "PLAY ",     "PAUSE ",    "SETUP ",         "RECORD ",   "PLAY_NOTIFY ",
};

enum match { NO, YES, MORE /* as far as it has come */ };

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* ---- Headers ---- */

struct text rtsp_header(const struct rtsp_message *message, const char *name, int nth)
{
    struct text rest = message->headers;
    while (rest.data) {
        struct text value = text_split(&rest, '\n');
        struct text key = text_split(&value, ':');
        if (value.data && text_equals(text_trim(key), name) && nth-- == 0)
            return text_trim(value);
    }
    return (struct text){0};
}

/* Takes a value off *rest: up to the ";", which within quotes is none. */
static struct text take_value(struct text *rest)
{
    struct text value = text_trim(*rest);
    const char *quote = value.size > 1 && value.data[0] == '"' ? value.data + 1 : NULL;
    const char *end = value.data + value.size;
    while (quote && quote < end && *quote != '"')
        quote += *quote == '\\' && end - quote > 1 ? 2 : 1;
    if (!quote || quote >= end)
        return text_trim(text_split(rest, ';'));
    *rest = (struct text){quote + 1, (size_t)(end - quote) - 1};
    text_split(rest, ';');
    return (struct text){value.data + 1, (size_t)(quote - value.data) - 1};
}

struct text rtsp_parameter(struct text value, const char *name)
{
    while (value.data) {
        size_t i = 0;
        while (i < value.size && value.data[i] != '=' && value.data[i] != ';')
            i++;
        struct text key = text_trim((struct text){value.data, i});
        bool has_value = i < value.size && value.data[i] == '=';
        struct text rest = {value.data + i, value.size - i};
        struct text found = {value.data + i, 0};
        if (has_value) {
            rest = (struct text){rest.data + 1, rest.size - 1};
            found = take_value(&rest);
        } else {
            text_split(&rest, ';');
        }
        if (text_equals(key, name))
            return found;
        value = rest;
    }
    return (struct text){0};
}

/* ---- What an item begins with ---- */

static enum match match_prefix(const uint8_t *data, size_t size, const char *prefix)
{
    size_t length = strlen(prefix);
    size_t common = size < length ? size : length;
    if (memcmp(data, prefix, common) != 0)
        return NO;
    return common == length ? YES : MORE;
}

static enum match match_method(const uint8_t *data, size_t size)
{
    enum match best = NO;
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]) && best != YES; i++) {
        if (data[0] != (uint8_t)methods[i][0])
            continue;
        enum match match = match_prefix(data, size, methods[i]);
        if (match != NO)
            best = match;
    }
    return best;
}

/* Whether a known channel's frame begins here, of RTP or RTCP: both say version 2. */
static enum match match_rtp_frame(const uint8_t *data, size_t size, const bool is_channel[256])
{
    if (size > 0 && data[0] != '$')
        return NO;
    if (size > 1 && !is_channel[data[1]])
        return NO;
    if (size > 3 && (data[2] << 8 | data[3]) < MIN_RTCP_BYTES)
        return NO;
    if (size > 4 && data[4] >> 6 != 2)
        return NO;
    return size > 4 ? YES : MORE;
}

/* Whether an item may begin here, after garbage. */
static bool may_begin(const uint8_t *data, size_t size, const bool is_channel[256])
{
    if (data[0] == '$')
        return match_rtp_frame(data, size, is_channel) != NO;
    if (data[0] < 'A' || data[0] > 'T')
        return false;
    return match_prefix(data, size, "RTSP/") != NO || match_method(data, size) != NO;
}

/* Whether what follows a frame in doubt confirms it. */
static enum match match_next(const uint8_t *data, size_t size, bool is_lost,
                             const bool is_channel[256])
{
    if (size < 4)
        return MORE;
    if (data[0] == '$')
        return !is_lost || match_rtp_frame(data, 4, is_channel) != NO ? YES : NO;
    return match_prefix(data, 4, "RTSP") == YES || match_method(data, 4) != NO ? YES : NO;
}

/* "RTSP/1.0 200", of which the digits are any, but for a first 0 of the status. */
static enum match match_status_line(const uint8_t *data, size_t size)
{
    static const char pattern[] = "RTSP/0.0 000";
    for (size_t i = 0; i < sizeof(pattern) - 1; i++) {
        if (i == size)
            return MORE;
        if (pattern[i] == '0' ? !is_digit(data[i]) : data[i] != (uint8_t)pattern[i])
            return NO;
    }
    return data[sizeof("RTSP/1.0 ") - 1] == '0' ? NO : YES;
}

/*
 * "METHOD url RTSP/1.0" and its line end; in the middle of garbage only methods that exist. How far
 * the line was seen is kept for the next that may begin in it: hostile lines are full of them.
 */
static enum match match_request_line(struct rtsp_scan *scan, const uint8_t *data, size_t size)
{
    size_t i = 0;
    if (scan->is_lost && match_method(data, size) == NO)
        return NO;
    while (i < size && ((data[i] >= 'A' && data[i] <= 'Z') || data[i] == '_'))
        i++;
    if (i == size)
        return i <= MAX_METHOD_BYTES ? MORE : NO;
    size_t method_size = i;
    if (i < 3 || i > MAX_METHOD_BYTES || data[i] != ' ')
        return NO;
    if (i < scan->one_line)
        i = scan->one_line;
    while (i < size && data[i] >= ' ' && data[i] < 0x7f && i < MAX_REQUEST_LINE_BYTES)
        i++;
    scan->one_line = i;
    if (i == size)
        return MORE;
    if (data[i] == '\r' && i + 1 == size)
        return MORE;
    if (data[i] != '\n' && !(data[i] == '\r' && data[i + 1] == '\n'))
        return NO;
    static const char version[] = " RTSP/1.0";
    size_t length = sizeof(version) - 1;
    const uint8_t *tail = data + i - length;
    return i > method_size + length && !memcmp(tail, version, length - 3) &&
                   is_digit(tail[length - 3]) && tail[length - 2] == '.' &&
                   is_digit(tail[length - 1])
               ? YES
               : NO;
}

/* ---- Items ---- */

static int incomplete(struct rtsp_item *item, struct rtsp_scan *scan, size_t wanted)
{
    item->kind = RTSP_INCOMPLETE;
    scan->wanted = wanted;
    return 0;
}

/* At least one byte is nothing, and so are those up to the next that may be something. */
static int garbage(struct rtsp_item *item, struct rtsp_scan *scan, const uint8_t *data, size_t size,
                   const bool is_channel[256])
{
    size_t i = 1;
    while (i < size && !may_begin(data + i, size - i, is_channel))
        i++;
    item->kind = RTSP_GARBAGE;
    item->size = i;
    scan->is_lost = true;
    scan->one_line = scan->one_line > i ? scan->one_line - i : 0;
    return 0;
}

static int parse_frame(struct rtsp_item *item, struct rtsp_scan *scan, const uint8_t *data,
                       size_t size, const bool is_channel[256])
{
    if (scan->is_lost && match_rtp_frame(data, size, is_channel) == NO)
        return garbage(item, scan, data, size, is_channel);
    /* In doubt each byte of the header may tell, and the first of RTP. */
    if (size < 4 || (scan->is_lost && size < 5))
        return incomplete(item, scan, scan->is_lost ? size + 1 : 4);
    size_t length = (size_t)data[2] << 8 | data[3];
    bool is_in_doubt = scan->is_lost || !is_channel[data[1]];
    size_t wanted = 4 + length + (is_in_doubt ? 4 : 0);
    if (size < wanted)
        return incomplete(item, scan, wanted);
    if (is_in_doubt &&
        match_next(data + 4 + length, size - 4 - length, scan->is_lost, is_channel) != YES)
        return garbage(item, scan, data, size, is_channel);
    item->kind = RTSP_FRAME;
    item->size = 4 + length;
    item->channel = data[1];
    item->payload = data + 4;
    item->payload_size = length;
    return 0;
}

/* The size of the first line and the headers with the empty line; 0: it has not come yet; -1: there
 * is something that no header has. */
static ptrdiff_t find_header_end(const uint8_t *data, size_t size, size_t *searched)
{
    if (size > RTSP_MAX_HEADER_BYTES)
        size = RTSP_MAX_HEADER_BYTES;
    for (size_t i = *searched; i < size; i++) {
        uint8_t c = data[i];
        if ((c < ' ' && c != '\t' && c != '\r' && c != '\n') || c == 0x7f)
            return -1;
        if (c == '\n' && i > 1 &&
            (data[i - 1] == '\n' || (data[i - 1] == '\r' && data[i - 2] == '\n')))
            return (ptrdiff_t)i + 1;
    }
    *searched = size;
    return 0;
}

static void read_first_line(struct rtsp_message *message, struct text line, bool is_reply)
{
    if (is_reply) {
        message->status = (int)text_number((struct text){line.data + 9, 3}, 0);
        return;
    }
    line = text_trim(line);
    line.size -= sizeof(" RTSP/1.0") - 1;
    message->method = text_split(&line, ' ');
    message->url = text_trim(line);
}

static int parse_message(struct rtsp_item *item, struct rtsp_scan *scan, const uint8_t *data,
                         size_t size, bool is_reply, const char **why)
{
    ptrdiff_t end = find_header_end(data, size, &scan->searched);
    if (end < 0) {
        *why = "a message has control characters in its headers";
        return RTSPREC_ERROR_PROTOCOL;
    }
    if (end == 0 && size >= RTSP_MAX_HEADER_BYTES) {
        *why = "the headers of a message are larger than 16 KiB";
        return RTSPREC_ERROR_PROTOCOL;
    }
    if (end == 0)
        return incomplete(item, scan, size + 1);

    struct rtsp_message *message = &item->message;
    message->headers = (struct text){(const char *)data, (size_t)end};
    struct text line = text_split(&message->headers, '\n');
    read_first_line(message, line, is_reply);
    message->cseq = text_number(rtsp_header(message, "CSeq", 0), -1);
    if (message->cseq < -1)
        message->cseq = -1;

    struct text length_text = rtsp_header(message, "Content-Length", 0);
    int64_t length = length_text.data ? text_number(length_text, -1) : 0;
    if (length < 0 || length > RTSP_MAX_BODY_BYTES) {
        *why = length < 0 ? "a message has a Content-Length that is no number"
                          : "the body of a message is larger than 64 KiB";
        return RTSPREC_ERROR_PROTOCOL;
    }
    size_t wanted = (size_t)end + (size_t)length;
    if (size < wanted)
        return incomplete(item, scan, wanted);
    message->body = (struct text){(const char *)data + end, (size_t)length};
    item->kind = RTSP_MESSAGE;
    item->size = wanted;
    return 0;
}

static int parse_at(struct rtsp_item *item, struct rtsp_scan *scan, const uint8_t *data,
                    size_t size, const bool is_channel[256], const char **why)
{
    if (data[0] == '$')
        return parse_frame(item, scan, data, size, is_channel);
    enum match reply = match_status_line(data, size);
    enum match request = reply == NO ? match_request_line(scan, data, size) : NO;
    if (reply == MORE || request == MORE)
        return incomplete(item, scan, size + 1);
    if (reply == YES || request == YES)
        return parse_message(item, scan, data, size, reply == YES, why);
    if (!scan->is_lost && match_prefix(data, size, "RTSP/") == YES) {
        *why = "a reply has no status";
        return RTSPREC_ERROR_PROTOCOL;
    }
    if (!scan->is_lost && match_prefix(data, size, "HTTP/") == YES) {
        *why = "the server speaks HTTP, not RTSP";
        return RTSPREC_ERROR_PROTOCOL;
    }
    return garbage(item, scan, data, size, is_channel);
}

int rtsp_item_parse(struct rtsp_item *item, struct rtsp_scan *scan, const uint8_t *data,
                    size_t size, const bool is_channel[256], const char **why)
{
    *item = (struct rtsp_item){.kind = RTSP_INCOMPLETE, .message.cseq = -1};
    *why = NULL;
    if (size == 0 || size < scan->wanted)
        return 0;
    size_t blank = 0;
    while (!scan->is_lost && blank < size && blank < RTSP_MAX_BLANK_BYTES &&
           (data[blank] == '\r' || data[blank] == '\n'))
        blank++;
    if (blank == size)
        return 0;
    int err = parse_at(item, scan, data + blank, size - blank, is_channel, why);
    if (err == 0 && item->kind == RTSP_INCOMPLETE) {
        scan->wanted += blank;
        return 0;
    }
    item->size += blank;
    scan->wanted = 0;
    scan->searched = 0;
    if (item->kind == RTSP_FRAME || item->kind == RTSP_MESSAGE)
        *scan = (struct rtsp_scan){0};
    return err;
}
