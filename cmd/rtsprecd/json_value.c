#include "json_value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heap.h"
#include "time_text.h"

json_t *json_value_text(const char *text)
{
    json_t *value;
    char *copy;

    if (text == NULL)
        return json_null();
    value = json_string(text);
    if (value != NULL)
        return value;
    copy = heap_copy(text, strlen(text));
    for (char *c = copy; *c != '\0'; c++) {
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    }
    value = json_string(copy);
    free(copy);
    return value;
}

json_t *json_value_time(int64_t time_us)
{
    char text[TIME_TEXT_BYTES];

    return json_string(time_text_utc(time_us, text));
}

int json_value_print(const char *name, json_t *list)
{
    json_t *document = json_pack("{s:o}", name, list);
    int result = json_dumpf(document, stdout, JSON_INDENT(2));

    putchar('\n');
    json_decref(document);
    return result;
}
