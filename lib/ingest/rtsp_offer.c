#include "ingest/rtsp_offer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "ingest/failure.h"

#define MAX_REDIRECTS 3

static int no_memory(struct rtsprec_error *error)
{
    return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
}

static bool is_tls(const struct url *url)
{
    return strcmp(url->scheme, "rtsps") == 0;
}

static int connect_client(struct rtsp_offer *offer, struct rtsprec_error *error)
{
    const struct source_options *options = &offer->options;
    int err =
        resolver_lookup(options->resolver, offer->url.host, options->cancel, offer->address, error);
    if (err < 0)
        return err;
    struct connection_options connection = {
        .address = offer->address,
        .host = offer->url.host,
        .port = offer->url.port       ? offer->url.port
                : is_tls(&offer->url) ? 322
                                      : 554,
        .is_tls = is_tls(&offer->url),
        .is_verified = options->tls_verify == RTSPREC_TLS_VERIFY,
        .ca_file = options->tls_ca_file,
        .cancel = options->cancel,
    };
    return rtsp_client_open(&offer->client, &connection, options->url->username,
                            options->url->password, error);
}

/* Copies what requests are made of. */
static int set_url(struct rtsp_offer *offer, const char *scheme, const char *host, int port,
                   const char *path, struct rtsprec_error *error)
{
    struct url url = {
        .scheme = strdup(scheme),
        .host = strdup(host),
        .port = port,
        .path = strdup(path),
    };
    char *base = url.scheme && url.host && url.path ? url_format(&url) : NULL;
    if (!base || strlen(base) >= RTSP_MAX_URL_BYTES) {
        int err = base ? error_set(error, RTSPREC_ERROR_INVALID, "url: longer than %d bytes",
                                   RTSP_MAX_URL_BYTES - 1)
                       : no_memory(error);
        free(base);
        url_uninit(&url);
        return err;
    }
    url_uninit(&offer->url);
    free(offer->base);
    offer->url = url;
    offer->base = base;
    return 0;
}

/* The same host only: credentials and trust belong to it. */
static int follow(struct rtsp_offer *offer, const struct rtsp_message *reply,
                  struct rtsprec_error *error)
{
    struct text location = rtsp_header(reply, "Location", 0);
    char text[RTSP_MAX_URL_BYTES] = "";
    if (location.size < sizeof(text) && location.size > 0)
        snprintf(text, sizeof(text), "%.*s", (int)location.size, location.data);
    struct url url = {0};
    int err = url_parse(&url, text, NULL);
    if (err < 0 || !url_is_rtsp(&url))
        err =
            error_set(error, RTSPREC_ERROR_PROTOCOL,
                      "asking for the stream: %d, the camera redirects to nowhere", reply->status);
    else if (strcasecmp(url.host, offer->url.host) != 0 && strcmp(url.host, offer->address) != 0)
        err = error_set(error, RTSPREC_ERROR_PROTOCOL,
                        "asking for the stream: %d, the camera redirects to another host, which is "
                        "not followed; if that is right, it belongs into the URL",
                        reply->status);
    else if (is_tls(&offer->url) && !is_tls(&url))
        err = error_set(error, RTSPREC_ERROR_PROTOCOL,
                        "asking for the stream: %d, the camera redirects from rtsps to rtsp, which "
                        "is not followed",
                        reply->status);
    else
        err = set_url(offer, url.scheme, url.host, url.port, url.path, error);
    url_uninit(&url);
    return err;
}

static int refuse(const struct rtsp_offer *offer, int status, const char *what,
                  struct rtsprec_error *error)
{
    if (status == 401 && !offer->client.username && !offer->client.password)
        return error_set(error, RTSPREC_ERROR_UNAUTHORIZED,
                         "%s: 401, the camera asks for a user name and password, and was given "
                         "none",
                         what);
    return failure_of_status(status, what, error);
}

static int take_options(struct rtsp_offer *offer, struct rtsprec_error *error)
{
    struct rtsp_message reply;
    int err = rtsp_client_call(&offer->client, "OPTIONS", offer->base, "", &reply, error);
    if (err < 0)
        return err;
    if (reply.status == 401 || reply.status == 403)
        return refuse(offer, reply.status, "connecting", error);
    struct text methods = rtsp_header(&reply, "Public", 0);
    offer->has_get_parameter =
        methods.size > 0 && memmem(methods.data, methods.size, "GET_PARAMETER", 13) != NULL;
    return 0;
}

static int take_sdp(struct rtsp_offer *offer, const struct rtsp_message *reply,
                    struct rtsprec_error *error)
{
    offer->sdp_text = malloc(reply->body.size + 1);
    if (!offer->sdp_text)
        return no_memory(error);
    memcpy(offer->sdp_text, reply->body.data, reply->body.size);
    offer->sdp_text[reply->body.size] = '\0';

    struct text base = rtsp_header(reply, "Content-Base", 0);
    if (base.size == 0)
        base = rtsp_header(reply, "Content-Location", 0);
    /* Some cameras send a path only, which the address of the request completes. */
    if (base.size > 7 && memmem(base.data, base.size, "://", 3)) {
        char *copy = strndup(base.data, base.size);
        if (!copy)
            return no_memory(error);
        free(offer->base);
        offer->base = copy;
    }
    struct text text = {offer->sdp_text, reply->body.size};
    if (sdp_parse(&offer->sdp, text) < 0)
        return error_set(error, RTSPREC_ERROR_PROTOCOL,
                         "asking for the stream: the camera's description (SDP) names no media");
    if (sdp_control_url(offer->control, sizeof(offer->control), offer->base, &offer->sdp, NULL) < 0)
        return error_set(error, RTSPREC_ERROR_PROTOCOL,
                         "asking for the stream: the camera's description (SDP) has a control URL "
                         "of no use");
    return 0;
}

/* Returns 0 with an SDP, 1 when redirected, or an error. */
static int describe(struct rtsp_offer *offer, struct rtsprec_error *error)
{
    struct rtsp_message reply;
    int err = rtsp_client_call(&offer->client, "DESCRIBE", offer->base,
                               "Accept: application/sdp\r\n", &reply, error);
    if (err < 0)
        return err;
    if (reply.status >= 300 && reply.status < 400) {
        err = follow(offer, &reply, error);
        return err < 0 ? err : 1;
    }
    if (reply.status != 200)
        return refuse(offer, reply.status, "asking for the stream", error);
    return take_sdp(offer, &reply, error);
}

/* Connects and asks. Returns 0 with an SDP, 1 when redirected, or an error. */
static int ask(struct rtsp_offer *offer, const struct rtsp_auth *auth, struct rtsprec_error *error)
{
    rtsp_client_close(&offer->client);
    int err = connect_client(offer, error);
    offer->client.auth = *auth;
    if (err == 0)
        err = take_options(offer, error);
    return err < 0 ? err : describe(offer, error);
}

int rtsp_offer_get(struct rtsp_offer *offer, const struct source_options *options,
                   struct rtsprec_error *error)
{
    const struct url *url = options->url;
    *offer = (struct rtsp_offer){.options = *options};
    int result = set_url(offer, url->scheme, url->host, url->port, url->path, error);
    if (result < 0)
        return result;
    for (int i = 0; i <= MAX_REDIRECTS; i++) {
        struct rtsp_auth auth = {0};
        result = ask(offer, &auth, error);
        /* Some cameras close with their 401: what they asked for is answered on a new connection.
         */
        if (result == RTSPREC_ERROR_CLOSED && offer->client.auth.scheme != RTSP_AUTH_NONE &&
            !offer->client.is_accepted) {
            auth = offer->client.auth;
            result = ask(offer, &auth, error);
        }
        if (result <= 0)
            return result;
    }
    return error_set(error, RTSPREC_ERROR_PROTOCOL,
                     "asking for the stream: the camera redirects in circles");
}

void rtsp_offer_uninit(struct rtsp_offer *offer)
{
    rtsp_client_close(&offer->client);
    url_uninit(&offer->url);
    free(offer->base);
    free(offer->sdp_text);
}
