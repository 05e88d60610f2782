#include "command_options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heap.h"
#include "time_text.h"

enum option_code {
    OPTION_CONFIG = 256,
    OPTION_ARCHIVE,
    OPTION_HELP,
    OPTION_FROM,
    OPTION_TO,
    OPTION_JSON,
    OPTION_ASCII,
    OPTION_WHY,
    OPTION_DRY_RUN,
};

static const struct option all_options[] = {
    {"config", required_argument, NULL, OPTION_CONFIG},
    {"archive", required_argument, NULL, OPTION_ARCHIVE},
    {"help", no_argument, NULL, OPTION_HELP},
    {"from", required_argument, NULL, OPTION_FROM},
    {"to", required_argument, NULL, OPTION_TO},
    {"json", no_argument, NULL, OPTION_JSON},
    {"ascii", no_argument, NULL, OPTION_ASCII},
    {"why", required_argument, NULL, OPTION_WHY},
    {"dry-run", no_argument, NULL, OPTION_DRY_RUN},
    {NULL, 0, NULL, 0},
};

/* What a command has to take so that an option is one of it; 0: every command does. */
static int needed(int code)
{
    switch (code) {
    case OPTION_FROM:
    case OPTION_TO:
        return COMMAND_OPTION_TIMES;
    case OPTION_JSON:
        return COMMAND_OPTION_JSON;
    case OPTION_ASCII:
        return COMMAND_OPTION_ASCII;
    case OPTION_WHY:
        return COMMAND_OPTION_WHY;
    case OPTION_DRY_RUN:
        return COMMAND_OPTION_DRY_RUN;
    default:
        return 0;
    }
}

/* What was given; times are read once the zone is known. */
struct given {
    const char *config, *from, *to;
    bool help;
};

static int complain(const char *command, const char *what, const char *which)
{
    fprintf(stderr, "rtsprecd: %s: %s%s; see rtsprecd %s --help\n", command, what, which, command);
    return EXIT_USAGE;
}

static void apply(struct command_options *options, struct given *given, int code)
{
    switch (code) {
    case OPTION_CONFIG:
        given->config = optarg;
        break;
    case OPTION_ARCHIVE:
        options->archive = optarg;
        break;
    case OPTION_FROM:
        given->from = optarg;
        break;
    case OPTION_TO:
        given->to = optarg;
        break;
    case OPTION_JSON:
        options->json = true;
        break;
    case OPTION_ASCII:
        options->ascii = true;
        break;
    case OPTION_WHY:
        options->why = optarg;
        break;
    case OPTION_DRY_RUN:
        options->dry_run = true;
        break;
    default:
        given->help = true;
    }
}

static int take_arguments(struct command_options *options, const struct command_usage *usage,
                          int argc, char **argv)
{
    int count = argc - optind;

    if (count < usage->least)
        return complain(argv[0], "an argument is missing", "");
    if (count > usage->most)
        return complain(argv[0], "what is this for: ", argv[optind + usage->most]);
    for (int i = 0; i < count; i++)
        options->arguments[i] = argv[optind + i];
    return COMMAND_GO_ON;
}

static int parse_line(struct command_options *options, struct given *given,
                      const struct command_usage *usage, int argc, char **argv)
{
    int code, index;

    opterr = 0;
    optind = 1;
    while ((code = getopt_long(argc, argv, ":", all_options, &index)) != -1) {
        const char *word = argv[optind - 1];

        if (code == ':')
            return complain(argv[0], "a value is missing after ", word);
        if (code == '?')
            return complain(argv[0], "not an option, or one with a value it does not take: ", word);
        if ((needed(code) & ~usage->options) != 0)
            return complain(argv[0], "it does not take --", all_options[index].name);
        apply(options, given, code);
        if (given->help) {
            fputs(usage->help, stdout);
            return 0;
        }
    }
    return take_arguments(options, usage, argc, argv);
}

static int load_config(struct command_options *options, const char *given_path)
{
    const char *path;

    if (options->archive != NULL && given_path == NULL)
        return COMMAND_GO_ON;
    path = config_find(given_path);
    if (path == NULL) {
        fputs("rtsprecd: neither " CONFIG_HERE " nor " CONFIG_SYSTEM
              " exists, expected --config FILE or --archive DIRECTORY\n",
              stderr);
        return EXIT_CONFIG;
    }
    if (config_load(&options->config, path, stderr) < 0)
        return EXIT_CONFIG;
    config_use_time_zone(&options->config);
    config_forget_secrets(&options->config);
    return COMMAND_GO_ON;
}

static void choose_archives(struct command_options *options)
{
    if (options->config.count > 0)
        limits_make(&options->list, &options->config);
    options->directories = heap_allocate(options->list.count + 1, sizeof(*options->directories));
    if (options->archive != NULL) {
        options->directories[options->directory_count++] = options->archive;
        return;
    }
    for (size_t i = 0; i < options->list.count; i++)
        options->directories[options->directory_count++] = options->list.archives[i].directory;
}

static int take_time(const char *command, const char *text, int64_t *time_us)
{
    if (text == NULL || time_text_parse(text, time_us))
        return COMMAND_GO_ON;
    return complain(command,
                    "expected YYYY-MM-DD, YYYY-MM-DDTHH:MM[:SS], or that with Z or +HH:MM "
                    "behind it, not ",
                    text);
}

int command_options_parse(struct command_options *options, const struct command_usage *usage,
                          int argc, char **argv)
{
    struct given given = {0};
    int code;

    *options = (struct command_options){.from_us = INT64_MIN, .to_us = INT64_MAX};
    code = parse_line(options, &given, usage, argc, argv);
    if (code == COMMAND_GO_ON)
        code = load_config(options, given.config);
    if (code == COMMAND_GO_ON)
        code = take_time(argv[0], given.from, &options->from_us);
    if (code == COMMAND_GO_ON)
        code = take_time(argv[0], given.to, &options->to_us);
    if (code == COMMAND_GO_ON && options->from_us >= options->to_us)
        code = complain(argv[0], "--from is not before --to", "");
    if (code == COMMAND_GO_ON)
        choose_archives(options);
    return code;
}

void command_options_forget(struct command_options *options)
{
    limits_forget(&options->list);
    config_uninit(&options->config);
    free(options->directories);
    options->directories = NULL;
}

int command_fail(const struct rtsprec_error *error)
{
    fprintf(stderr, "rtsprecd: %s\n", error->text);
    return EXIT_RUNTIME;
}

int command_each_archive(const struct command_options *options,
                         int (*act)(void *user, struct rtsprec_archive *archive,
                                    const char *directory),
                         void *user)
{
    int result = 0;

    for (size_t i = 0; i < options->directory_count; i++) {
        struct rtsprec_archive *archive;
        struct rtsprec_error error = {0};
        int code;

        if (rtsprec_archive_open(&archive, options->directories[i], &error) < 0) {
            result = command_fail(&error);
            continue;
        }
        code = act(user, archive, options->directories[i]);
        result = code != 0 ? code : result;
        rtsprec_archive_close(&archive);
    }
    return result;
}

struct search {
    const char *camera;
    int (*act)(void *user, struct rtsprec_archive *archive, const char *directory);
    void *user;
    bool is_here, is_anywhere;
};

static int compare_name(void *user, const struct rtsprec_archive_span *span)
{
    struct search *search = user;

    search->is_here = strcmp(span->camera, search->camera) == 0;
    return search->is_here;
}

static int act_if_known(void *user, struct rtsprec_archive *archive, const char *directory)
{
    struct search *search = user;
    struct rtsprec_error error = {0};

    /* Something is said of every camera at any time. */
    search->is_here = false;
    if (rtsprec_archive_coverage(archive, NULL, 0, 1, compare_name, search, &error) < 0)
        return command_fail(&error);
    if (!search->is_here)
        return 0;
    search->is_anywhere = true;
    return search->act(search->user, archive, directory);
}

int command_each_archive_of(const struct command_options *options, const char *camera,
                            int (*act)(void *user, struct rtsprec_archive *archive,
                                       const char *directory),
                            void *user)
{
    struct search search = {.camera = camera, .act = act, .user = user};
    int code;

    if (camera == NULL)
        return command_each_archive(options, act, user);
    code = command_each_archive(options, act_if_known, &search);
    if (code == 0 && !search.is_anywhere) {
        fprintf(stderr, "rtsprecd: no archive has heard of a camera \"%s\"\n", camera);
        code = EXIT_RUNTIME;
    }
    return code;
}
