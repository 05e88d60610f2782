#include "archive_command.h"

#include <stdbool.h>
#include <stdio.h>

#include <rtsprec/archive.h>
#include <rtsprec/log.h>

#include "command.h"

struct tally {
    long long files, bad;
};

static const char *verdict_name(enum rtsprec_archive_verdict verdict)
{
    switch (verdict) {
    case RTSPREC_ARCHIVE_WHOLE:
        return "whole";
    case RTSPREC_ARCHIVE_BROKEN:
        return "broken";
    case RTSPREC_ARCHIVE_REPAIRED:
        return "repaired";
    case RTSPREC_ARCHIVE_DAMAGED:
        return "damaged";
    case RTSPREC_ARCHIVE_FAILED:
        break;
    }
    return "failed";
}

static void on_file(void *user, const struct rtsprec_archive_file *file)
{
    struct tally *tally = user;
    bool is_good =
        file->verdict == RTSPREC_ARCHIVE_WHOLE || file->verdict == RTSPREC_ARCHIVE_REPAIRED;

    tally->files++;
    tally->bad += !is_good;
    if (file->text[0] != '\0')
        printf("%s: %s: %s\n", file->path, verdict_name(file->verdict), file->text);
    else
        printf("%s: %s: %lld frames\n", file->path, verdict_name(file->verdict),
               (long long)file->frames);
}

static void drop_message(void *user, const struct rtsprec_log_record *record)
{
    (void)user;
    (void)record;
}

static int run(int argc, char **argv, bool is_repair)
{
    struct tally tally = {0};
    struct rtsprec_error error = {0};
    int result;

    if (argc != 2) {
        fprintf(stderr, "rtsprecd: %s takes one %s; see rtsprecd --help\n", argv[0],
                is_repair ? "directory" : "directory or file");
        return EXIT_USAGE;
    }
    rtsprec_log_capture_ffmpeg(drop_message, NULL); /* what is wrong is said in our words */
    result = is_repair ? rtsprec_archive_repair(argv[1], on_file, &tally, &error)
                       : rtsprec_archive_verify(argv[1], on_file, &tally, &error);
    if (result < 0) {
        fprintf(stderr, "rtsprecd: %s\n", error.text);
        return EXIT_RUNTIME;
    }
    printf("%lld file%s, %lld of them %s\n", tally.files, tally.files == 1 ? "" : "s", tally.bad,
           is_repair ? "not saved" : "not whole");
    return tally.bad > 0 ? EXIT_RUNTIME : 0;
}

int repair_command_run(int argc, char **argv)
{
    return run(argc, argv, true);
}

int verify_command_run(int argc, char **argv)
{
    return run(argc, argv, false);
}
