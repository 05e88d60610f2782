/*
 * Who may watch: Basic and Digest, with MD5 or SHA-256, as RFC 7617 and RFC 7616 say.
 */
#ifndef CAMERA_AUTH_H
#define CAMERA_AUTH_H

#include <stddef.h>

#include "rtsp_message.h"

/** Whom the cameras let in; a user of NULL: everybody. */
struct auth {
    const char *user, *password;
    const char *offer; /**< the challenges of paths that set none of their own */
};

enum { AUTH_NONCE_SIZE = 33 };

/** The nonce that counts at present on a connection, and what was done with it. */
struct auth_nonce {
    char text[AUTH_NONCE_SIZE]; /**< 32 hexadecimal digits */
    int requests;               /**< that it has let in */
    unsigned long count;        /**< the last nc, which has to increase */
};

enum auth_verdict {
    AUTH_ACCEPTED,
    AUTH_REFUSED, /**< no credentials, or wrong ones */
    AUTH_STALE,   /**< right, but the nonce has served: there is a new one */
};

void auth_renew(struct auth_nonce *nonce);

/**
 * Judges the request's credentials.
 *
 * @param offer     the challenges: words as the setting `auth` has them
 * @param requests  how many requests a nonce lets in; 0: any number
 */
enum auth_verdict auth_check(const struct auth *auth, const char *offer,
                             const struct rtsp_request *request, int requests,
                             struct auth_nonce *nonce);

/** Writes the WWW-Authenticate header lines with their line ends. */
void auth_challenge(const char *offer, const struct auth_nonce *nonce, int is_stale, char *out,
                    size_t size);

#endif
