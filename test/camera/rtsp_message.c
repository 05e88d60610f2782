#include "rtsp_message.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Cuts the line at `*cursor` off and moves on to the next; NULL: no line is left. */
static char *next_line(char **cursor)
{
    char *line = *cursor, *end = strstr(line, "\r\n");

    if (end == NULL)
        return NULL;
    *end = '\0';
    *cursor = end + 2;
    return line;
}

static int parse_first_line(struct rtsp_request *request, char *line)
{
    char *space = strchr(line, ' ');
    char *last = strrchr(line, ' ');

    request->status = 0;
    if (space != NULL && strncmp(line, "RTSP/1.", 7) == 0) {
        request->method = "ANSWER";
        request->uri = "-";
        request->status = atoi(space + 1);
        return request->status > 0 ? 0 : -1;
    }
    if (space == NULL || space == last || strncmp(last + 1, "RTSP/1.", 7) != 0)
        return -1;
    *space = *last = '\0';
    request->method = line;
    request->uri = space + 1;
    return 0;
}

static int parse_header(struct rtsp_request *request, char *line)
{
    struct rtsp_header *header = &request->headers[request->header_count];
    char *colon = strchr(line, ':');

    if (colon == NULL)
        return -1;
    if (request->header_count == sizeof(request->headers) / sizeof(request->headers[0]))
        return -1;
    *colon = '\0';
    header->name = line;
    header->value = colon + 1 + strspn(colon + 1, " \t");
    request->header_count++;
    return 0;
}

int rtsp_request_parse(struct rtsp_request *request, const char *data, size_t size)
{
    const char *end = memmem(data, size, "\r\n\r\n", 4);
    char *cursor = request->text, *line;
    const char *length;
    size_t header_size;

    if (end == NULL)
        return size > RTSP_MAX_REQUEST ? -1 : 0;
    header_size = (size_t)(end - data) + 4;
    if (header_size > RTSP_MAX_REQUEST)
        return -1;
    memcpy(request->text, data, header_size);
    request->text[header_size] = '\0';
    request->header_count = 0;

    if ((line = next_line(&cursor)) == NULL || parse_first_line(request, line) < 0)
        return -1;
    while ((line = next_line(&cursor)) != NULL && line[0] != '\0') {
        if (parse_header(request, line) < 0)
            return -1;
    }
    length = rtsp_request_header(request, "Content-Length");
    request->body_size = length != NULL ? strtoul(length, NULL, 10) : 0;
    return request->body_size <= RTSP_MAX_REQUEST ? (int)header_size : -1;
}

const char *rtsp_request_header(const struct rtsp_request *request, const char *name)
{
    for (int i = 0; i < request->header_count; i++) {
        if (strcasecmp(request->headers[i].name, name) == 0)
            return request->headers[i].value;
    }
    return NULL;
}

int rtsp_url_path(const char *url, char *path, size_t path_size, int *control)
{
    const char *start = strstr(url, "://"), *query, *last;
    size_t length;

    *control = -1;
    if (start == NULL)
        return -1;
    start += 3;
    start += strcspn(start, "/?");
    length = strcspn(start, "?");
    query = start + length;
    /* Where the base has a query, the track's name comes behind it. */
    if ((last = strstr(start, "/streamid=")) != NULL) {
        *control = atoi(last + 10);
        if (last < query)
            length = (size_t)(last - start);
    }
    if (length >= path_size)
        return -1;
    memcpy(path, start, length);
    path[length] = '\0';
    for (; length > 0 && path[length - 1] == '/'; length--)
        path[length - 1] = '\0';
    return 0;
}
