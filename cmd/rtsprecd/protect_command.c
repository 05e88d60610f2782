#include "protect_command.h"

#include <stdio.h>
#include <string.h>

#include "command_options.h"
#include "time_text.h"

#define COMMON_HELP                                                                              \
    "  --config FILE  the archives of this configuration; else as the daemon finds it\n"         \
    "  --archive DIR  this archive\n"                                                            \
    "FROM and TO are YYYY-MM-DD (its beginning) or YYYY-MM-DDTHH:MM[:SS], local time, or that\n" \
    "with Z or +HH:MM behind it.\n"                                                              \
    "Exit codes: 0 success, 1 failure or no such segment, 64 wrong usage, 78 wrong\n"            \
    "configuration.\n"

static const struct command_usage protect_usage = {
    .help = "Usage: rtsprecd protect CAMERA FROM TO --why TEXT [OPTION]...\n"
            "Protects every segment of the camera that holds some of that time: it is deleted\n"
            "last, or never (protectedPolicy). A file that is still being recorded is not\n"
            "protected: do it again once it is closed.\n"
            "\n"
            "  --why TEXT     why: a line that the list shows\n" COMMON_HELP,
    .options = COMMAND_OPTION_WHY,
    .least = 3,
    .most = 3,
};

static const struct command_usage unprotect_usage = {
    .help = "Usage: rtsprecd unprotect CAMERA FROM TO [OPTION]...\n"
            "Takes the protection back from every segment of the camera that holds some of that\n"
            "time.\n"
            "\n" COMMON_HELP,
    .least = 3,
    .most = 3,
};

struct protection {
    const struct command_options *options;
    int64_t from_us, to_us;
    int64_t count;
    bool is_taken_back;
};

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
        if (protection.count > 0) {
            printf("%lld segment%s %sprotected\n", (long long)protection.count,
                   protection.count == 1 ? "" : "s", is_taken_back ? "no longer " : "");
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
