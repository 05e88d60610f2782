#include "arguments.h"

#include <getopt.h>
#include <string.h>

#include <rtsprec/log.h>

const char arguments_help[] =
    "Usage: rtsprecd [OPTION]...\n"
    "       rtsprecd repair DIRECTORY\n"
    "       rtsprecd verify DIRECTORY|FILE\n"
    "       rtsprecd list|coverage [CAMERA] [OPTION]...\n"
    "       rtsprecd protect|unprotect CAMERA FROM TO [OPTION]...\n"
    "       rtsprecd rescan|retention|forecast [OPTION]...\n"
    "Records the RTSP cameras of a configuration file until it is stopped.\n"
    "\n"
    "  --config FILE      the configuration; without it ./config.json or, when there is\n"
    "                     none, /etc/rtsprec/config.json\n"
    "  --check-config     check the configuration and exit\n"
    "  --log-level LEVEL  error, warning, info or debug; wins over the configuration\n"
    "  --version          print the versions of rtsprec and FFmpeg and exit\n"
    "  --help             print this and exit\n"
    "\n"
    "repair finishes what a crash left open in an archive (videoOutPath), as a start does for\n"
    "its newest days. verify reads segments and says which are not whole. list shows what is\n"
    "recorded, coverage also why the rest is not; protect keeps segments from being deleted,\n"
    "rescan makes the catalog agree with the files, retention deletes what exceeds the limits,\n"
    "forecast says when they bite. rtsprecd COMMAND --help has more.\n"
    "\n"
    "Signals: SIGINT, SIGTERM and SIGHUP close every file and end the program, a second\n"
    "one ends it at once; SIGUSR1 opens the log file again.\n"
    "Exit codes: 0 success, 1 failure or a file that is not whole, 64 wrong usage, 78 wrong "
    "configuration.\n";

enum option_code {
    OPTION_CONFIG = 256,
    OPTION_CHECK_CONFIG,
    OPTION_LOG_LEVEL,
    OPTION_VERSION,
    OPTION_HELP,
};

static const struct option options[] = {
    {"config", required_argument, NULL, OPTION_CONFIG},
    {"check-config", no_argument, NULL, OPTION_CHECK_CONFIG},
    {"log-level", required_argument, NULL, OPTION_LOG_LEVEL},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

/* 0: there is no such level. */
static int parse_log_level(const char *text)
{
    static const char *const names[] = {[RTSPREC_LOG_ERROR] = "error",
                                        [RTSPREC_LOG_WARNING] = "warning",
                                        [RTSPREC_LOG_INFO] = "info",
                                        [RTSPREC_LOG_DEBUG] = "debug"};

    for (int i = RTSPREC_LOG_ERROR; i <= RTSPREC_LOG_DEBUG; i++) {
        if (strcmp(names[i], text) == 0)
            return i;
    }
    return 0;
}

static int complain(FILE *messages, const char *what, const char *which)
{
    fprintf(messages, "rtsprecd: %s%s; see rtsprecd --help\n", what, which);
    return -1;
}

/* A short one stands in optopt, a long one is what was read last. */
static int complain_of_option(FILE *messages, const char *given)
{
    char letter[3] = {'-', (char)optopt, '\0'};
    bool is_short = optopt > 0 && optopt < OPTION_CONFIG;

    return complain(messages, "not an option, or one with a value it does not take: ",
                    is_short ? letter : given);
}

static int apply(struct arguments *arguments, int code, const char *given, FILE *messages)
{
    switch (code) {
    case OPTION_CONFIG:
        arguments->config = optarg;
        return 0;
    case OPTION_CHECK_CONFIG:
        arguments->action = ARGUMENTS_CHECK_CONFIG;
        return 0;
    case OPTION_LOG_LEVEL:
        arguments->log_level = parse_log_level(optarg);
        if (arguments->log_level != 0)
            return 0;
        return complain(messages, "--log-level takes error, warning, info or debug, not ", optarg);
    case OPTION_VERSION:
        arguments->action = ARGUMENTS_VERSION;
        return 0;
    case OPTION_HELP:
        arguments->action = ARGUMENTS_HELP;
        return 0;
    case ':':
        return complain(messages, "a value is missing after ", given);
    default:
        return complain_of_option(messages, given);
    }
}

int arguments_parse(struct arguments *arguments, int argc, char **argv, FILE *messages)
{
    int code;

    *arguments = (struct arguments){.action = ARGUMENTS_RUN};
    opterr = 0;
    while ((code = getopt_long(argc, argv, "+:", options, NULL)) != -1) {
        if (apply(arguments, code, argv[optind - 1], messages) < 0)
            return -1;
        if (arguments->action == ARGUMENTS_HELP || arguments->action == ARGUMENTS_VERSION)
            return 0;
    }
    if (optind < argc)
        return complain(messages, "what is this for: ", argv[optind]);
    return 0;
}
