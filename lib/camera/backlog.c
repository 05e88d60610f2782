#include "camera/backlog.h"

/* Fewer than a queue holds of a camera that sends one frame a second. */
#define LATEST_PACKETS 8

void backlog_look(struct backlog *backlog, bool is_encoding)
{
    backlog->encoding_share +=
        ((is_encoding ? BACKLOG_ALL : 0) - backlog->encoding_share) / LATEST_PACKETS;
}

void backlog_judge(struct backlog *backlog)
{
    backlog->is_encoding = backlog->encoding_share > BACKLOG_ALL / 2;
}
