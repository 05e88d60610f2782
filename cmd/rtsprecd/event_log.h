/*
 * Events of the library as log lines.
 */
#ifndef RTSPRECD_EVENT_LOG_H
#define RTSPRECD_EVENT_LOG_H

#include <rtsprec/event.h>

#include "log_sink.h"

void event_log_write(struct log_sink *sink, const struct rtsprec_event *event);

#endif
