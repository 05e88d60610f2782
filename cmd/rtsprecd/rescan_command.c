#include "rescan_command.h"

#include <stdio.h>

#include "command_options.h"

static const struct command_usage usage = {
    .help =
        "Usage: rtsprecd rescan [OPTION]...\n"
        "Makes the catalogs agree with the files: what was added, deleted or replaced by hand,\n"
        "and cameras whose directory was renamed. Recording goes on meanwhile.\n"
        "\n"
        "  --config FILE  the archives of this configuration; else as the daemon finds it\n"
        "  --archive DIR  this archive\n"
        "Exit codes: 0 success, 1 failure, 64 wrong usage, 78 wrong configuration.\n",
};

static int rescan(void *user, struct rtsprec_archive *archive, const char *directory)
{
    struct rtsprec_archive_changes changes = {.size = sizeof(changes)};
    struct rtsprec_error error = {0};
    int err = rtsprec_archive_rescan(archive, &changes, &error);

    (void)user;
    printf("%s: %lld director%s read; segments: %lld added, %lld removed, %lld renamed\n",
           directory, (long long)changes.directories, changes.directories == 1 ? "y" : "ies",
           (long long)changes.added, (long long)changes.removed, (long long)changes.moved);
    return err < 0 ? command_fail(&error) : 0;
}

int rescan_command_run(int argc, char **argv)
{
    struct command_options options;
    int code = command_options_parse(&options, &usage, argc, argv);

    if (code == COMMAND_GO_ON)
        code = command_each_archive(&options, rescan, NULL);
    command_options_forget(&options);
    return code;
}
