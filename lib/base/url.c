#include "base/url.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A "%" that two hexadecimal digits do not follow stands for itself. */
static char *percent_decode(const char *text, size_t length)
{
    char *out = malloc(length + 1);
    if (!out)
        return NULL;
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        int high = -1, low = -1;
        if (text[i] == '%' && i + 2 < length) {
            high = hex_value(text[i + 1]);
            low = hex_value(text[i + 2]);
        }
        if (high >= 0 && low >= 0 && (high | low) != 0) {
            out[used++] = (char)(high * 16 + low);
            i += 2;
        } else {
            out[used++] = text[i];
        }
    }
    out[used] = '\0';
    return out;
}

/* Appends text to out with everything but RFC 3986's unreserved characters encoded. */
static char *percent_encode_to(char *out, const char *text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if ((c < 0x80 && isalnum(c)) || strchr("-._~", c)) {
            *out++ = (char)c;
        } else {
            *out++ = '%';
            *out++ = digits[c >> 4];
            *out++ = digits[c & 15];
        }
    }
    *out = '\0';
    return out;
}

static int parse_userinfo(struct url *url, const char *text, size_t length,
                          struct rtsprec_error *error)
{
    const char *colon = memchr(text, ':', length);
    size_t name_length = colon ? (size_t)(colon - text) : length;
    url->username = percent_decode(text, name_length);
    if (colon)
        url->password = percent_decode(colon + 1, length - name_length - 1);
    if (!url->username || (colon && !url->password))
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "url: out of memory");
    return 0;
}

static bool host_is_sane(const char *host)
{
    if (!*host)
        return false;
    for (; *host; host++) {
        unsigned char c = (unsigned char)*host;
        if (c <= ' ' || c == 0x7f || strchr("\"<>\\^`{|}@/?#", c))
            return false;
    }
    return true;
}

static int parse_port(struct url *url, const char *text, size_t length, struct rtsprec_error *error)
{
    int port = 0;
    for (size_t i = 0; i < length; i++) {
        if (!isdigit((unsigned char)text[i]) || port > 65535)
            port = 65536;
        else
            port = port * 10 + (text[i] - '0');
    }
    if (port < 1 || port > 65535)
        return error_set(
            error, RTSPREC_ERROR_INVALID,
            "url: the port is not valid, expected 1 to 65535 (in a password \":\", \"/\" "
            "and \"@\" are written %%3A, %%2F and %%40)");
    url->port = port;
    return 0;
}

static int parse_host(struct url *url, const char *text, size_t length, struct rtsprec_error *error)
{
    const char *end = text + length;
    const char *host_end, *rest;
    if (length && *text == '[') {
        text++;
        host_end = memchr(text, ']', (size_t)(end - text));
        rest = host_end ? host_end + 1 : NULL;
        if (!host_end || (rest != end && *rest != ':'))
            return error_set(error, RTSPREC_ERROR_INVALID,
                             "url: the IPv6 address is not valid, expected [address] or "
                             "[address]:port");
    } else {
        host_end = memchr(text, ':', length);
        if (!host_end)
            host_end = end;
        rest = host_end;
    }
    url->host = strndup(text, (size_t)(host_end - text));
    if (!url->host)
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "url: out of memory");
    if (!host_is_sane(url->host))
        return error_set(
            error, RTSPREC_ERROR_INVALID,
            "url: there is no valid host, expected rtsp://host/path, user:password@ and "
            ":port as needed");
    return rest < end ? parse_port(url, rest + 1, (size_t)(end - rest - 1), error) : 0;
}

/* Those before the bar have a host, those after it are on this machine. */
static const char *const schemes[] = {"rtsp",  "rtsps", "http", "https", "srt",  "rtmp",
                                      "rtmps", "|",     "file", "v4l2",  "lavfi"};

/* The scheme that text begins with, in *out, NULL when it is not known; whether it has a host. */
static bool find_scheme(const char **out, const char *text)
{
    bool has_host = true;
    *out = NULL;
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]) && !*out; i++) {
        size_t length = strlen(schemes[i]);
        if (*schemes[i] == '|')
            has_host = false;
        else if (!strncasecmp(text, schemes[i], length) &&
                 !strncmp(text + length, has_host ? "://" : ":", has_host ? 3 : 1))
            *out = schemes[i];
    }
    if (!*out && *text == '/')
        *out = "file";
    return *out && has_host && *text != '/';
}

/* What stands on this machine: a path or a graph, in which spaces are allowed. */
static int parse_local(struct url *url, const char *text, struct rtsprec_error *error)
{
    const char *path = *text == '/' ? text : text + strlen(url->scheme) + 1;
    bool is_graph = !strcmp(url->scheme, "lavfi");
    if (!is_graph && !strncmp(path, "///", 3))
        path += 2;
    if (is_graph ? !*path : *path != '/' || path[1] == '/')
        return error_set(error, RTSPREC_ERROR_INVALID,
                         "url: expected file:/path, v4l2:/dev/video0 or lavfi:graph");
    url->path = strdup(path);
    return url->path ? 0 : error_set(error, RTSPREC_ERROR_NO_MEMORY, "url: out of memory");
}

int url_parse(struct url *url, const char *text, struct rtsprec_error *error)
{
    *url = (struct url){0};
    const char *scheme;
    bool has_host = find_scheme(&scheme, text);
    if (!scheme)
        return error_set(error, RTSPREC_ERROR_INVALID,
                         "url: expected rtsp://host/path, or one of rtsps, http, https, srt, rtmp "
                         "and rtmps, or file:/path, v4l2:/dev/video0 or lavfi:graph");
    for (const char *c = text; *c; c++) {
        if ((unsigned char)*c < ' ' || (*c == ' ' && has_host) || *c == 0x7f)
            return error_set(
                error, RTSPREC_ERROR_INVALID,
                "url: has a space or a control character, expected them written as %%20");
    }
    url->scheme = strdup(scheme);
    if (!url->scheme)
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "url: out of memory");
    if (!has_host)
        return parse_local(url, text, error);

    const char *authority = text + strlen(scheme) + 3;
    size_t length = strcspn(authority, "/?#");
    /* The last @ ends the user information: a raw @ in a password is common. */
    const char *at = memrchr(authority, '@', length);
    const char *host = at ? at + 1 : authority;
    const char *path = authority + length;

    int err = 0;
    url->path = strdup(path);
    if (!url->path)
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "url: out of memory");
    if (at && (err = parse_userinfo(url, authority, (size_t)(at - authority), error)) < 0)
        return err;
    return parse_host(url, host, (size_t)(path - host), error);
}

void url_uninit(struct url *url)
{
    free(url->scheme);
    free(url->username);
    secret_free(url->password);
    free(url->host);
    free(url->path);
    *url = (struct url){0};
}

bool url_is_rtsp(const struct url *url)
{
    return !strncmp(url->scheme, "rtsp", 4);
}

bool url_is_encrypted(const struct url *url)
{
    return !strcmp(url->scheme, "rtsps") || !strcmp(url->scheme, "https") ||
           !strcmp(url->scheme, "rtmps");
}

char *url_format(const struct url *url)
{
    const char *user = url->username ? url->username : "";
    const char *password = url->password ? url->password : "";
    size_t size = strlen(url->scheme) + 3 * strlen(user) + 3 * strlen(password) +
                  (url->host ? strlen(url->host) : 0) + strlen(url->path) + 32;
    char *text = malloc(size);
    if (!text)
        return NULL;
    if (!url->host) {
        sprintf(text, "%s:%s", url->scheme, url->path);
        return text;
    }
    char *end = text + sprintf(text, "%s://", url->scheme);
    if (*user || *password) {
        end = percent_encode_to(end, user);
        if (url->password) {
            *end++ = ':';
            end = percent_encode_to(end, password);
        }
        *end++ = '@';
    }
    bool brackets = strchr(url->host, ':') != NULL;
    end += sprintf(end, "%s%s%s", brackets ? "[" : "", url->host, brackets ? "]" : "");
    if (url->port)
        end += sprintf(end, ":%d", url->port);
    memcpy(end, url->path, strlen(url->path) + 1);
    return text;
}

void secret_free(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}
