#include "setting_values.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

int value_moment(void *member, const char *value, const struct setting_key *key)
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
int value_timed_seconds(void *member, const char *value, const struct setting_key *key)
{
    struct timed_setting *timed = member;
    const char *end = read_seconds(value, &timed->at_us);

    if (end == NULL || *end != ':' || timed->at_us < 0)
        return -1;
    end = read_seconds(end + 1, &timed->amount);
    return end != NULL && *end == '\0' && (double)timed->amount >= key->min * 1e6 ? 0 : -1;
}

/* SECONDS:NUMBER within the key's range. */
int value_timed_number(void *member, const char *value, const struct setting_key *key)
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

int value_choice(void *member, const char *value, const struct setting_key *key)
{
    int choice = choice_of(key, value);

    *(int *)member = choice;
    return choice < 0 ? -1 : 0;
}

int value_integer(void *member, const char *value, const struct setting_key *key)
{
    char *end;
    long number = strtol(value, &end, 10);

    *(int *)member = (int)number;
    return end != value && *end == '\0' && (double)number >= key->min && (double)number <= key->max
               ? 0
               : -1;
}

int value_number(void *member, const char *value, const struct setting_key *key)
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

int value_stall(void *member, const char *value, const struct setting_key *key)
{
    struct stall_setting *stall = member;
    int all = strncmp(value, "all:", 4) == 0, sound = strncmp(value, "sound:", 6) == 0;

    stall->video = !sound;
    stall->sound = all || sound;
    return value_moment(&stall->at_us, all ? value + 4 : sound ? value + 6 : value, key);
}

int value_switch(void *member, const char *value, const struct setting_key *key)
{
    struct switch_setting *other = member;
    const char *end = read_seconds(value, &other->at_us);

    (void)key;
    if (end == NULL || *end != ':' || other->at_us < 0)
        return -1;
    return copy_text(other->clip, sizeof(other->clip), end + 1);
}

int value_delay(void *member, const char *value, const struct setting_key *key)
{
    struct delay_setting *delay = member;
    const char *colon = strchr(value, ':');
    size_t length = colon != NULL ? (size_t)(colon - value) : 0;

    if (length >= sizeof(delay->method))
        return -1;
    snprintf(delay->method, sizeof(delay->method), "%.*s", (int)length, value);
    return value_moment(&delay->us, colon != NULL ? colon + 1 : value, key);
}

int value_redirect(void *member, const char *value, const struct setting_key *key)
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

int value_auth(void *member, const char *value, const struct setting_key *key)
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

int value_stale(void *member, const char *value, const struct setting_key *key)
{
    struct stale_setting *stale = member;
    char *end;
    long requests = strtol(value, &end, 10);

    (void)key;
    if (strcmp(value, "always") == 0) {
        stale->requests = -1;
        return 0;
    }
    stale->is_silent = strcmp(end, ":silent") == 0;
    stale->requests = (int)requests;
    return requests > 0 && requests < 1000000 && (*end == '\0' || stale->is_silent) ? 0 : -1;
}

/* A bit for each of the words, which are joined by commas. */
int value_set(void *member, const char *value, const struct setting_key *key)
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

int value_flood(void *member, const char *value, const struct setting_key *key)
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

int value_length(void *member, const char *value, const struct setting_key *key)
{
    struct length_setting *length = member;
    char *end;

    (void)key;
    if (strncmp(value, "is:", 3) == 0)
        return copy_text(length->text, sizeof(length->text), value + 3);
    length->delta = (int)strtol(value, &end, 10);
    return (value[0] == '+' || value[0] == '-') && *end == '\0' && length->delta != 0 ? 0 : -1;
}

int value_timeout(void *member, const char *value, const struct setting_key *key)
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

int value_multicast(void *member, const char *value, const struct setting_key *key)
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

int value_in_band(void *member, const char *value, const struct setting_key *key)
{
    if (strcmp(value, "never") != 0)
        return value_moment(member, value, key);
    *(int64_t *)member = SETTINGS_NEVER;
    return 0;
}

int value_reports(void *member, const char *value, const struct setting_key *key)
{
    if (strcmp(value, "no") != 0)
        return value_moment(member, value, key);
    *(int64_t *)member = -1;
    return 0;
}

int value_rtp_time(void *member, const char *value, const struct setting_key *key)
{
    struct rtp_time_setting *time = member;
    char *end;

    time->kind = RTP_TIME_WRAP;
    if (strncmp(value, "wrap:", 5) == 0)
        return value_moment(&time->value, value + 5, key);
    time->kind = RTP_TIME_GIVEN;
    time->value = strtoll(value, &end, 10);
    return end != value && *end == '\0' && time->value >= 0 && time->value <= UINT32_MAX ? 0 : -1;
}

int value_request(void *member, const char *value, const struct setting_key *key)
{
    struct request_setting *request = member;
    const char *end = read_seconds(value, &request->at_us);

    (void)key;
    if (end == NULL || *end != ':' || request->at_us < 0)
        return -1;
    return copy_text(request->method, sizeof(request->method), end + 1);
}

int value_base(void *member, const char *value, const struct setting_key *key)
{
    struct base_setting *base = member;
    int choice = choice_of(key, value);

    if (strncmp(value, "host:", 5) == 0) {
        base->kind = BASE_HOST;
        return copy_text(base->host, sizeof(base->host), value + 5);
    }
    base->kind = choice;
    return choice < 0 ? -1 : 0;
}

int value_extra(void *member, const char *value, const struct setting_key *key)
{
    struct extra_setting *extra = member;
    char words[64], *save = NULL, *end;
    int is_first = strncmp(value, "first:", 6) == 0;

    (void)key;
    extra->is_first = is_first;
    if (copy_text(words, sizeof(words), is_first ? value + 6 : value) < 0)
        return -1;
    for (char *word = strtok_r(words, ",", &save); word != NULL;
         word = strtok_r(NULL, ",", &save)) {
        if (strcmp(word, "metadata") == 0) {
            extra->metadata = 1;
        } else if (strcmp(word, "backchannel") == 0) {
            extra->backchannel = 1;
        } else {
            extra->many = (int)strtol(word, &end, 10);
            if (*end != '\0' || extra->many < 1 || extra->many > 10000)
                return -1;
        }
    }
    return 0;
}

int value_text(void *member, const char *value, const struct setting_key *key)
{
    return copy_text(member, key->size, value);
}
