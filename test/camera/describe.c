#include "describe.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/bprint.h>

#include "sdp.h"

enum { MAX_SDP_BYTES = 4 * 1024 * 1024 };

/* The URL without query and slash at its end, with another host where that is asked for. */
static void write_base(const struct exchange *ex, char *out, size_t size)
{
    const char *url = ex->request->uri, *host = strstr(url, "://");
    size_t length = strcspn(url, "?");
    const struct base_setting *base = &ex->settings->base;

    while (length > 0 && url[length - 1] == '/')
        length--;
    if (base->kind == BASE_HOST && host != NULL) {
        host += 3 + strcspn(host + 3, "/");
        snprintf(out, size, "rtsp://%s%.*s", base->host, (int)(url + length - host), host);
    } else {
        snprintf(out, size, "%.*s", (int)length, url);
    }
}

static void write_headers(const struct exchange *ex, const char *base, char *out, size_t size)
{
    const char *name =
        ex->settings->base.kind == BASE_LOCATION ? "Content-Location" : "Content-Base";
    char line[512] = "";

    if (ex->settings->base.kind == BASE_QUERY)
        snprintf(line, sizeof(line), "%s: %.400s/\r\n", name, ex->request->uri);
    else if (ex->settings->base.kind != BASE_NONE)
        snprintf(line, sizeof(line), "%s: %.400s%s\r\n", name, base,
                 ex->settings->base.kind == BASE_BARE ? "" : "/");
    snprintf(out, size, "%sContent-Type: application/sdp\r\n", line);
}

static void print_control(const struct exchange *ex, struct AVBPrint *out, const char *base,
                          const char *track)
{
    switch (ex->settings->control) {
    case CONTROL_ABSOLUTE:
        av_bprintf(out, "a=control:%s/%s\r\n", base, track);
        break;
    case CONTROL_SLASH:
        av_bprintf(out, "a=control:/%s\r\n", track);
        break;
    case CONTROL_QUERY:
        av_bprintf(out, "a=control:%s?ctype=video&track=%s\r\n", track, track);
        break;
    case CONTROL_RELATIVE:
        av_bprintf(out, "a=control:%s\r\n", track);
        break;
    }
}

/* "a=fmtp:96 key=value;key=value" without the parameter sets; nothing when nothing remains. */
static void print_without_sets(struct AVBPrint *out, const char *line)
{
    char copy[4096], *save = NULL;
    int used = 0;
    char *list;

    snprintf(copy, sizeof(copy), "%s", line);
    list = copy + strcspn(copy, " ");
    if (*list == ' ')
        *list++ = '\0';
    for (char *one = strtok_r(list, ";", &save); one != NULL; one = strtok_r(NULL, ";", &save)) {
        one += strspn(one, " ");
        if (strncmp(one, "sprop-", 6) == 0)
            continue;
        if (used++ == 0)
            av_bprintf(out, "%s %s", copy, one);
        else
            av_bprintf(out, "; %s", one);
    }
    if (used > 0)
        av_bprintf(out, "\r\n");
}

static void print_extras(const struct exchange *ex, struct AVBPrint *out, const char *base)
{
    const struct extra_setting *extra = &ex->settings->extra;
    int stream = DESCRIBE_EXTRA, count = extra->many;
    char track[32];

    if (extra->metadata) {
        av_bprintf(out, "m=application 0 RTP/AVP 107\r\na=rtpmap:107 vnd.onvif.metadata/90000\r\n"
                        "a=recvonly\r\n");
        snprintf(track, sizeof(track), "streamid=%d", stream++);
        print_control(ex, out, base, track);
    }
    if (extra->backchannel) {
        av_bprintf(out, "m=audio 0 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=sendonly\r\n");
        snprintf(track, sizeof(track), "streamid=%d", stream++);
        print_control(ex, out, base, track);
    }
    while (count-- > 0) {
        av_bprintf(out, "m=application 0 RTP/AVP 108\r\na=rtpmap:108 x-rtspcam/90000\r\n");
        snprintf(track, sizeof(track), "streamid=%d", stream++);
        print_control(ex, out, base, track);
    }
}

static void print_group(const struct exchange *ex, struct AVBPrint *out)
{
    struct in_addr group = {htonl(ex->settings->multicast.address)};
    char address[INET_ADDRSTRLEN];

    inet_ntop(AF_INET, &group, address, sizeof(address));
    av_bprintf(out, "c=IN IP4 %s/0\r\n", address);
}

/* One line of the plain SDP, as the settings want it. `medium`: the last m= line; "" before. */
static void print_line(const struct exchange *ex, struct AVBPrint *out, const char *base,
                       const char *medium, const char *line)
{
    const struct path_settings *settings = ex->settings;

    if (strcmp(line, "a=control:*") == 0) {
        if (settings->aggregate == AGGREGATE_ABSOLUTE)
            av_bprintf(out, "a=control:%s/streamid=all\r\n", base);
        else if (settings->aggregate == AGGREGATE_STAR)
            av_bprintf(out, "%s\r\n", line);
    } else if (strncmp(line, "a=control:", 10) == 0) {
        if (strncmp(medium, "m=video", 7) == 0 && settings->framerate > 0)
            av_bprintf(out, "a=framerate:%g\r\n", settings->framerate);
        print_control(ex, out, base, line + 10);
    } else if (strncmp(line, "a=fmtp:", 7) == 0 && settings->no_sprop) {
        print_without_sets(out, line);
    } else if (strncmp(line, "c=", 2) == 0 && settings->multicast.port != 0) {
        print_group(ex, out);
    } else {
        av_bprintf(out, "%s\r\n", line);
    }
}

static void print_sdp(const struct exchange *ex, struct AVBPrint *out, const char *base, char *sdp)
{
    char *save = NULL;
    const char *medium = "";

    for (char *line = strtok_r(sdp, "\r\n", &save); line != NULL;
         line = strtok_r(NULL, "\r\n", &save)) {
        if (strncmp(line, "m=", 2) == 0) {
            if (medium[0] == '\0' && ex->settings->extra.is_first)
                print_extras(ex, out, base);
            medium = line;
        }
        print_line(ex, out, base, medium, line);
    }
    if (!ex->settings->extra.is_first)
        print_extras(ex, out, base);
}

/* The bytes of a file instead. Returns 0 or -1. */
static int print_file(struct AVBPrint *out, const char *name)
{
    FILE *file = fopen(name, "re");
    char part[4096];
    size_t size;

    if (file == NULL) {
        perror(name);
        return -1;
    }
    while ((size = fread(part, 1, sizeof(part), file)) > 0)
        av_bprint_append_data(out, part, (unsigned)size);
    fclose(file);
    return 0;
}

int describe(struct exchange *ex)
{
    char plain[16384], base[600], headers[640];
    struct AVBPrint sdp;
    int err;

    av_bprint_init(&sdp, 4096, MAX_SDP_BYTES);
    write_base(ex, base, sizeof(base));
    write_headers(ex, base, headers, sizeof(headers));
    if (ex->settings->sdp_file[0] != '\0') {
        err = print_file(&sdp, ex->settings->sdp_file);
    } else if ((err = sdp_write(ex->clip, plain, sizeof(plain))) >= 0) {
        print_sdp(ex, &sdp, base, plain);
    }
    if (err < 0 || !av_bprint_is_complete(&sdp))
        err = reply(ex, 500, "", NULL);
    else
        err = reply(ex, 200, headers, sdp.str);
    av_bprint_finalize(&sdp, NULL);
    return err;
}
