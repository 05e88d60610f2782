#include "ingest/rtsp_auth.h"

#include <stdio.h>
#include <string.h>

#include <libavutil/base64.h>
#include <libavutil/md5.h>
#include <libavutil/mem.h>
#include <libavutil/sha.h>

#include <rtsprec/error.h>

#define MAX_HEX_DIGITS 64

/* ---- Challenges ---- */

/* One challenge as it is read; rejected when it asks for what we do not know. */
struct challenge {
    struct rtsp_auth auth;
    bool is_rejected;
};

static bool is_token(char c)
{
    return c > ' ' && c < 0x7f && !strchr("()<>@,;:\\\"/[]?={}", c);
}

static void skip_any(struct text *text, const char *characters)
{
    while (text->size && text->data[0] && strchr(characters, text->data[0])) {
        text->data++;
        text->size--;
    }
}

static struct text take_token(struct text *rest)
{
    struct text token = {rest->data, 0};
    while (token.size < rest->size && is_token(rest->data[token.size]))
        token.size++;
    rest->data += token.size;
    rest->size -= token.size;
    return token;
}

/* Takes a parameter's value off *rest: a quoted string, with its quotes, or all up to the comma;
 * some servers forget the quotes of a nonce that is no token. */
static struct text take_value(struct text *rest)
{
    struct text value = {rest->data, 0};
    if (rest->size && rest->data[0] == '"') {
        value.size = 1;
        while (value.size < rest->size && rest->data[value.size] != '"')
            value.size += rest->data[value.size] == '\\' ? 2 : 1;
        value.size = value.size < rest->size ? value.size + 1 : rest->size;
    } else {
        while (value.size < rest->size && rest->data[value.size] != ',')
            value.size++;
    }
    rest->data += value.size;
    rest->size -= value.size;
    return text_trim(value);
}

/* Copies a value without its quotes and escapes. */
static int copy_value(char *out, size_t size, struct text value)
{
    size_t used = 0, end = value.size;
    bool is_quoted = value.size > 0 && value.data[0] == '"';
    if (is_quoted && end > 1 && value.data[end - 1] == '"')
        end--;
    for (size_t i = is_quoted ? 1 : 0; i < end; i++) {
        if (is_quoted && value.data[i] == '\\' && i + 1 < end)
            i++;
        unsigned char c = (unsigned char)value.data[i];
        if (c < ' ' || c == 0x7f || used + 1 >= size)
            return RTSPREC_ERROR_PROTOCOL;
        out[used++] = (char)c;
    }
    out[used] = '\0';
    return 0;
}

/* "auth,auth-int": whether "auth" is among them; nothing at all is as if it was not said. */
static void read_qop(struct challenge *challenge, char *list)
{
    struct text rest = text_trim((struct text){list, strlen(list)});
    if (!rest.size)
        return;
    while (rest.data && !challenge->auth.has_qop)
        challenge->auth.has_qop = text_equals(text_trim(text_split(&rest, ',')), "auth");
    if (!challenge->auth.has_qop)
        challenge->is_rejected = true;
}

static void read_algorithm(struct challenge *challenge, const char *name)
{
    struct text algorithm = text_trim((struct text){name, strlen(name)});
    challenge->auth.has_algorithm = true;
    if (text_equals(algorithm, "SHA-256"))
        challenge->auth.scheme = RTSP_AUTH_SHA256;
    else if (!text_equals(algorithm, "MD5"))
        challenge->is_rejected = true;
}

static int read_parameter(struct challenge *challenge, struct text name, struct text value)
{
    struct rtsp_auth *auth = &challenge->auth;
    if (text_equals(name, "realm"))
        return copy_value(auth->realm, sizeof(auth->realm), value);
    if (auth->scheme == RTSP_AUTH_BASIC)
        return 0;
    if (text_equals(name, "nonce"))
        return copy_value(auth->nonce, sizeof(auth->nonce), value);
    if (text_equals(name, "opaque")) {
        auth->has_opaque = true;
        return copy_value(auth->opaque, sizeof(auth->opaque), value);
    }
    char word[64];
    bool is_qop = text_equals(name, "qop"), is_algorithm = text_equals(name, "algorithm");
    if (!is_qop && !is_algorithm)
        return 0;
    int err = copy_value(word, sizeof(word), value);
    if (err < 0)
        return err;
    if (is_qop)
        read_qop(challenge, word);
    else
        read_algorithm(challenge, word);
    return 0;
}

/* Takes the next challenge off *rest, which is not empty. */
static int take_challenge(struct challenge *challenge, struct text *rest)
{
    *challenge = (struct challenge){0};
    struct text scheme = take_token(rest);
    bool is_digest = text_equals(scheme, "Digest");
    if (is_digest)
        challenge->auth.scheme = RTSP_AUTH_MD5;
    else if (text_equals(scheme, "Basic"))
        challenge->auth.scheme = RTSP_AUTH_BASIC;
    else
        challenge->is_rejected = true;
    for (;;) {
        skip_any(rest, ", \t");
        struct text before = *rest;
        struct text name = take_token(rest);
        skip_any(rest, " \t");
        if (!rest->size || rest->data[0] != '=') {
            /* A scheme follows, or something that is none of all this. */
            *rest = before;
            if (!name.size && rest->size)
                take_value(rest);
            break;
        }
        skip_any(rest, "= \t");
        struct text value = take_value(rest);
        int err = challenge->is_rejected ? 0 : read_parameter(challenge, name, value);
        if (err < 0)
            return err;
    }
    if (is_digest && !challenge->auth.nonce[0])
        challenge->is_rejected = true;
    return 0;
}

int rtsp_auth_challenge(struct rtsp_auth *auth, const struct rtsp_message *reply)
{
    struct rtsp_auth best = {0};
    struct text rest;
    for (int i = 0; (rest = rtsp_header(reply, "WWW-Authenticate", i)).data; i++) {
        while (skip_any(&rest, ", \t"), rest.size) {
            struct challenge challenge;
            int err = take_challenge(&challenge, &rest);
            if (err < 0)
                return err;
            if (!challenge.is_rejected && challenge.auth.scheme > best.scheme)
                best = challenge.auth;
        }
    }
    if (best.scheme == RTSP_AUTH_NONE)
        return RTSPREC_ERROR_UNSUPPORTED;
    if (best.scheme == auth->scheme && !strcmp(best.nonce, auth->nonce))
        best.nonce_count = auth->nonce_count;
    *auth = best;
    return 0;
}

/* ---- Answers ---- */

/* Text that is put together; after the first piece that does not fit, or must not be sent, it stays
 * as it is. */
struct writer {
    char *out;
    size_t size, used;
    bool is_broken;
};

static void write_text(struct writer *writer, const char *text)
{
    for (; *text && !writer->is_broken; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < ' ' || c == 0x7f || writer->used + 1 >= writer->size)
            writer->is_broken = true;
        else
            writer->out[writer->used++] = (char)c;
    }
}

static void write_quoted(struct writer *writer, const char *name, const char *value)
{
    write_text(writer, name);
    write_text(writer, "=\"");
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            write_text(writer, "\\");
        write_text(writer, (const char[]){*value, '\0'});
    }
    write_text(writer, "\"");
}

/* Writes the digest of the parts with colons between them, up to a part NULL, in hexadecimal. */
static int digest(char out[MAX_HEX_DIGITS + 1], enum rtsp_auth_scheme scheme,
                  const char *const *parts)
{
    bool is_md5 = scheme == RTSP_AUTH_MD5;
    uint8_t bytes[32];
    int length = is_md5 ? 16 : 32;
    struct AVMD5 *md5 = is_md5 ? av_md5_alloc() : NULL;
    struct AVSHA *sha = is_md5 ? NULL : av_sha_alloc();
    int err = RTSPREC_ERROR_NO_MEMORY;
    if (!md5 && !sha)
        goto done;
    if (md5)
        av_md5_init(md5);
    else
        av_sha_init(sha, 256);
    for (int i = 0; parts[i]; i++) {
        const char *pieces[] = {i ? ":" : "", parts[i]};
        for (int j = 0; j < 2; j++) {
            const uint8_t *data = (const uint8_t *)pieces[j];
            if (md5)
                av_md5_update(md5, data, strlen(pieces[j]));
            else
                av_sha_update(sha, data, strlen(pieces[j]));
        }
    }
    if (md5)
        av_md5_final(md5, bytes);
    else
        av_sha_final(sha, bytes);
    for (int i = 0; i < length; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    err = 0;

done:
    /* They remember what was hashed last. */
    if (md5)
        explicit_bzero(md5, (size_t)av_md5_size);
    if (sha)
        explicit_bzero(sha, (size_t)av_sha_size);
    av_free(md5);
    av_free(sha);
    return err;
}

static int write_basic(struct writer *writer, const char *username, const char *password)
{
    size_t size = strlen(username) + strlen(password) + 2;
    size_t base64_size = AV_BASE64_SIZE(size);
    char *both = av_malloc(size), *base64 = av_malloc(base64_size);
    int err = RTSPREC_ERROR_NO_MEMORY;
    if (both && base64 && size < writer->size) {
        snprintf(both, size, "%s:%s", username, password);
        av_base64_encode(base64, (int)base64_size, (const uint8_t *)both, (int)size - 1);
        write_text(writer, "Authorization: Basic ");
        write_text(writer, base64);
        explicit_bzero(base64, base64_size);
        err = 0;
    } else if (both && base64) {
        writer->is_broken = true;
        err = 0;
    }
    if (both)
        explicit_bzero(both, size);
    av_free(both);
    av_free(base64);
    return err;
}

/* The response to the challenge; count is that of the nonce. */
static int respond(char out[MAX_HEX_DIGITS + 1], const struct rtsp_auth *auth, const char *username,
                   const char *password, const char *method, const char *uri, const char *count,
                   const char *cnonce)
{
    char secret[MAX_HEX_DIGITS + 1] = "", request[MAX_HEX_DIGITS + 1] = "";
    int err = digest(secret, auth->scheme, (const char *[]){username, auth->realm, password, NULL});
    if (err < 0 || (err = digest(request, auth->scheme, (const char *[]){method, uri, NULL})) < 0)
        goto done;
    if (auth->has_qop)
        err = digest(out, auth->scheme,
                     (const char *[]){secret, auth->nonce, count, cnonce, "auth", request, NULL});
    else
        err = digest(out, auth->scheme, (const char *[]){secret, auth->nonce, request, NULL});

done:
    explicit_bzero(secret, sizeof(secret));
    return err;
}

static int write_digest(struct writer *writer, struct rtsp_auth *auth, const char *username,
                        const char *password, const char *method, const char *uri,
                        const char *cnonce)
{
    char response[MAX_HEX_DIGITS + 1] = "", count[9];
    snprintf(count, sizeof(count), "%08x", auth->nonce_count + 1);
    int err = respond(response, auth, username, password, method, uri, count, cnonce);
    if (err < 0)
        return err;

    write_quoted(writer, "Authorization: Digest username", username);
    write_quoted(writer, ", realm", auth->realm);
    write_quoted(writer, ", nonce", auth->nonce);
    write_quoted(writer, ", uri", uri);
    write_quoted(writer, ", response", response);
    if (auth->has_algorithm)
        write_text(writer,
                   auth->scheme == RTSP_AUTH_MD5 ? ", algorithm=MD5" : ", algorithm=SHA-256");
    if (auth->has_opaque)
        write_quoted(writer, ", opaque", auth->opaque);
    if (auth->has_qop) {
        write_text(writer, ", qop=auth, nc=");
        write_text(writer, count);
        write_quoted(writer, ", cnonce", cnonce);
    }
    auth->nonce_count++;
    return 0;
}

int rtsp_auth_header(char *out, size_t size, struct rtsp_auth *auth, const char *username,
                     const char *password, const char *method, const char *uri, const char *cnonce)
{
    if (size == 0)
        return RTSPREC_ERROR_INVALID;
    struct writer writer = {.out = out, .size = size};
    int err = 0;
    out[0] = '\0';
    if (auth->scheme == RTSP_AUTH_NONE)
        return 0;
    if (auth->scheme == RTSP_AUTH_BASIC)
        err = write_basic(&writer, username, password);
    else
        err = write_digest(&writer, auth, username, password, method, uri, cnonce);
    if (err == 0 && (writer.is_broken || size - writer.used < 3))
        err = RTSPREC_ERROR_INVALID;
    if (err < 0) {
        explicit_bzero(out, size);
        return err;
    }
    memcpy(out + writer.used, "\r\n", 3);
    return 0;
}
