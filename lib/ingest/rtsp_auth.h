/*
 * Answers to 401: Basic (RFC 7617) and Digest with MD5 and SHA-256 (RFC 2617, RFC 7616), qop "auth"
 * or none. The strongest challenge that we know is answered: SHA-256, MD5, Basic. Pure but for the
 * client's nonce, which is an argument.
 */
#ifndef INGEST_RTSP_AUTH_H
#define INGEST_RTSP_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ingest/rtsp_message.h"

enum rtsp_auth_scheme { RTSP_AUTH_NONE, RTSP_AUTH_BASIC, RTSP_AUTH_MD5, RTSP_AUTH_SHA256 };

/* What the server asked for; no credentials. {0}: nothing yet. Values without quotes and escapes.
 */
struct rtsp_auth {
    enum rtsp_auth_scheme scheme;
    bool has_qop, has_algorithm;
    bool has_opaque;
    char realm[256], nonce[512], opaque[512];
    uint32_t nonce_count; /* of requests with this nonce */
};

/*
 * Takes the challenges (WWW-Authenticate, all of them) of a 401 reply. A nonce that was there
 * before goes on being counted.
 *
 * Returns 0, RTSPREC_ERROR_UNSUPPORTED when there is none that we know (MD5-sess, auth-int and the
 * like), RTSPREC_ERROR_PROTOCOL when one is larger than fits or has control characters. After an
 * error auth is as it was.
 */
int rtsp_auth_challenge(struct rtsp_auth *auth, const struct rtsp_message *reply);

/*
 * Writes the header "Authorization: …\r\n", or "" when nothing was asked for. cnonce: random
 * hexadecimal digits. The text is a secret: the caller overwrites it after use.
 *
 * Returns 0, RTSPREC_ERROR_INVALID when it does not fit or something has control characters,
 * RTSPREC_ERROR_NO_MEMORY; out is "" after an error.
 */
int rtsp_auth_header(char *out, size_t size, struct rtsp_auth *auth, const char *username,
                     const char *password, const char *method, const char *uri, const char *cnonce);

#endif
