/*
 * Who may watch: Basic and Digest (MD5) as RFC 7617 and RFC 7616 say.
 */
#ifndef CAMERA_AUTH_H
#define CAMERA_AUTH_H

#include <stddef.h>

#include "rtsp_message.h"

enum auth_scheme { AUTH_NONE, AUTH_BASIC, AUTH_DIGEST };

struct auth {
    enum auth_scheme scheme;
    const char *user, *password;
};

enum { AUTH_NONCE_SIZE = 33 };

/** A new nonce, 32 hexadecimal digits. */
void auth_make_nonce(char nonce[AUTH_NONCE_SIZE]);

/** Whether the request carries the right credentials for @p nonce. */
int auth_accepts(const struct auth *auth, const struct rtsp_request *request, const char *nonce);

/** Writes the WWW-Authenticate header line with its line end. */
void auth_challenge(const struct auth *auth, const char *nonce, char *out, size_t size);

#endif
