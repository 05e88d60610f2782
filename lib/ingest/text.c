#include "ingest/text.h"

#include <string.h>
#include <strings.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct text text_trim(struct text text)
{
    while (text.size && is_space(text.data[0])) {
        text.data++;
        text.size--;
    }
    while (text.size && is_space(text.data[text.size - 1]))
        text.size--;
    return text;
}

struct text text_split(struct text *rest, char separator)
{
    struct text part = *rest;
    if (!part.data)
        return part;
    const char *end = part.size ? memchr(part.data, separator, part.size) : NULL;
    if (!end) {
        *rest = (struct text){0};
        return part;
    }
    part.size = (size_t)(end - part.data);
    *rest = (struct text){end + 1, rest->size - part.size - 1};
    return part;
}

bool text_equals(struct text text, const char *string)
{
    return text.data && text.size == strlen(string) && !strncasecmp(text.data, string, text.size);
}

int64_t text_number(struct text text, int64_t fallback)
{
    text = text_trim(text);
    bool is_negative = text.size && text.data[0] == '-';
    size_t i = is_negative ? 1 : 0;
    if (i == text.size)
        return fallback;
    int64_t number = 0;
    for (; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return fallback;
        int digit = text.data[i] - '0';
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, is_negative ? -digit : digit, &number))
            return fallback;
    }
    return number;
}
