#include "sdp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A muxer context that is only there to be described. */
static int describe_track(AVFormatContext **out, const struct clip_track *track)
{
    AVStream *stream;
    int err = avformat_alloc_output_context2(out, NULL, "rtp", NULL);

    if (err < 0)
        return err;
    if ((stream = avformat_new_stream(*out, NULL)) == NULL)
        return AVERROR(ENOMEM);
    return avcodec_parameters_copy(stream->codecpar, track->par);
}

int sdp_write(const struct clip *clip, char *out, size_t size)
{
    AVFormatContext *contexts[CLIP_TRACKS] = {NULL};
    char *media, *text = malloc(size);
    int count = 0, err = text != NULL ? 0 : AVERROR(ENOMEM);

    for (int i = 0; i < CLIP_TRACKS && err >= 0; i++) {
        if (clip->tracks[i].count > 0)
            err = describe_track(&contexts[count++], &clip->tracks[i]);
    }
    if (err >= 0)
        err = av_sdp_create(contexts, count, text, (int)size);
    if (err >= 0 && (media = strstr(text, "m=")) == NULL)
        err = AVERROR_BUG;
    if (err >= 0)
        snprintf(out, size,
                 "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=%s\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
                 "a=control:*\r\na=range:npt=0-\r\n%s",
                 clip->name, media);
    for (int i = 0; i < count; i++)
        avformat_free_context(contexts[i]);
    free(text);
    return err < 0 ? err : 0;
}

static const char *find_medium(const char *sdp, int index)
{
    const char *medium = strstr(sdp, "\nm=");

    while (medium != NULL && index-- > 0)
        medium = strstr(medium + 1, "\nm=");
    return medium;
}

int sdp_payload_type(const char *sdp, int index)
{
    const char *medium = find_medium(sdp, index);

    if (medium == NULL || (medium = strstr(medium, "RTP/AVP ")) == NULL)
        return -1;
    return atoi(medium + 8);
}

int sdp_clock_rate(const char *sdp, int index)
{
    const char *medium = find_medium(sdp, index);
    const char *next = medium != NULL ? strstr(medium + 1, "\nm=") : NULL;
    const char *map = medium != NULL ? strstr(medium, "a=rtpmap:") : NULL;

    if (map != NULL && (next == NULL || map < next) && (map = strchr(map, '/')) != NULL)
        return atoi(map + 1);
    /* Of the static types we send, G.711 counts samples, the others count as video does. */
    return sdp_payload_type(sdp, index) == 0 || sdp_payload_type(sdp, index) == 8 ? 8000 : 90000;
}
