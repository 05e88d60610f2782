#include "retention_command.h"

#include <stdio.h>

#include <rtsprec/retention.h>

#include "json_value.h"
#include "size_text.h"

static const struct command_usage usage = {
    .help =
        "Usage: rtsprecd retention [OPTION]...\n"
        "Deletes what exceeds the limits of the configuration, as rtsprecd does by itself while\n"
        "it records; of archives that nobody records to.\n"
        "\n"
        "  --dry-run      delete nothing, say what would be; also while rtsprecd records\n"
        "  --json         one JSON document\n"
        "  --config FILE  the archives of this configuration; else as the daemon finds it\n"
        "  --archive DIR  only this one of them\n"
        "Exit codes: 0 success, 1 failure or a file that could not be deleted, 64 wrong usage,\n"
        "78 wrong configuration.\n",
    .options = COMMAND_OPTION_JSON | COMMAND_OPTION_DRY_RUN,
};

/* The passes of all archives. */
struct passes {
    const struct command_options *options;
    const char *directory; /* of the present one */
    json_t *archives;      /* NULL: text is wanted */
    json_t *deletions;     /* of the present one */
};

const char *retention_command_reason(int reason)
{
    switch (reason) {
    case RTSPREC_DELETION_AGE:
        return "maxAgeDays";
    case RTSPREC_DELETION_CAMERA_SPACE:
        return "maxOccupiedSpaceGB of the camera";
    case RTSPREC_DELETION_ARCHIVE_SPACE:
        return "maxOccupiedSpaceGB";
    case RTSPREC_DELETION_FREE_SPACE:
        return "keepFreeDiskSpaceGB";
    case RTSPREC_DELETION_TIMELAPSE_AGE:
        return "keepDays";
    default:
        return rtsprec_deletion_reason_name(reason);
    }
}

const struct archive_limits *retention_command_limits(const struct command_options *options,
                                                      const char *directory)
{
    const struct archive_limits *limits = limits_find(&options->list, directory);

    if (limits == NULL)
        fprintf(stderr,
                "rtsprecd: %s: the configuration has no limits for it, expected the videoOutPath "
                "or alsoKeepPath of a camera and, with --archive, --config FILE\n",
                directory);
    return limits;
}

static void print_deletion(const struct passes *passes,
                           const struct rtsprec_archive_deletion *deletion)
{
    char size[SIZE_TEXT_BYTES];
    const char *what = deletion->failure != NULL  ? "Not deleted"
                       : passes->options->dry_run ? "Would delete"
                                                  : "Deleted";

    printf("%s: %s/%s (%s, %s)%s%s%s%s\n", what, passes->directory, deletion->path,
           size_text(deletion->bytes, size), retention_command_reason(deletion->reason),
           deletion->is_young ? ", nothing older than minAgeDays is left" : "",
           deletion->is_protected ? ", protected, nothing else is left" : "",
           deletion->failure != NULL ? ": " : "",
           deletion->failure != NULL ? deletion->failure : "");
    fflush(stdout); /* what is gone has been said, whatever happens next */
}

static int on_deletion(void *user, const struct rtsprec_archive_deletion *deletion)
{
    struct passes *passes = user;
    json_t *entry;

    if (passes->archives == NULL) {
        print_deletion(passes, deletion);
        return 0;
    }
    entry = json_pack("{s:o, s:o, s:o, s:o, s:I, s:s, s:b, s:b}", "camera",
                      json_value_text(deletion->camera), "path", json_value_text(deletion->path),
                      "start", json_value_time(deletion->start_us), "end",
                      json_value_time(deletion->end_us), "bytes", (json_int_t)deletion->bytes,
                      "reason", rtsprec_deletion_reason_name(deletion->reason), "young",
                      deletion->is_young, "protected", deletion->is_protected);
    if (deletion->failure != NULL)
        json_object_set_new(entry, "failure", json_value_text(deletion->failure));
    json_array_append_new(passes->deletions, entry);
    return 0;
}

static void print_result(const struct passes *passes,
                         const struct rtsprec_archive_retention *result)
{
    char size[SIZE_TEXT_BYTES];

    printf("%s: %lld file%s, %s, %s\n", passes->directory, (long long)result->deleted,
           result->deleted == 1 ? "" : "s", size_text(result->deleted_bytes, size),
           passes->options->dry_run ? "would be deleted" : "deleted");
    if (result->failed > 0)
        printf("%s: %lld could not be deleted\n", passes->directory, (long long)result->failed);
    if (result->short_bytes > 0)
        printf("%s: %s is missed by %s: all that is left is protected, of cameras without "
               "limitOccupiedSpace, or being recorded\n",
               passes->directory, retention_command_reason(result->short_of),
               size_text(result->short_bytes, size));
    if (result->is_keep_free_impossible)
        printf("%s: keepFreeDiskSpaceGB is more than the disk holds: nothing is deleted for it\n",
               passes->directory);
}

static void add_result(struct passes *passes, const struct rtsprec_archive_retention *result)
{
    bool is_short = result->short_bytes > 0;

    json_array_append_new(
        passes->archives,
        json_pack("{s:s, s:b, s:o, s:I, s:I, s:I, s:I, s:s?, s:b}", "directory", passes->directory,
                  "dryRun", passes->options->dry_run, "deletions", passes->deletions, "deleted",
                  (json_int_t)result->deleted, "bytes", (json_int_t)result->deleted_bytes, "failed",
                  (json_int_t)result->failed, "missedBytes", (json_int_t)result->short_bytes,
                  "missed", is_short ? rtsprec_deletion_reason_name(result->short_of) : NULL,
                  "keepFreeIsImpossible", result->is_keep_free_impossible));
}

static int keep_within(void *user, struct rtsprec_archive *archive, const char *directory)
{
    struct passes *passes = user;
    struct rtsprec_archive_retention result = {.size = sizeof(result)};
    struct rtsprec_error error = {0};
    const struct archive_limits *limits = retention_command_limits(passes->options, directory);
    int code;

    if (limits == NULL)
        return EXIT_CONFIG;
    passes->directory = directory;
    passes->deletions = passes->archives != NULL ? json_array() : NULL;
    code = rtsprec_archive_retain(archive, &limits->limits, passes->options->dry_run, on_deletion,
                                  passes, &result, &error);
    if (passes->archives != NULL)
        add_result(passes, &result);
    else if (code == 0 || result.deleted > 0)
        print_result(passes, &result);
    if (code < 0)
        return command_fail(&error);
    return result.failed > 0 ? EXIT_RUNTIME : 0;
}

int retention_command_run(int argc, char **argv)
{
    struct command_options options;
    struct passes passes = {.options = &options};
    int code = command_options_parse(&options, &usage, argc, argv);

    if (code == COMMAND_GO_ON) {
        passes.archives = options.json ? json_array() : NULL;
        code = command_each_archive(&options, keep_within, &passes);
    }
    if (passes.archives != NULL && json_value_print("archives", passes.archives) < 0)
        code = EXIT_RUNTIME;
    command_options_forget(&options);
    return code;
}
