#include "ingest/media_kind.h"

#include <string.h>

/* As much as the timeline follows without a step; clocks are ten times as good. */
#define LIVE_PPM 500

static const struct media_kind kinds[] = {
    {"http", "http,https,httpproxy,tls,tcp,crypto", false, true, LIVE_PPM},
    /* Never back to plain text. */
    {"https", "https,httpproxy,tls,tcp,crypto", false, true, LIVE_PPM},
    {"srt", "srt", false, false, 0},
    {"rtmp", "rtmp,tcp", false, false, 0},
    {"rtmps", "rtmps,tls,tcp", false, false, 0},
    {"file", "file,crypto", false, true, 0},
    {"v4l2", "", true, false, 0},
    {"lavfi", "", true, true, 0},
};

const struct media_kind *media_kind_of(const char *scheme)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (!strcmp(kinds[i].scheme, scheme))
            return &kinds[i];
    }
    return NULL;
}

int media_kind_connection(const struct media_kind *kind, const struct source_options *options,
                          AVDictionary **dictionary)
{
    int err = av_dict_set(dictionary, "protocol_whitelist", kind->protocols, 0);
    if (err >= 0 && !strncmp(kind->scheme, "http", 4))
        err = av_dict_set(dictionary, "user_agent", "rtsprec", 0);
    if (err >= 0)
        err =
            av_dict_set_int(dictionary, "tls_verify", options->tls_verify == RTSPREC_TLS_VERIFY, 0);
    if (err >= 0 && options->tls_ca_file)
        err = av_dict_set(dictionary, "ca_file", options->tls_ca_file, 0);
    return err < 0 ? RTSPREC_ERROR_NO_MEMORY : 0;
}

int media_kind_device(char **out, const char *path, AVDictionary **dictionary)
{
    size_t length = strcspn(path, "?");
    *out = NULL;
    if (path[length] && av_dict_parse_string(dictionary, path + length + 1, "=", "&", 0) < 0)
        return RTSPREC_ERROR_INVALID;
    *out = strndup(path, length);
    return *out ? 0 : RTSPREC_ERROR_NO_MEMORY;
}
