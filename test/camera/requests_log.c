#include "requests_log.h"

#include <inttypes.h>
#include <string.h>

#include "clock.h"

/* The URL without the login that it may contain. */
static void write_url(FILE *log, const char *url)
{
    const char *host = strstr(url, "://");
    size_t authority;

    if (host == NULL) {
        fputs(url, log);
        return;
    }
    host += 3;
    authority = strcspn(host, "/?");
    for (size_t i = authority; i > 0; i--) {
        if (host[i - 1] == '@') {
            fprintf(log, "%.*sLOGIN@%s", (int)(host - url), url, host + i);
            return;
        }
    }
    fputs(url, log);
}

void requests_log_write(FILE *log, const struct rtsp_request *request, const char *path,
                        int connection, int status)
{
    const char *sequence = rtsp_request_header(request, "CSeq");
    const char *credentials = rtsp_request_header(request, "Authorization");

    if (log == NULL)
        return;
    fprintf(log, "%" PRId64 "\t%s\t%s\t%s\t", clock_unix_us(), path[0] != '\0' ? path : "-",
            request->method, sequence != NULL ? sequence : "-");
    write_url(log, request->uri);
    if (credentials != NULL)
        fprintf(log, "\t%.*s", (int)strcspn(credentials, " \t"), credentials);
    else
        fputs("\t-", log);
    fprintf(log, "\t%d\t%d\n", connection, status);
}
