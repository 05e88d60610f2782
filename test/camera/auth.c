#include "auth.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <libavutil/base64.h>
#include <libavutil/error.h>
#include <libavutil/hash.h>
#include <libavutil/random_seed.h>

static const char realm[] = "rtspcam";

/* The ways to ask, by the words of the setting. */
struct scheme {
    const char *word;
    const char *hash; /* of libavutil; NULL: Basic */
    const char *algorithm;
    int is_named; /* the challenge says the algorithm */
    int asks_qop; /* quality of protection: the client counts its requests */
};

static const struct scheme schemes[] = {
    {"basic", NULL, "", 0, 0},
    {"digest", "MD5", "MD5", 0, 0},
    {"md5", "MD5", "MD5", 1, 1},
    {"sha256", "SHA256", "SHA-256", 1, 1},
    {"sha256-old", "SHA256", "SHA-256", 1, 0},
};

enum { HEX_SIZE = 2 * AV_HASH_MAX_SIZE + 1 };

/* A client's Digest credentials. */
struct credentials {
    char user[256], nonce[64], uri[512], response[HEX_SIZE], qop[16], nc[16], cnonce[128];
    char algorithm[32];
};

void auth_renew(struct auth_nonce *nonce)
{
    *nonce = (struct auth_nonce){0};
    snprintf(nonce->text, sizeof(nonce->text), "%08x%08x%08x%08x", (unsigned)av_get_random_seed(),
             (unsigned)av_get_random_seed(), (unsigned)av_get_random_seed(),
             (unsigned)av_get_random_seed());
}

/* The scheme that the offer's next word names; moves on behind it. NULL at the end. */
static const struct scheme *next_scheme(const char **offer)
{
    size_t length;

    *offer += strspn(*offer, ",+");
    length = strcspn(*offer, ",+");
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        if (strlen(schemes[i].word) == length && strncmp(schemes[i].word, *offer, length) == 0) {
            *offer += length;
            return &schemes[i];
        }
    }
    return NULL;
}

static int basic_accepts(const struct auth *auth, const char *given)
{
    char expected[512], decoded[512];
    int length;

    if (strncasecmp(given, "Basic ", 6) != 0)
        return 0;
    snprintf(expected, sizeof(expected), "%s:%s", auth->user, auth->password);
    length = av_base64_decode((uint8_t *)decoded, given + 6, sizeof(decoded) - 1);
    if (length < 0)
        return 0;
    decoded[length] = '\0';
    return strcmp(decoded, expected) == 0;
}

/* Hash of the parts joined by colons, in hexadecimal. `parts` ends with NULL. */
static void hash_hex(const struct scheme *scheme, char out[HEX_SIZE], const char *const *parts)
{
    struct AVHashContext *hash = NULL;

    out[0] = '\0';
    if (av_hash_alloc(&hash, scheme->hash) < 0)
        return;
    av_hash_init(hash);
    for (int i = 0; parts[i] != NULL; i++) {
        if (i > 0)
            av_hash_update(hash, (const uint8_t *)":", 1);
        av_hash_update(hash, (const uint8_t *)parts[i], strlen(parts[i]));
    }
    av_hash_final_hex(hash, (uint8_t *)out, HEX_SIZE);
    av_hash_freep(&hash);
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

static void read_credentials(struct credentials *out, const char *list)
{
    parameter(list, "username", out->user, sizeof(out->user));
    parameter(list, "nonce", out->nonce, sizeof(out->nonce));
    parameter(list, "uri", out->uri, sizeof(out->uri));
    parameter(list, "response", out->response, sizeof(out->response));
    parameter(list, "qop", out->qop, sizeof(out->qop));
    parameter(list, "nc", out->nc, sizeof(out->nc));
    parameter(list, "cnonce", out->cnonce, sizeof(out->cnonce));
    parameter(list, "algorithm", out->algorithm, sizeof(out->algorithm));
}

/* As strict as the strictest camera: the digest counts for this very request only. */
static int is_for_this_request(const struct credentials *given, const struct scheme *scheme,
                               const struct auth *auth, const struct rtsp_request *request,
                               const struct auth_nonce *nonce)
{
    const char *algorithm = given->algorithm[0] != '\0' ? given->algorithm : "MD5";

    if (strcmp(given->user, auth->user) != 0 || strcmp(given->nonce, nonce->text) != 0 ||
        strcmp(given->uri, request->uri) != 0 || strcasecmp(algorithm, scheme->algorithm) != 0)
        return 0;
    if (!scheme->asks_qop)
        return 1;
    return strcmp(given->qop, "auth") == 0 && given->cnonce[0] != '\0' && strlen(given->nc) == 8 &&
           strtoul(given->nc, NULL, 16) > nonce->count;
}

static int digest_accepts(const struct scheme *scheme, const struct auth *auth,
                          const struct rtsp_request *request, const char *header,
                          struct auth_nonce *nonce)
{
    struct credentials given;
    char ha1[HEX_SIZE], ha2[HEX_SIZE], expected[HEX_SIZE];

    if (strncasecmp(header, "Digest ", 7) != 0)
        return 0;
    read_credentials(&given, header + 7);
    if (!is_for_this_request(&given, scheme, auth, request, nonce))
        return 0;

    hash_hex(scheme, ha1, (const char *const[]){given.user, realm, auth->password, NULL});
    hash_hex(scheme, ha2, (const char *const[]){request->method, given.uri, NULL});
    if (given.qop[0] != '\0')
        hash_hex(
            scheme, expected,
            (const char *const[]){ha1, nonce->text, given.nc, given.cnonce, given.qop, ha2, NULL});
    else
        hash_hex(scheme, expected, (const char *const[]){ha1, nonce->text, ha2, NULL});
    if (strcasecmp(expected, given.response) != 0)
        return 0;
    nonce->count = strtoul(given.nc, NULL, 16);
    return 1;
}

enum auth_verdict auth_check(const struct auth *auth, const char *offer,
                             const struct rtsp_request *request, int requests,
                             struct auth_nonce *nonce)
{
    const char *given = rtsp_request_header(request, "Authorization");
    const struct scheme *scheme;

    if (auth->user == NULL)
        return AUTH_ACCEPTED;
    if (given == NULL)
        return AUTH_REFUSED;
    while ((scheme = next_scheme(&offer)) != NULL) {
        if (scheme->hash == NULL && basic_accepts(auth, given))
            return AUTH_ACCEPTED;
        if (scheme->hash == NULL || !digest_accepts(scheme, auth, request, given, nonce))
            continue;
        if (requests == 0 || ++nonce->requests <= requests)
            return AUTH_ACCEPTED;
        auth_renew(nonce);
        return AUTH_STALE;
    }
    return AUTH_REFUSED;
}

/* One challenge, without header name and line end. Returns its length. */
static int write_challenge(const struct scheme *scheme, const struct auth_nonce *nonce,
                           int is_stale, char *out, size_t size)
{
    if (scheme->hash == NULL)
        return snprintf(out, size, "Basic realm=\"%s\"", realm);
    return snprintf(out, size, "Digest realm=\"%s\", nonce=\"%s\"%s%s%s%s", realm, nonce->text,
                    scheme->is_named ? ", algorithm=" : "",
                    scheme->is_named ? scheme->algorithm : "",
                    scheme->asks_qop ? ", qop=\"auth\"" : "", is_stale ? ", stale=true" : "");
}

void auth_challenge(const char *offer, const struct auth_nonce *nonce, int is_stale, char *out,
                    size_t size)
{
    const struct scheme *scheme;
    const char *before = "WWW-Authenticate: ";
    size_t used = 0;

    out[0] = '\0';
    while ((scheme = next_scheme(&offer)) != NULL && used < size) {
        used += (size_t)snprintf(out + used, size - used, "%s", before);
        if (used < size)
            used += (size_t)write_challenge(scheme, nonce, is_stale, out + used, size - used);
        before = *offer == '+' ? ", " : "\r\nWWW-Authenticate: ";
    }
    if (used < size)
        snprintf(out + used, size - used, "\r\n");
}
