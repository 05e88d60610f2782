#include "expand.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "heap.h"

static void append_encoded(struct buffer *out, const char *value)
{
    static const char digits[] = "0123456789ABCDEF";

    for (; *value != '\0'; value++) {
        unsigned char c = (unsigned char)*value;
        char escape[3] = {'%', digits[c >> 4], digits[c & 15]};

        if (isalnum(c) || strchr("-._~", c) != NULL)
            buffer_append(out, value, 1);
        else
            buffer_append(out, escape, sizeof(escape));
    }
}

/* Length of the name at @text, 0 when it is none that a shell could set. */
static size_t name_length(const char *text)
{
    size_t length = 0;

    if (isdigit((unsigned char)text[0]))
        return 0;
    while (isalnum((unsigned char)text[length]) || text[length] == '_')
        length++;
    return length;
}

/* Appends the value of the variable whose "${" stands at @text. Returns the bytes read, or 0. */
static size_t append_variable(struct buffer *out, const char *text, bool encode, char **problem)
{
    size_t length = name_length(text + 2);
    struct buffer message = {0};
    const char *value;
    char *name;

    if (length == 0 || text[2 + length] != '}') {
        buffer_append_string(&message,
                             "\"${\" without a name and \"}\", expected ${NAME}, or $${ for a "
                             "plain ${");
        *problem = buffer_take(&message);
        return 0;
    }
    name = heap_copy(text + 2, length);
    value = getenv(name);
    if (value == NULL) {
        buffer_append_string(&message, "the environment variable ");
        buffer_append_string(&message, name);
        buffer_append_string(&message, " is not set, expected a value");
        *problem = buffer_take(&message);
    } else if (encode) {
        append_encoded(out, value);
    } else {
        buffer_append_string(out, value);
    }
    free(name);
    return value != NULL ? length + 3 : 0;
}

void expand(char **out, const char *text, struct expand_encoded encoded, char **problem)
{
    struct buffer expanded = {0};
    size_t at = 0;

    *out = NULL;
    *problem = NULL;
    while (text[at] != '\0') {
        bool encode = at >= encoded.begin && at < encoded.end;

        if (strncmp(text + at, "$${", 3) == 0) {
            buffer_append(&expanded, "${", 2);
            at += 3;
        } else if (strncmp(text + at, "${", 2) == 0) {
            size_t read = append_variable(&expanded, text + at, encode, problem);

            if (read == 0) {
                buffer_forget(&expanded);
                return;
            }
            at += read;
        } else {
            buffer_append(&expanded, text + at, 1);
            at++;
        }
    }
    *out = buffer_take(&expanded);
}
