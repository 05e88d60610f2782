/*
 * The shape of the URL of a camera, as far as a configuration can be told what is wrong with it.
 * Messages never quote it: it may hold a password.
 */
#ifndef RTSPRECD_RTSP_URL_H
#define RTSPRECD_RTSP_URL_H

#include <stdbool.h>
#include <stddef.h>

/* "what, expected what", a constant string, or NULL when the URL is good. */
const char *rtsp_url_problem(const char *url);

/*
 * Finds "user:password", what stands before the last @ of the authority. Works on a text with
 * ${NAME} in it too. False: there is none, and *begin == *end.
 */
bool rtsp_url_find_userinfo(const char *url, size_t *begin, size_t *end);

#endif
