#include "setting_keys.h"

#include <stdio.h>
#include <string.h>

#include "setting_values.h"

const struct path_settings setting_defaults = {
    .speed = 1,
    .stall = {.at_us = SETTINGS_NEVER},
    .jump = {.at_us = SETTINGS_NEVER},
    .switch_to = {.at_us = SETTINGS_NEVER},
    .close_us = SETTINGS_NEVER,
    .reset_us = SETTINGS_NEVER,
    .freeze_us = SETTINGS_NEVER,
    .hold = {.at_us = SETTINGS_NEVER},
    .garbage = {.at_us = SETTINGS_NEVER},
    .stray = {.at_us = SETTINGS_NEVER},
    .frame_length = {.at_us = SETTINGS_NEVER},
    .timeout = {.seconds = 60},
    .first_sequence = -1,
    .rtp_reset_us = SETTINGS_NEVER,
    .ntp_step = {.at_us = SETTINGS_NEVER},
    .request = {.at_us = SETTINGS_NEVER},
    .transports = 1 << TAKES_TCP | 1 << TAKES_UDP | 1 << TAKES_MULTICAST,
    .channels = -1,
};

/* A key and the member that it owns. */
#define KEY(word, reader, member)                                                        \
    .name = (word), .parse = (reader), .offset = offsetof(struct path_settings, member), \
    .size = sizeof(((struct path_settings *)0)->member)
#define WORDS(...)                   \
    .choices = (const char *const[]) \
    {                                \
        __VA_ARGS__, NULL            \
    }
#define RANGE(low, high) .min = (low), .max = (high)

/* A new fault: a member of path_settings, a row here, and the question where it acts. */
static const struct setting_key keys[] = {
    {KEY("start", value_choice, start_live), .expected = "0 or live", WORDS("0", "live")},
    {KEY("speed", value_number, speed), .expected = "a factor from 0.01 to 1000",
     RANGE(0.01, 1000)},
    {KEY("stall", value_stall, stall), .expected = "SECONDS, all:SECONDS or sound:SECONDS"},
    {KEY("jump", value_timed_seconds, jump), .expected = "SECONDS:DELTA_SECONDS", RANGE(-1e9, 1e9)},
    {KEY("switch", value_switch, switch_to), .expected = "SECONDS:CLIP"},
    {KEY("sound-late", value_moment, sound_late_us), .expected = "SECONDS"},
    {KEY("in-band", value_in_band, in_band_us), .expected = "SECONDS or never"},
    {KEY("sequence", value_integer, first_sequence), .expected = "a number from 0 to 65535",
     RANGE(0, 65535)},
    {KEY("rtp-time", value_rtp_time, rtp_time),
     .expected = "a number from 0 to 4294967295, or wrap:SECONDS"},
    {KEY("rtp-reset", value_moment, rtp_reset_us), .expected = "SECONDS"},
    {KEY("skew", value_number, skew_ppm), .expected = "PPM from -500000 to 500000",
     RANGE(-500000, 500000)},
    {KEY("ntp-step", value_timed_seconds, ntp_step), .expected = "SECONDS:DELTA_SECONDS",
     RANGE(-1e9, 1e9)},
    {KEY("reports", value_reports, reports_us), .expected = "SECONDS or no"},
    {KEY("rtp-info", value_choice, rtp_info), .expected = "yes, no or wrong",
     WORDS("yes", "no", "wrong")},
    {KEY("close", value_moment, close_us), .expected = "SECONDS"},
    {KEY("reset", value_moment, reset_us), .expected = "SECONDS"},
    {KEY("freeze", value_moment, freeze_us), .expected = "SECONDS"},
    {KEY("hold", value_timed_seconds, hold), .expected = "SECONDS:SECONDS", RANGE(0, 1e9)},
    {KEY("drip", value_integer, drip_ms), .expected = "MILLISECONDS from 1 to 100000",
     RANGE(1, 100000)},
    {KEY("throttle", value_integer, throttle_kbit), .expected = "KBIT a second from 1 to 1000000",
     RANGE(1, 1000000)},
    {KEY("timeout", value_timeout, timeout), .expected = "SECONDS, SECONDS:close or SECONDS:stop",
     WORDS("lenient", "close", "stop")},
    {KEY("request", value_request, request), .expected = "SECONDS:METHOD"},
    {KEY("garbage", value_timed_number, garbage), .expected = "SECONDS:BYTES", RANGE(1, 1e6)},
    {KEY("stray", value_timed_number, stray), .expected = "SECONDS:CHANNEL", RANGE(0, 255)},
    {KEY("frame-length", value_timed_number, frame_length), .expected = "SECONDS:DELTA_BYTES",
     RANGE(-65535, 65535)},
    {KEY("loss", value_number, loss_percent), .expected = "PERCENT", RANGE(0, 100)},
    {KEY("reorder", value_number, reorder_percent), .expected = "PERCENT", RANGE(0, 100)},
    {KEY("duplicate", value_number, duplicate_percent), .expected = "PERCENT", RANGE(0, 100)},
    {KEY("answer", value_choice, no_answer), .expected = "yes or no", WORDS("yes", "no")},
    {KEY("status", value_integer, status), .expected = "a status from 200 to 599", RANGE(200, 599)},
    {KEY("delay", value_delay, delay), .expected = "SECONDS or METHOD:SECONDS"},
    {KEY("redirect", value_redirect, redirect), .expected = "STATUS:LOCATION, a status of 3xx"},
    {KEY("auth", value_auth, auth),
     .expected =
         "basic, digest, md5, sha256, sha256-old, joined by , (header lines) or + (one line)",
     WORDS("basic", "digest", "md5", "sha256", "sha256-old")},
    {KEY("stale", value_stale, stale), .expected = "REQUESTS, REQUESTS:silent or always"},
    {KEY("flood", value_flood, flood),
     .expected = "headers, line, body, frames, junk, or METHOD:one of them",
     WORDS("headers", "line", "body", "frames", "junk")},
    {KEY("sdp-bytes", value_integer, sdp_bytes), .expected = "BYTES from 1 to 1000000000",
     RANGE(1, 1e9)},
    {KEY("content-length", value_length, content_length), .expected = "+BYTES, -BYTES or is:TEXT"},
    {KEY("transports", value_set, transports), .expected = "tcp, udp, multicast, joined by ,",
     WORDS("tcp", "udp", "multicast")},
    {KEY("channels", value_integer, channels), .expected = "the first channel, from 0 to 200",
     RANGE(0, 200)},
    {KEY("multicast", value_multicast, multicast), .expected = "ADDRESS:PORT of a group"},
    {KEY("methods", value_text, methods), .expected = "METHODS joined by ,"},
    {KEY("sprop", value_choice, no_sprop), .expected = "yes or no", WORDS("yes", "no")},
    {KEY("base", value_base, base),
     .expected = "slash, bare, query, location, none or host:ADDRESS",
     WORDS("slash", "bare", "query", "location", "none")},
    {KEY("control", value_choice, control), .expected = "relative, absolute, slash or query",
     WORDS("relative", "absolute", "slash", "query")},
    {KEY("aggregate", value_choice, aggregate), .expected = "star, absolute or none",
     WORDS("star", "absolute", "none")},
    {KEY("extra", value_extra, extra),
     .expected = "metadata, backchannel and NUMBER, joined by , and first: before them all"},
    {KEY("framerate", value_number, framerate), .expected = "FPS from 0.001 to 100000",
     RANGE(0.001, 100000)},
    {KEY("sdp-file", value_text, sdp_file), .expected = "FILE"},
};

enum { KEYS = sizeof(keys) / sizeof(keys[0]) };

int setting_find(const char *key, char *error, size_t error_size)
{
    int used;

    for (int i = 0; i < KEYS; i++) {
        if (strcmp(keys[i].name, key) == 0)
            return i;
    }
    used = snprintf(error, error_size, "unknown key '%s', expected one of", key);
    for (int i = 0; i < KEYS && used > 0 && (size_t)used < error_size; i++)
        used += snprintf(error + used, error_size - (size_t)used, " %s", keys[i].name);
    return -1;
}

int setting_apply(struct path_settings *settings, int key, const char *value)
{
    const struct setting_key *row = &keys[key];
    struct path_settings changed = *settings;
    char *member = (char *)&changed + row->offset;

    memcpy(member, (const char *)&setting_defaults + row->offset, row->size);
    if (strcmp(value, "off") != 0 && row->parse(member, value, row) < 0)
        return -1;
    *settings = changed;
    return 0;
}

const char *setting_expected(int key)
{
    return keys[key].expected;
}
