/* A catalog of a test's own, and what it says as text. */
#ifndef CATALOG_RIG_H
#define CATALOG_RIG_H

#include "directory.h"

#include "archive/catalog.h"

static inline struct catalog *open_catalog(const char *directory)
{
    struct catalog *catalog;
    struct rtsprec_error error = {0};
    bool is_new;
    require(catalog_open(&catalog, directory, &is_new, &error) == 0, "%s", error.text);
    return catalog;
}

/* Does it, and says what went wrong if it does. */
#define done(call)                                             \
    do {                                                       \
        struct rtsprec_error error = {0};                      \
        require((call) == 0, "%d %s", error.code, error.text); \
    } while (0)

struct text {
    char text[8192];
    int rows, most; /* most: end after so many, 0: never */
};

static inline bool add_segment_text(void *user, const struct rtsprec_archive_segment *segment)
{
    struct text *text = user;
    size_t used = strlen(text->text);
    snprintf(text->text + used, sizeof(text->text) - used, "%s %lld-%lld %lldB%s%s\n",
             segment->path, (long long)segment->start_us, (long long)segment->end_us,
             (long long)segment->bytes, segment->protected_why ? " " : "",
             segment->protected_why ? segment->protected_why : "");
    return ++text->rows != text->most;
}

static inline bool add_span_text(void *user, const struct rtsprec_archive_span *span)
{
    struct text *text = user;
    size_t used = strlen(text->text);
    snprintf(text->text + used, sizeof(text->text) - used, "%lld-%lld %d\n",
             (long long)span->start_us, (long long)span->end_us, (int)span->reason);
    return ++text->rows != text->most;
}

static inline void add_segment(struct catalog *catalog, const char *path, int64_t start_us,
                               int64_t end_us, int64_t bytes)
{
    struct rtsprec_archive_segment segment = {
        .size = sizeof(segment),
        .path = path,
        .start_us = start_us,
        .end_us = end_us,
        .bytes = bytes,
        .frames = 25,
        .codec = "h264",
        .width = 640,
        .height = 480,
        .reason = RTSPREC_SEGMENT_LOST,
    };
    done(catalog_add_segment(catalog, &segment, &error));
}

static inline void check_list(struct catalog *catalog, const char *camera, int64_t from_us,
                              int64_t to_us, const char *expected)
{
    struct text text = {0};
    done(catalog_list(catalog, camera, from_us, to_us, add_segment_text, &text, &error));
    assert_string_equal(text.text, expected);
}

static inline void check_coverage(struct catalog *catalog, const char *camera, int64_t from_us,
                                  int64_t to_us, const char *expected)
{
    struct text text = {0};
    done(catalog_coverage(catalog, camera, from_us, to_us, add_span_text, &text, &error));
    assert_string_equal(text.text, expected);
}

#endif
