#include "rtsp_url.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NOT_IN_HOSTS "\"<>\\^`{|}"
#define EXPECTED_URL "expected rtsp://[user[:password]@]host[:port]/path"

/* Offset of what follows "://", 0 when there is no such scheme. */
static size_t authority_begin(const char *url)
{
    size_t scheme = strspn(url, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");

    return strncmp(url + scheme, "://", 3) == 0 ? scheme + 3 : 0;
}

static size_t authority_end(const char *url, size_t begin)
{
    return begin + strcspn(url + begin, "/?#");
}

bool rtsp_url_find_userinfo(const char *url, size_t *begin, size_t *end)
{
    size_t at;

    *begin = *end = authority_begin(url);
    if (*begin == 0)
        return false;
    for (at = authority_end(url, *begin); at > *begin; at--) {
        if (url[at - 1] == '@') {
            *end = at - 1;
            return true;
        }
    }
    return false;
}

static const char *port_problem(const char *url, const char *port, size_t size)
{
    char *end;
    long number = strtol(port, &end, 10);

    if (size > 0 && size <= 5 && strspn(port, "0123456789") >= size && end == port + size &&
        number >= 1 && number <= 65535)
        return NULL;
    /* rtsp://user:pa/ss@host: what looks like host and port is user name and password. */
    if (strchr(url, '@') != NULL && strchr(url, '@') > port)
        return "\"/\", \"?\" or \"#\" in the user name or password, expected them "
               "percent-encoded or in the keys username and password";
    return "no port number after the host's colon, expected one from 1 to 65535";
}

static const char *host_problem(const char *url, size_t begin, size_t end)
{
    size_t size;

    if (url[begin] == '[') {
        size = strcspn(url + begin, "]");
        if (begin + size >= end || size == 1)
            return "an IPv6 address without its end, expected [address]";
        size++;
    } else {
        size = strcspn(url + begin, ":/?#");
    }
    if (begin + size > end || size == 0)
        return "no host in the URL, " EXPECTED_URL;
    if (strcspn(url + begin, NOT_IN_HOSTS) < size)
        return "a character that no host name has, " EXPECTED_URL;
    if (begin + size == end)
        return NULL;
    if (url[begin + size] != ':')
        return "something between host and port, " EXPECTED_URL;
    return port_problem(url, url + begin + size + 1, end - begin - size - 1);
}

static bool has_scheme(const char *url, const char *const *schemes)
{
    for (; *schemes != NULL; schemes++) {
        if (strncasecmp(url, *schemes, strlen(*schemes)) == 0)
            return true;
    }
    return false;
}

/* A file, a device or a graph of this machine. */
static const char *local_problem(const char *url)
{
    const char *path = url[0] == '/' ? url : strchr(url, ':') + 1;

    for (const char *c = url; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return "a control character in the URL, expected none";
    }
    if (strncasecmp(url, "lavfi:", 6) == 0)
        return *path != '\0' ? NULL : "no graph in the URL, expected lavfi:graph";
    if (strncmp(path, "///", 3) == 0)
        path += 2;
    return path[0] == '/' && path[1] != '/'
               ? NULL
               : "no absolute path in the URL, expected file:/path or v4l2:/dev/video0";
}

const char *rtsp_url_problem(const char *url)
{
    static const char *const remote[] = {"rtsp://", "rtsps://", "http://",  "https://",
                                         "srt://",  "rtmp://",  "rtmps://", NULL};
    static const char *const local[] = {"file:", "v4l2:", "lavfi:", "/", NULL};
    size_t begin, end, userinfo_begin, userinfo_end;

    if (has_scheme(url, local))
        return local_problem(url);
    if (!has_scheme(url, remote))
        return "no known kind of URL, " EXPECTED_URL
               " or one of rtsps, http, https, srt, rtmp, rtmps, or file:/path, v4l2:/dev/video0 "
               "or lavfi:graph";
    for (const char *c = url; *c != '\0'; c++) {
        if ((unsigned char)*c <= ' ' || *c == 0x7f)
            return "a blank or control character in the URL, expected it percent-encoded";
    }
    begin = authority_begin(url);
    end = authority_end(url, begin);
    if (rtsp_url_find_userinfo(url, &userinfo_begin, &userinfo_end))
        begin = userinfo_end + 1;
    return host_problem(url, begin, end);
}
