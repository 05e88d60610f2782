#include "archive/protection.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/xattr.h>
#include <unistd.h>

#define ATTRIBUTE "user.rtsprec.protected"

void protection_mark(const char *archive_directory, const char *path, const char *why)
{
    char *whole = NULL;
    if (asprintf(&whole, "%s/%s", archive_directory, path) < 0)
        return;
    int fd = open(whole, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    free(whole);
    if (fd < 0)
        return;
    if (why)
        (void)fsetxattr(fd, ATTRIBUTE, why, strlen(why), 0);
    else
        (void)fremovexattr(fd, ATTRIBUTE);
    close(fd);
}

void protection_read(int fd, char why[PROTECTION_MOST_BYTES + 1])
{
    ssize_t size = fgetxattr(fd, ATTRIBUTE, why, PROTECTION_MOST_BYTES);
    why[size > 0 ? size : 0] = '\0';
    for (char *c = why; *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    }
}
