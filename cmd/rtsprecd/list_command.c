#include "list_command.h"

#include <stdio.h>

#include "command_options.h"
#include "json_value.h"
#include "time_text.h"

#define BYTES_PER_MB 1e6

static const struct command_usage usage = {
    .help =
        "Usage: rtsprecd list [CAMERA] [OPTION]...\n"
        "Lists the segments of the archives, the oldest first.\n"
        "\n"
        "  --from TIME    those that end after it; TIME is YYYY-MM-DD (its beginning) or\n"
        "                 YYYY-MM-DDTHH:MM[:SS], local time, or that with Z or +HH:MM behind it\n"
        "  --to TIME      those that begin before it\n"
        "  --json         one JSON document\n"
        "  --config FILE  the archives of this configuration; else as the daemon finds it\n"
        "  --archive DIR  this archive\n"
        "Exit codes: 0 success, 1 failure, 64 wrong usage, 78 wrong configuration.\n",
    .options = COMMAND_OPTION_TIMES | COMMAND_OPTION_JSON,
    .most = 1,
};

struct list {
    const struct command_options *options;
    const char *directory;
    long long segments, bytes;
};

static void print_text(const struct list *list, const struct rtsprec_archive_segment *segment)
{
    char start[TIME_TEXT_BYTES], length[TIME_TEXT_BYTES];

    time_text_duration(segment->end_us - segment->start_us, length);
    printf("%s  %s %9.1f MB  %s/%s", time_text_local(segment->start_us, start), length,
           (double)segment->bytes / BYTES_PER_MB, list->directory, segment->path);
    if (segment->codec[0] != '\0')
        printf("  %s %dx%d", segment->codec, segment->width, segment->height);
    if (segment->protected_why != NULL)
        printf("  protected: %s", segment->protected_why);
    putchar('\n');
}

static const char *or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static void print_json(const struct list *list, const struct rtsprec_archive_segment *segment)
{
    json_t *object = json_object();

    json_object_set_new(object, "archive", json_value_text(list->directory));
    json_object_set_new(object, "camera", json_value_text(segment->camera));
    json_object_set_new(object, "path", json_value_text(segment->path));
    json_object_set_new(object, "start", json_value_time(segment->start_us));
    json_object_set_new(object, "end", json_value_time(segment->end_us));
    json_object_set_new(object, "bytes", json_integer(segment->bytes));
    json_object_set_new(object, "frames",
                        segment->frames > 0 ? json_integer(segment->frames) : json_null());
    json_object_set_new(object, "codec", json_value_text(or_null(segment->codec)));
    json_object_set_new(object, "width", json_integer(segment->width));
    json_object_set_new(object, "height", json_integer(segment->height));
    json_object_set_new(object, "reason",
                        json_string(rtsprec_segment_reason_name(segment->reason)));
    json_object_set_new(object, "protected", json_value_text(segment->protected_why));
    fputs(list->segments > 0 ? ",\n" : "\n", stdout);
    json_dumpf(object, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
    json_decref(object);
}

static int on_segment(void *user, const struct rtsprec_archive_segment *segment)
{
    struct list *list = user;

    if (list->options->json)
        print_json(list, segment);
    else
        print_text(list, segment);
    list->segments++;
    list->bytes += segment->bytes;
    return 0;
}

static int list_archive(void *user, struct rtsprec_archive *archive, const char *directory)
{
    struct list *list = user;
    struct rtsprec_error error = {0};

    list->directory = directory;
    if (rtsprec_archive_list(archive, list->options->arguments[0], list->options->from_us,
                             list->options->to_us, on_segment, list, &error) < 0)
        return command_fail(&error);
    return 0;
}

int list_command_run(int argc, char **argv)
{
    struct command_options options;
    struct list list = {.options = &options};
    int code = command_options_parse(&options, &usage, argc, argv);

    if (code == COMMAND_GO_ON) {
        if (options.json)
            fputs("{\"segments\":[", stdout);
        code = command_each_archive(&options, list_archive, &list);
        if (options.json)
            puts("]}");
        else if (code == 0)
            printf("%lld segment%s, %.1f MB\n", list.segments, list.segments == 1 ? "" : "s",
                   (double)list.bytes / BYTES_PER_MB);
    }
    command_options_forget(&options);
    return code;
}
