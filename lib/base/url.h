/*
 * Where a camera is found, in its parts, with the credentials taken out: a URL with a host, or
 * "file:/path", "v4l2:/dev/video0", "lavfi:graph". A path alone is that of a file.
 */
#ifndef BASE_URL_H
#define BASE_URL_H

#include <stdbool.h>

#include <rtsprec/error.h>

struct url {
    char *scheme;              /* in lower case: "rtsp", "https", "file" */
    char *username, *password; /* decoded; NULL when the URL has none */
    char *host;                /* without the brackets of an IPv6 address; NULL: on this machine */
    int port;                  /* 0 when the URL has none */
    char *path;                /* with the query, begins with "/" or "?"; "" when there is none.
                                  Without a host: all that follows the scheme */
};

/*
 * Takes text apart; the url is owned by the caller and needs url_uninit() after success and failure
 * alike. A message never repeats the text, of which any part may belong to a password.
 *
 * Returns 0, RTSPREC_ERROR_INVALID or RTSPREC_ERROR_NO_MEMORY.
 */
int url_parse(struct url *url, const char *text, struct rtsprec_error *error);
void url_uninit(struct url *url);

bool url_is_rtsp(const struct url *url);

/* Whether its scheme is one of TLS, where a certificate proves the host. */
bool url_is_encrypted(const struct url *url);

/* The URL with percent-encoded credentials; allocated, NULL when there is no memory. */
char *url_format(const struct url *url);

/* Overwrites a secret and frees it; NULL is ignored. */
void secret_free(char *secret);

#endif
