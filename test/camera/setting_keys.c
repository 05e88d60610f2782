#include "setting_keys.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    .transports = 1 << TAKES_TCP | 1 << TAKES_UDP | 1 << TAKES_MULTICAST,
    .channels = -1,
};

struct setting_key {
    const char *name;
    /* Reads a value that is not "off" into the member. Returns 0 or -1. */
    int (*parse)(void *member, const char *value, const struct setting_key *key);
    size_t offset, size; /* of the member in path_settings */
    const char *expected;
    double min, max;            /* of numbers */
    const char *const *choices; /* of words; the first is the default */
};

/* Reads a number of seconds; the result points behind it, NULL: there is none. */
static const char *read_seconds(const char *text, int64_t *out_us)
{
    char *end;
    double seconds = strtod(text, &end);

    if (end == text || !isfinite(seconds) || fabs(seconds) > 1e9)
        return NULL;
    *out_us = (int64_t)llround(seconds * 1e6);
    return end;
}

static int parse_moment(void *member, const char *value, const struct setting_key *key)
{
    int64_t us;
    const char *end = read_seconds(value, &us);

    (void)key;
    if (end == NULL || *end != '\0' || us < 0)
        return -1;
    *(int64_t *)member = us;
    return 0;
}

/* SECONDS:SECONDS; the second may be negative where the key's minimum is. */
static int parse_timed_seconds(void *member, const char *value, const struct setting_key *key)
{
    struct timed_setting *timed = member;
    const char *end = read_seconds(value, &timed->at_us);

    if (end == NULL || *end != ':' || timed->at_us < 0)
        return -1;
    end = read_seconds(end + 1, &timed->amount);
    return end != NULL && *end == '\0' && (double)timed->amount >= key->min * 1e6 ? 0 : -1;
}

/* SECONDS:NUMBER within the key's range. */
static int parse_timed_number(void *member, const char *value, const struct setting_key *key)
{
    struct timed_setting *timed = member;
    const char *number = read_seconds(value, &timed->at_us);
    char *end;

    if (number == NULL || *number++ != ':' || timed->at_us < 0)
        return -1;
    timed->amount = strtoll(number, &end, 10);
    return end != number && *end == '\0' && (double)timed->amount >= key->min &&
                   (double)timed->amount <= key->max
               ? 0
               : -1;
}

/* The index of a word among the key's choices; -1: it is none of them. */
static int choice_of(const struct setting_key *key, const char *word)
{
    for (int i = 0; key->choices[i] != NULL; i++) {
        if (strcmp(key->choices[i], word) == 0)
            return i;
    }
    return -1;
}

static int parse_choice(void *member, const char *value, const struct setting_key *key)
{
    int choice = choice_of(key, value);

    *(int *)member = choice;
    return choice < 0 ? -1 : 0;
}

static int parse_integer(void *member, const char *value, const struct setting_key *key)
{
    char *end;
    long number = strtol(value, &end, 10);

    *(int *)member = (int)number;
    return end != value && *end == '\0' && (double)number >= key->min && (double)number <= key->max
               ? 0
               : -1;
}

static int parse_number(void *member, const char *value, const struct setting_key *key)
{
    char *end;
    double number = strtod(value, &end);

    *(double *)member = number;
    return end != value && *end == '\0' && number >= key->min && number <= key->max ? 0 : -1;
}

static int copy_text(char *out, size_t size, const char *value)
{
    if (value[0] == '\0' || strlen(value) >= size)
        return -1;
    snprintf(out, size, "%s", value);
    return 0;
}

static int parse_stall(void *member, const char *value, const struct setting_key *key)
{
    struct stall_setting *stall = member;
    int all = strncmp(value, "all:", 4) == 0, sound = strncmp(value, "sound:", 6) == 0;

    stall->video = !sound;
    stall->sound = all || sound;
    return parse_moment(&stall->at_us, all ? value + 4 : sound ? value + 6 : value, key);
}

static int parse_switch(void *member, const char *value, const struct setting_key *key)
{
    struct switch_setting *other = member;
    const char *end = read_seconds(value, &other->at_us);

    (void)key;
    if (end == NULL || *end != ':' || other->at_us < 0)
        return -1;
    return copy_text(other->clip, sizeof(other->clip), end + 1);
}

static int parse_delay(void *member, const char *value, const struct setting_key *key)
{
    struct delay_setting *delay = member;
    const char *colon = strchr(value, ':');
    size_t length = colon != NULL ? (size_t)(colon - value) : 0;

    if (length >= sizeof(delay->method))
        return -1;
    snprintf(delay->method, sizeof(delay->method), "%.*s", (int)length, value);
    return parse_moment(&delay->us, colon != NULL ? colon + 1 : value, key);
}

static int parse_redirect(void *member, const char *value, const struct setting_key *key)
{
    struct redirect_setting *redirect = member;
    char *end;
    long status = strtol(value, &end, 10);

    (void)key;
    if (status < 300 || status > 399 || *end != ':')
        return -1;
    redirect->status = (int)status;
    return copy_text(redirect->location, sizeof(redirect->location), end + 1);
}

static int parse_auth(void *member, const char *value, const struct setting_key *key)
{
    char words[64], *save = NULL;
    int known = 0;

    if (strlen(value) >= sizeof(words) || strlen(value) >= key->size)
        return -1;
    snprintf(words, sizeof(words), "%s", value);
    for (char *word = strtok_r(words, ",+", &save); word != NULL;
         word = strtok_r(NULL, ",+", &save)) {
        if (choice_of(key, word) < 0)
            return -1;
        known++;
    }
    return known > 0 ? copy_text(member, key->size, value) : -1;
}

static int parse_stale(void *member, const char *value, const struct setting_key *key)
{
    struct stale_setting *stale = member;
    char *end;
    long requests = strtol(value, &end, 10);

    (void)key;
    stale->is_silent = strcmp(end, ":silent") == 0;
    stale->requests = (int)requests;
    return requests > 0 && requests < 1000000 && (*end == '\0' || stale->is_silent) ? 0 : -1;
}

/* A bit for each of the words, which are joined by commas. */
static int parse_set(void *member, const char *value, const struct setting_key *key)
{
    char words[64], *save = NULL;
    int set = 0, choice;

    if (copy_text(words, sizeof(words), value) < 0)
        return -1;
    for (char *word = strtok_r(words, ",", &save); word != NULL;
         word = strtok_r(NULL, ",", &save)) {
        if ((choice = choice_of(key, word)) < 0)
            return -1;
        set |= 1 << choice;
    }
    *(int *)member = set;
    return set != 0 ? 0 : -1;
}

static int parse_flood(void *member, const char *value, const struct setting_key *key)
{
    struct flood_setting *flood = member;
    const char *colon = strchr(value, ':');
    int choice = choice_of(key, colon != NULL ? colon + 1 : value);

    flood->kind = (enum flood_kind)(FLOOD_HEADERS + choice);
    if (colon == NULL)
        snprintf(flood->method, sizeof(flood->method), "DESCRIBE");
    else
        snprintf(flood->method, sizeof(flood->method), "%.*s", (int)(colon - value), value);
    return choice < 0 || colon == value ? -1 : 0;
}

static int parse_length(void *member, const char *value, const struct setting_key *key)
{
    struct length_setting *length = member;
    char *end;

    (void)key;
    if (strncmp(value, "is:", 3) == 0)
        return copy_text(length->text, sizeof(length->text), value + 3);
    length->delta = (int)strtol(value, &end, 10);
    return (value[0] == '+' || value[0] == '-') && *end == '\0' && length->delta != 0 ? 0 : -1;
}

static int parse_timeout(void *member, const char *value, const struct setting_key *key)
{
    struct timeout_setting *timeout = member;
    char *end;
    long seconds = strtol(value, &end, 10);
    int choice = *end == ':' ? choice_of(key, end + 1) : 0;

    timeout->seconds = (int)seconds;
    if (end == value || seconds < 0 || seconds > 1000000 || choice < 0)
        return -1;
    timeout->then = choice;
    return *end == '\0' || *end == ':' ? 0 : -1;
}

static int parse_multicast(void *member, const char *value, const struct setting_key *key)
{
    struct multicast_setting *group = member;
    char address[32], *end;
    const char *colon = strchr(value, ':');
    struct in_addr binary;
    long port;

    (void)key;
    if (colon == NULL || colon - value >= (int)sizeof(address))
        return -1;
    snprintf(address, sizeof(address), "%.*s", (int)(colon - value), value);
    port = strtol(colon + 1, &end, 10);
    if (inet_pton(AF_INET, address, &binary) != 1 || *end != '\0' || port < 1024 || port > 65500)
        return -1;
    group->address = ntohl(binary.s_addr);
    group->port = (int)port;
    return IN_MULTICAST(group->address) ? 0 : -1;
}

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
    {KEY("start", parse_choice, start_live), .expected = "0 or live", WORDS("0", "live")},
    {KEY("speed", parse_number, speed), .expected = "a factor from 0.01 to 1000",
     RANGE(0.01, 1000)},
    {KEY("stall", parse_stall, stall), .expected = "SECONDS, all:SECONDS or sound:SECONDS"},
    {KEY("jump", parse_timed_seconds, jump), .expected = "SECONDS:DELTA_SECONDS", RANGE(-1e9, 1e9)},
    {KEY("switch", parse_switch, switch_to), .expected = "SECONDS:CLIP"},
    {KEY("close", parse_moment, close_us), .expected = "SECONDS"},
    {KEY("reset", parse_moment, reset_us), .expected = "SECONDS"},
    {KEY("freeze", parse_moment, freeze_us), .expected = "SECONDS"},
    {KEY("hold", parse_timed_seconds, hold), .expected = "SECONDS:SECONDS", RANGE(0, 1e9)},
    {KEY("drip", parse_integer, drip_ms), .expected = "MILLISECONDS from 1 to 100000",
     RANGE(1, 100000)},
    {KEY("throttle", parse_integer, throttle_kbit), .expected = "KBIT a second from 1 to 1000000",
     RANGE(1, 1000000)},
    {KEY("timeout", parse_timeout, timeout), .expected = "SECONDS, SECONDS:close or SECONDS:stop",
     WORDS("lenient", "close", "stop")},
    {KEY("garbage", parse_timed_number, garbage), .expected = "SECONDS:BYTES", RANGE(1, 1e6)},
    {KEY("stray", parse_timed_number, stray), .expected = "SECONDS:CHANNEL", RANGE(0, 255)},
    {KEY("frame-length", parse_timed_number, frame_length), .expected = "SECONDS:DELTA_BYTES",
     RANGE(-65535, 65535)},
    {KEY("loss", parse_number, loss_percent), .expected = "PERCENT", RANGE(0, 100)},
    {KEY("reorder", parse_number, reorder_percent), .expected = "PERCENT", RANGE(0, 100)},
    {KEY("duplicate", parse_number, duplicate_percent), .expected = "PERCENT", RANGE(0, 100)},
    {KEY("answer", parse_choice, no_answer), .expected = "yes or no", WORDS("yes", "no")},
    {KEY("status", parse_integer, status), .expected = "a status from 200 to 599", RANGE(200, 599)},
    {KEY("delay", parse_delay, delay), .expected = "SECONDS or METHOD:SECONDS"},
    {KEY("redirect", parse_redirect, redirect), .expected = "STATUS:LOCATION, a status of 3xx"},
    {KEY("auth", parse_auth, auth),
     .expected =
         "basic, digest, md5, sha256, sha256-old, joined by , (header lines) or + (one line)",
     WORDS("basic", "digest", "md5", "sha256", "sha256-old")},
    {KEY("stale", parse_stale, stale), .expected = "REQUESTS or REQUESTS:silent"},
    {KEY("flood", parse_flood, flood),
     .expected = "headers, line, body, frames, junk, or METHOD:one of them",
     WORDS("headers", "line", "body", "frames", "junk")},
    {KEY("sdp-bytes", parse_integer, sdp_bytes), .expected = "BYTES from 1 to 1000000000",
     RANGE(1, 1e9)},
    {KEY("content-length", parse_length, content_length), .expected = "+BYTES, -BYTES or is:TEXT"},
    {KEY("transports", parse_set, transports), .expected = "tcp, udp, multicast, joined by ,",
     WORDS("tcp", "udp", "multicast")},
    {KEY("channels", parse_integer, channels), .expected = "the first channel, from 0 to 200",
     RANGE(0, 200)},
    {KEY("multicast", parse_multicast, multicast), .expected = "ADDRESS:PORT of a group"},
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
