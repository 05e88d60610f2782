#include "protect_command.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "command_options.h"
#include "time_text.h"

#define COMMON_HELP                                                                              \
    "  --config FILE  the archives of this configuration; else as the daemon finds it\n"         \
    "  --archive DIR  this archive\n"                                                            \
    "FROM and TO are YYYY-MM-DD (its beginning) or YYYY-MM-DDTHH:MM[:SS], local time, or that\n" \
    "with Z or +HH:MM behind it.\n"                                                              \
    "Exit codes: 0 success, 1 failure or nothing of that time, 64 wrong usage, 78 wrong\n"       \
    "configuration.\n"

static const struct command_usage protect_usage = {
    .help = "Usage: rtsprecd protect CAMERA FROM TO --why TEXT [OPTION]...\n"
            "Protects every segment of the camera that holds some of that time: it is deleted\n"
            "last, or never (protectedPolicy). One that is being recorded, or comes later, is\n"
            "protected when it is closed.\n"
            "\n"
            "  --why TEXT     why: a line that the list shows\n" COMMON_HELP,
    .options = COMMAND_OPTION_WHY,
    .least = 3,
    .most = 3,
};

static const struct command_usage unprotect_usage = {
    .help = "Usage: rtsprecd unprotect CAMERA FROM TO [OPTION]...\n"
            "Takes the protection back from every segment of the camera that holds some of that\n"
            "time, also from what is being recorded or comes later.\n"
            "\n" COMMON_HELP,
    .least = 3,
    .most = 3,
};

#define US_PER_SECOND INT64_C(1000000)

struct protection {
    const struct command_options *options;
    int64_t from_us, to_us;
    int64_t count;
    bool is_recorded; /* some of that time at present, into a file that is open */
    bool is_to_come;  /* some of it lies ahead of a camera that is known */
    bool is_taken_back;
};

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

static int see_segment(void *user, const struct rtsprec_archive_segment *segment)
{
    int64_t *closed_us = user;

    if (segment->end_us > *closed_us)
        *closed_us = segment->end_us;
    return 0;
}

static int see_recorded(void *user, const struct rtsprec_archive_span *span)
{
    bool *found = user;

    *found = *found || span->reason == RTSPREC_COVERAGE_RECORDED;
    return 0;
}

static int see_known(void *user, const struct rtsprec_archive_span *span)
{
    bool *found = user;

    *found = *found || span->reason != RTSPREC_COVERAGE_UNKNOWN;
    return 0;
}

/* Whether more than the closed segments is meant: what is recorded behind the last of them. */
static int look_ahead(struct protection *protection, struct rtsprec_archive *archive,
                      struct rtsprec_error *error)
{
    const char *camera = protection->options->arguments[0];
    int64_t now = now_us(), closed_us = protection->from_us;
    int64_t until_us = protection->to_us < now ? protection->to_us : now;
    int err = rtsprec_archive_list(archive, camera, protection->from_us, protection->to_us,
                                   see_segment, &closed_us, error);

    if (err == 0 && closed_us < until_us)
        err = rtsprec_archive_coverage(archive, camera, closed_us, until_us, see_recorded,
                                       &protection->is_recorded, error);
    if (err == 0 && protection->to_us > now)
        err = rtsprec_archive_coverage(archive, camera, now - 1, now, see_known,
                                       &protection->is_to_come, error);
    return err;
}

static int protect_in(void *user, struct rtsprec_archive *archive, const char *directory)
{
    struct protection *protection = user;
    const char *camera = protection->options->arguments[0];
    struct rtsprec_error error = {0};
    int64_t count = 0;
    int err;

    (void)directory;
    err = protection->is_taken_back
              ? rtsprec_archive_unprotect(archive, camera, protection->from_us, protection->to_us,
                                          &count, &error)
              : rtsprec_archive_protect(archive, camera, protection->from_us, protection->to_us,
                                        protection->options->why, &count, &error);
    protection->count += count;
    if (err == 0)
        err = look_ahead(protection, archive, &error);
    return err < 0 ? command_fail(&error) : 0;
}

static int take_times(struct protection *protection, const char *command)
{
    const char *const *arguments = protection->options->arguments;

    if (time_text_parse(arguments[1], &protection->from_us) &&
        time_text_parse(arguments[2], &protection->to_us) &&
        protection->from_us < protection->to_us)
        return COMMAND_GO_ON;
    fprintf(stderr,
            "rtsprecd: %s: expected two times, FROM before TO, not %s %s; see rtsprecd %s --help\n",
            command, arguments[1], arguments[2], command);
    return EXIT_USAGE;
}

static int run(int argc, char **argv, bool is_taken_back)
{
    struct command_options options;
    struct protection protection = {.options = &options, .is_taken_back = is_taken_back};
    int code = command_options_parse(&options, is_taken_back ? &unprotect_usage : &protect_usage,
                                     argc, argv);

    if (code == COMMAND_GO_ON && !is_taken_back && options.why == NULL) {
        fputs("rtsprecd: protect: --why TEXT is missing; see rtsprecd protect --help\n", stderr);
        code = EXIT_USAGE;
    }
    if (code == COMMAND_GO_ON)
        code = take_times(&protection, argv[0]);
    if (code == COMMAND_GO_ON) {
        code = command_each_archive(&options, protect_in, &protection);
        if (protection.count > 0 || protection.is_recorded || protection.is_to_come) {
            printf("%lld segment%s %sprotected%s%s\n", (long long)protection.count,
                   protection.count == 1 ? "" : "s", is_taken_back ? "no longer " : "",
                   protection.is_recorded ? ", and what is being recorded" : "",
                   protection.is_to_come ? ", and what comes" : "");
        } else if (code == 0) {
            fprintf(stderr, "rtsprecd: %s: no segment of %s in that time\n", argv[0],
                    options.arguments[0]);
            code = EXIT_RUNTIME;
        }
    }
    command_options_forget(&options);
    return code;
}

int protect_command_run(int argc, char **argv)
{
    return run(argc, argv, false);
}

int unprotect_command_run(int argc, char **argv)
{
    return run(argc, argv, true);
}
