/* An archive that is looked at, behind the public face. */
#ifndef LIB_ARCHIVE_OPEN_H
#define LIB_ARCHIVE_OPEN_H

#include <rtsprec/archive.h>

#include "archive/catalog.h"

struct rtsprec_archive {
    struct catalog *catalog;
    char *directory; /* owned */
};

#endif
