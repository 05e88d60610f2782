/*
 * What a camera offers: connect, OPTIONS, DESCRIBE, with redirects followed on the same host. Part
 * of rtsp_session.c's work.
 */
#ifndef INGEST_RTSP_OFFER_H
#define INGEST_RTSP_OFFER_H

#include "ingest/rtsp_client.h"
#include "ingest/sdp.h"
#include "ingest/source.h"

#define RTSP_MAX_URL_BYTES 2048

struct rtsp_offer {
    struct source_options options;
    struct rtsp_client client;            /* connected */
    char address[RESOLVER_ADDRESS_BYTES]; /* that it is connected to */
    struct url url; /* where the redirects led; credentials stay in the options */
    char *base;     /* of control URLs; owned */
    char *sdp_text; /* owned */
    struct sdp sdp;
    char control[RTSP_MAX_URL_BYTES]; /* URL of the whole */
    bool has_get_parameter;
};

/* What the options point to needs to stay. The offer needs rtsp_offer_uninit() after success and
 * failure alike. */
int rtsp_offer_get(struct rtsp_offer *offer, const struct source_options *options,
                   struct rtsprec_error *error);
void rtsp_offer_uninit(struct rtsp_offer *offer);

#endif
