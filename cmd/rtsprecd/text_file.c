#include "text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "heap.h"

static const char *read_all(struct text_file *file, int fd, size_t limit)
{
    struct buffer content = {0};
    const char *problem = NULL;
    char chunk[4096];
    ssize_t count;

    while ((count = read(fd, chunk, sizeof(chunk))) != 0) {
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0) {
            problem = strerror(errno);
            break;
        }
        if (content.size + (size_t)count > limit) {
            problem = "too large";
            break;
        }
        buffer_append(&content, chunk, (size_t)count);
    }
    explicit_bzero(chunk, sizeof(chunk));
    if (problem != NULL) {
        buffer_forget(&content);
        return problem;
    }
    file->size = content.size;
    file->text = buffer_take(&content);
    return NULL;
}

const char *text_file_read(struct text_file *file, const char *path, size_t limit)
{
    const char *problem;
    struct stat status;
    int fd;

    *file = (struct text_file){0};
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return strerror(errno);
    if (fstat(fd, &status) < 0) {
        problem = strerror(errno);
    } else if (S_ISDIR(status.st_mode)) {
        problem = strerror(EISDIR);
    } else {
        file->world_readable = S_ISREG(status.st_mode) && (status.st_mode & S_IROTH) != 0;
        problem = read_all(file, fd, limit);
    }
    close(fd);
    return problem;
}

void text_file_forget(struct text_file *file)
{
    struct buffer content = {file->text, file->size, file->size};

    buffer_forget(&content);
    *file = (struct text_file){0};
}

/* Length of the character at @text, 0 when there is none: RFC 3629, section 4. */
static size_t character_length(const unsigned char *text, size_t size)
{
    size_t length;
    unsigned char least = 0x80, most = 0xbf;

    if (text[0] < 0x80)
        return 1;
    if (text[0] >= 0xc2 && text[0] <= 0xdf)
        length = 2;
    else if (text[0] >= 0xe0 && text[0] <= 0xef)
        length = 3;
    else if (text[0] >= 0xf0 && text[0] <= 0xf4)
        length = 4;
    else
        return 0;
    /* No overlong forms, no surrogates, nothing above U+10FFFF. */
    if (text[0] == 0xe0)
        least = 0xa0;
    if (text[0] == 0xed)
        most = 0x9f;
    if (text[0] == 0xf0)
        least = 0x90;
    if (text[0] == 0xf4)
        most = 0x8f;
    if (length > size || text[1] < least || text[1] > most)
        return 0;
    for (size_t i = 2; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    }
    return length;
}

size_t text_find_invalid_utf8(const char *text, size_t size)
{
    size_t at = 0;

    while (at < size) {
        size_t length = character_length((const unsigned char *)text + at, size - at);

        if (length == 0)
            break;
        at += length;
    }
    return at;
}
