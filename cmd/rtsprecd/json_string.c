#include "json_string.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Reads \uXXXX at @at. */
static bool read_unit(const char *text, size_t size, size_t at, uint32_t *unit)
{
    if (size - at < 6 || text[at] != '\\' || text[at + 1] != 'u')
        return false;
    *unit = 0;
    for (size_t i = 2; i < 6; i++) {
        int digit = hex_digit(text[at + i]);

        if (digit < 0)
            return false;
        *unit = *unit * 16 + (uint32_t)digit;
    }
    return true;
}

static void append_utf8(struct buffer *decoded, uint32_t c)
{
    char bytes[4];
    size_t count = 0;

    if (c < 0x80) {
        bytes[count++] = (char)c;
    } else if (c < 0x800) {
        bytes[count++] = (char)(0xc0 | (c >> 6));
        bytes[count++] = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        bytes[count++] = (char)(0xe0 | (c >> 12));
        bytes[count++] = (char)(0x80 | ((c >> 6) & 0x3f));
        bytes[count++] = (char)(0x80 | (c & 0x3f));
    } else {
        bytes[count++] = (char)(0xf0 | (c >> 18));
        bytes[count++] = (char)(0x80 | ((c >> 12) & 0x3f));
        bytes[count++] = (char)(0x80 | ((c >> 6) & 0x3f));
        bytes[count++] = (char)(0x80 | (c & 0x3f));
    }
    buffer_append(decoded, bytes, count);
}

static const char *scan_unicode(const char *text, size_t size, size_t *at, struct buffer *decoded)
{
    uint32_t high, low, c;

    if (!read_unit(text, size, *at, &high))
        return "an escape without four hexadecimal digits, expected one such as \\u00e4";
    c = high;
    if (c == 0)
        return "the character \\u0000 in a string, expected any other";
    if (high >= 0xd800 && high <= 0xdfff) {
        if (high > 0xdbff || !read_unit(text, size, *at + 6, &low) || low < 0xdc00 || low > 0xdfff)
            return "half of a surrogate pair in a string, expected both halves";
        c = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        *at += 6;
    }
    *at += 6;
    if (decoded != NULL)
        append_utf8(decoded, c);
    return NULL;
}

static const char *scan_escape(const char *text, size_t size, size_t *at, struct buffer *decoded)
{
    static const char escapes[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const char *found;

    if (*at + 1 < size && text[*at + 1] == 'u')
        return scan_unicode(text, size, at, decoded);
    found = *at + 1 < size && text[*at + 1] != '\0' ? strchr(escapes, text[*at + 1]) : NULL;
    if (found == NULL)
        return "an escape that JSON does not know, expected \\\\ for a backslash";
    if (decoded != NULL)
        buffer_append(decoded, &meanings[found - escapes], 1);
    *at += 2;
    return NULL;
}

const char *json_string_scan(const char *text, size_t size, size_t *at, struct buffer *decoded)
{
    const char *problem;

    (*at)++;
    while (*at < size && text[*at] != '"') {
        unsigned char c = (unsigned char)text[*at];

        if (c == '\n' || c == '\r')
            return "the string is not closed on its line, expected a double quote";
        if (c < 0x20)
            return "a control character in a string, expected an escape such as \\t";
        if (c == '\\') {
            problem = scan_escape(text, size, at, decoded);
            if (problem != NULL)
                return problem;
            continue;
        }
        if (decoded != NULL)
            buffer_append(decoded, text + *at, 1);
        (*at)++;
    }
    if (*at >= size)
        return "the file ends within a string, expected a double quote";
    (*at)++;
    return NULL;
}
