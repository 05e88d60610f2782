#include "auth.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <libavutil/base64.h>
#include <libavutil/md5.h>
#include <libavutil/random_seed.h>

static const char realm[] = "rtspcam";

enum { HEX_MD5_SIZE = 33 };

void auth_make_nonce(char nonce[AUTH_NONCE_SIZE])
{
    snprintf(nonce, AUTH_NONCE_SIZE, "%08x%08x%08x%08x", (unsigned)av_get_random_seed(),
             (unsigned)av_get_random_seed(), (unsigned)av_get_random_seed(),
             (unsigned)av_get_random_seed());
}

static int basic_accepts(const struct auth *auth, const char *credentials)
{
    char expected[512], decoded[512];
    int length;

    snprintf(expected, sizeof(expected), "%s:%s", auth->user, auth->password);
    length = av_base64_decode((uint8_t *)decoded, credentials, sizeof(decoded) - 1);
    if (length < 0)
        return 0;
    decoded[length] = '\0';
    return strcmp(decoded, expected) == 0;
}

/* MD5 of the parts joined by colons, in hexadecimal. `parts` ends with NULL. */
static void md5_hex(char out[HEX_MD5_SIZE], const char *const *parts)
{
    char text[2048] = "";
    uint8_t digest[16];
    size_t used = 0;

    for (int i = 0; parts[i] != NULL && used < sizeof(text); i++)
        used +=
            (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i > 0 ? ":" : "", parts[i]);
    av_md5_sum(digest, (const uint8_t *)text, strlen(text));
    for (int i = 0; i < 16; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

/* Copies the value of `name` out of `a="x", b=y`; an empty string when it is not there. */
static void parameter(const char *list, const char *name, char *out, size_t size)
{
    size_t name_length = strlen(name);

    out[0] = '\0';
    while (*list != '\0') {
        const char *value, *end;
        list += strspn(list, " ,\t");
        size_t key_length = strcspn(list, "=");
        if (list[key_length] == '\0')
            return;
        value = list + key_length + 1;
        if (*value == '"') {
            value++;
            end = value + strcspn(value, "\"");
        } else {
            end = value + strcspn(value, ", \t");
        }
        if (key_length == name_length && strncasecmp(list, name, name_length) == 0) {
            snprintf(out, size, "%.*s", (int)(end - value), value);
            return;
        }
        list = *end == '"' ? end + 1 : end;
    }
}

static int digest_accepts(const struct auth *auth, const struct rtsp_request *request,
                          const char *credentials, const char *nonce)
{
    char user[256], given_nonce[64], uri[512], response[64], qop[16], nc[16], cnonce[128];
    char ha1[HEX_MD5_SIZE], ha2[HEX_MD5_SIZE], expected[HEX_MD5_SIZE];

    parameter(credentials, "username", user, sizeof(user));
    parameter(credentials, "nonce", given_nonce, sizeof(given_nonce));
    parameter(credentials, "uri", uri, sizeof(uri));
    parameter(credentials, "response", response, sizeof(response));
    parameter(credentials, "qop", qop, sizeof(qop));
    parameter(credentials, "nc", nc, sizeof(nc));
    parameter(credentials, "cnonce", cnonce, sizeof(cnonce));
    /* As strict as the strictest camera: the digest counts for this very request only. */
    if (strcmp(user, auth->user) != 0 || strcmp(given_nonce, nonce) != 0 ||
        strcmp(uri, request->uri) != 0)
        return 0;

    md5_hex(ha1, (const char *const[]){user, realm, auth->password, NULL});
    md5_hex(ha2, (const char *const[]){request->method, uri, NULL});
    if (qop[0] != '\0')
        md5_hex(expected, (const char *const[]){ha1, nonce, nc, cnonce, qop, ha2, NULL});
    else
        md5_hex(expected, (const char *const[]){ha1, nonce, ha2, NULL});
    return strcasecmp(expected, response) == 0;
}

int auth_accepts(const struct auth *auth, const struct rtsp_request *request, const char *nonce)
{
    const char *given = rtsp_request_header(request, "Authorization");

    if (auth->scheme == AUTH_NONE)
        return 1;
    if (given == NULL)
        return 0;
    if (auth->scheme == AUTH_BASIC)
        return strncasecmp(given, "Basic ", 6) == 0 && basic_accepts(auth, given + 6);
    return strncasecmp(given, "Digest ", 7) == 0 && digest_accepts(auth, request, given + 7, nonce);
}

void auth_challenge(const struct auth *auth, const char *nonce, char *out, size_t size)
{
    if (auth->scheme == AUTH_DIGEST)
        snprintf(out, size, "WWW-Authenticate: Digest realm=\"%s\", nonce=\"%s\"\r\n", realm,
                 nonce);
    else
        snprintf(out, size, "WWW-Authenticate: Basic realm=\"%s\"\r\n", realm);
}
