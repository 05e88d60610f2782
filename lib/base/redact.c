/*
 * Masks credentials in any text that leaves the library. Patterns only, no state: it works on
 * FFmpeg's messages too, which come without a camera.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include <rtsprec/log.h>

#define MASK "***"

struct output {
    char *next, *end; /* end: where the final NUL goes at the latest */
};

static void put(struct output *out, const char *text, size_t length)
{
    size_t room = (size_t)(out->end - out->next);
    size_t count = length < room ? length : room;
    memcpy(out->next, text, count);
    out->next += count;
}

/* Where the URL that begins behind "://" ends: white space, quotes and brackets are never part of
 * it. */
static size_t url_length(const char *text)
{
    return strcspn(text, " \t\r\n\"'<>");
}

/* Length of the user information behind "://", without its "@"; 0 when there is none. */
static size_t userinfo_length(const char *text)
{
    /* Quotes and brackets may be part of a password. */
    size_t authority = strcspn(text, "/?# \t\r\n");
    const char *at = memrchr(text, '@', authority);
    if (at)
        return (size_t)(at - text);

    /* A raw "/" in a password looks like "user:pa/word@host"; "host:554/path@2" is none. */
    const char *colon = memchr(text, ':', authority);
    at = memrchr(text, '@', url_length(text));
    if (!colon || !at)
        return 0;
    size_t digits = strspn(colon + 1, "0123456789");
    bool is_port = digits > 0 && colon + 1 + digits == text + authority;
    return is_port ? 0 : (size_t)(at - text);
}

/* The same behind "%3A%2F%2F": a URL that is a value within another one, its "@" being "%40". */
static size_t encoded_userinfo_length(const char *text)
{
    size_t end = strcspn(text, "&/ \t\r\n\"'<>"), length = 0;
    for (size_t i = 0; i < end && strncasecmp(text + i, "%2F", 3) != 0; i++) {
        if (!strncmp(text + i, "%40", 3))
            length = i;
    }
    return length;
}

/* Length of "password=" and the like at text, 0 when it is none of them. */
static size_t secret_key_length(const char *text)
{
    static const char *const keys[] = {
        "password=", "passphrase=", "passwd=", "passwort=", "pass=", "pwd=",      "psw=",  "token=",
        "secret=",   "auth=",       "apikey=", "api_key=",  "key=",  "response=", "nonce="};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        size_t length = strlen(keys[i]);
        if (!strncasecmp(text, keys[i], length))
            return length;
    }
    return 0;
}

static size_t secret_value_length(const char *value)
{
    if (*value == '"') {
        const char *quote = strchr(value + 1, '"');
        return quote ? (size_t)(quote + 1 - value) : strlen(value);
    }
    return strcspn(value, "&;, \t\r\n\"'<>#");
}

void rtsprec_log_redact(char *out, size_t size, const char *text)
{
    if (size == 0)
        return;
    struct output output = {out, out + size - 1};
    bool word = false; /* whether the character before belongs to the same word */

    while (*text) {
        size_t length;
        if (!strncmp(text, "://", 3) && (length = userinfo_length(text + 3)) > 0) {
            put(&output, "://" MASK, 6);
            text += 3 + length;
        } else if (!strncasecmp(text, "%3A%2F%2F", 9) &&
                   (length = encoded_userinfo_length(text + 9)) > 0) {
            put(&output, text, 9);
            put(&output, MASK, 3);
            text += 9 + length;
        } else if (!word && !strncasecmp(text, "authorization:", 14)) {
            put(&output, text, 14);
            put(&output, " " MASK, 4);
            text += 14;
            text += strcspn(text, "\r\n");
        } else if (!word && (length = secret_key_length(text)) > 0) {
            put(&output, text, length);
            text += length;
            put(&output, MASK, 3);
            text += secret_value_length(text);
        } else {
            word = isalnum((unsigned char)*text); /* "access_token=" is a token's key as well */
            put(&output, text++, 1);
        }
    }
    *output.next = '\0';
}
