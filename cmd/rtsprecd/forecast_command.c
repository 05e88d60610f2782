#include "forecast_command.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rtsprec/retention.h>

#include "command_options.h"
#include "heap.h"
#include "json_value.h"
#include "retention_command.h"
#include "size_text.h"
#include "time_text.h"

#define US_PER_DAY 86400e6

static const struct command_usage usage = {
    .help =
        "Usage: rtsprecd forecast [OPTION]...\n"
        "Says of each camera how many days are held now and, at the present rate, once the limits\n"
        "of the configuration bite; and when they do, in that order.\n"
        "\n"
        "  --json         one JSON document\n"
        "  --config FILE  the archives of this configuration; else as the daemon finds it\n"
        "  --archive DIR  only this one of them\n"
        "Exit codes: 0 success, 1 failure, 64 wrong usage, 78 wrong configuration.\n",
    .options = COMMAND_OPTION_JSON,
};

/* When a limit begins to bite. */
struct bite {
    int64_t at_us;
    char *camera; /* owned; NULL: the archive's */
    enum rtsprec_deletion_reason limit;
};

/* The outlooks of all archives. */
struct outlooks {
    const struct command_options *options;
    json_t *archives; /* NULL: text is wanted */
    json_t *present;  /* the one of these that is being made */

    struct bite *bites; /* of that one */
    size_t count, capacity;
};

static void add_bite(struct outlooks *outlooks, int64_t at_us, const char *camera,
                     enum rtsprec_deletion_reason limit)
{
    if (at_us == RTSPREC_FORECAST_NEVER)
        return;
    if (outlooks->count == outlooks->capacity) {
        struct bite *bites;

        outlooks->capacity = outlooks->capacity > 0 ? 2 * outlooks->capacity : 16;
        bites = heap_allocate(outlooks->capacity, sizeof(*bites));
        if (outlooks->count > 0)
            memcpy(bites, outlooks->bites, outlooks->count * sizeof(*bites));
        free(outlooks->bites);
        outlooks->bites = bites;
    }
    outlooks->bites[outlooks->count++] =
        (struct bite){at_us, camera != NULL ? heap_copy(camera, strlen(camera)) : NULL, limit};
}

static int sooner(const void *a, const void *b)
{
    const struct bite *one = a, *other = b;

    return (one->at_us > other->at_us) - (one->at_us < other->at_us);
}

static void print_outlook(const struct rtsprec_archive_outlook *outlook)
{
    char size[SIZE_TEXT_BYTES], rate[SIZE_TEXT_BYTES], held[SIZE_TEXT_BYTES];

    printf("  %-20s  %10s  %10s  %12s", outlook->camera != NULL ? outlook->camera : "(all)",
           size_text(outlook->bytes, size), size_text(outlook->bytes_per_day, rate),
           size_text_days(outlook->held_us, held));
    if (outlook->camera == NULL)
        putchar('\n');
    else if (outlook->bytes_per_day == 0)
        printf("  %12s\n", "-");
    else if (outlook->limit_held_us == RTSPREC_FORECAST_NEVER)
        printf("  %12s\n", "no limit");
    else
        printf("  %12s  %s\n", size_text_days(outlook->limit_held_us, held),
               retention_command_reason(outlook->limit));
}

static json_t *json_of_time(int64_t time_us)
{
    char text[TIME_TEXT_BYTES];

    return time_us == RTSPREC_FORECAST_NEVER ? json_null()
                                             : json_string(time_text_utc(time_us, text));
}

static void add_outlook(json_t *archive, const struct rtsprec_archive_outlook *outlook)
{
    bool is_endless = outlook->limit_held_us == RTSPREC_FORECAST_NEVER;
    json_t *entry = json_pack("{s:I, s:I, s:I, s:f}", "bytes", (json_int_t)outlook->bytes,
                              "protectedBytes", (json_int_t)outlook->protected_bytes, "bytesPerDay",
                              (json_int_t)outlook->bytes_per_day, "heldDays",
                              (double)outlook->held_us / US_PER_DAY);

    if (outlook->camera == NULL) {
        json_object_update(archive, entry);
        json_decref(entry);
        return;
    }
    json_object_set_new(entry, "camera", json_value_text(outlook->camera));
    json_object_set_new(entry, "limitHeldDays",
                        is_endless ? json_null()
                                   : json_real((double)outlook->limit_held_us / US_PER_DAY));
    json_object_set_new(entry, "limit", json_string(rtsprec_deletion_reason_name(outlook->limit)));
    json_array_append_new(json_object_get(archive, "cameras"), entry);
}

static int on_outlook(void *user, const struct rtsprec_archive_outlook *outlook)
{
    struct outlooks *outlooks = user;

    if (outlooks->present != NULL)
        add_outlook(outlooks->present, outlook);
    else
        print_outlook(outlook);
    add_bite(outlooks, outlook->age_us, outlook->camera, RTSPREC_DELETION_AGE);
    add_bite(outlooks, outlook->space_us, outlook->camera,
             outlook->camera != NULL ? RTSPREC_DELETION_CAMERA_SPACE
                                     : RTSPREC_DELETION_ARCHIVE_SPACE);
    add_bite(outlooks, outlook->free_us, outlook->camera, RTSPREC_DELETION_FREE_SPACE);
    return 0;
}

static void add_bites(const struct outlooks *outlooks)
{
    for (size_t i = 0; i < outlooks->count; i++) {
        const struct bite *bite = &outlooks->bites[i];

        json_array_append_new(json_object_get(outlooks->present, "limits"),
                              json_pack("{s:o, s:s?, s:s}", "at", json_of_time(bite->at_us),
                                        "camera", bite->camera, "limit",
                                        rtsprec_deletion_reason_name(bite->limit)));
    }
}

static void print_bites(const struct outlooks *outlooks)
{
    int64_t now_us = (int64_t)time(NULL) * 1000000;

    for (size_t i = 0; i < outlooks->count; i++) {
        const struct bite *bite = &outlooks->bites[i];
        char at[TIME_TEXT_BYTES];

        printf("  %s: %s%s%s\n", bite->at_us < now_us ? "now" : time_text_local(bite->at_us, at),
               retention_command_reason(bite->limit), bite->camera != NULL ? ", " : "",
               bite->camera != NULL ? bite->camera : "");
    }
    if (outlooks->count == 0)
        puts("  No limit will bite.");
}

static void forget_bites(struct outlooks *outlooks)
{
    for (size_t i = 0; i < outlooks->count; i++)
        free(outlooks->bites[i].camera);
    free(outlooks->bites);
    outlooks->bites = NULL;
    outlooks->count = outlooks->capacity = 0;
}

static int foresee(void *user, struct rtsprec_archive *archive, const char *directory)
{
    struct outlooks *outlooks = user;
    struct rtsprec_error error = {0};
    const struct archive_limits *limits = retention_command_limits(outlooks->options, directory);
    int code;

    if (limits == NULL)
        return EXIT_CONFIG;
    if (outlooks->archives != NULL) {
        outlooks->present =
            json_pack("{s:s, s:[], s:[]}", "directory", directory, "cameras", "limits");
        json_array_append_new(outlooks->archives, outlooks->present);
    } else {
        printf("%s\n  %-20s  %10s  %10s  %12s  %12s\n", directory, "camera", "occupies", "a day",
               "holds", "will hold");
    }
    code = rtsprec_archive_forecast(archive, &limits->limits, on_outlook, outlooks, &error);
    if (outlooks->count > 0)
        qsort(outlooks->bites, outlooks->count, sizeof(*outlooks->bites), sooner);
    if (outlooks->archives != NULL)
        add_bites(outlooks);
    else if (code == 0)
        print_bites(outlooks);
    forget_bites(outlooks);
    return code < 0 ? command_fail(&error) : 0;
}

int forecast_command_run(int argc, char **argv)
{
    struct command_options options;
    struct outlooks outlooks = {.options = &options};
    int code = command_options_parse(&options, &usage, argc, argv);

    if (code == COMMAND_GO_ON) {
        outlooks.archives = options.json ? json_array() : NULL;
        code = command_each_archive(&options, foresee, &outlooks);
    }
    if (outlooks.archives != NULL && json_value_print("archives", outlooks.archives) < 0)
        code = EXIT_RUNTIME;
    command_options_forget(&options);
    return code;
}
