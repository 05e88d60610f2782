/*
 * rtsprecd: records the cameras of a configuration file until a signal ends it.
 */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rtsprec/version.h>

#include "arguments.h"
#include "command.h"
#include "config.h"
#include "log_sink.h"
#include "supervisor.h"

/* Shorter than a person takes to press Ctrl-C again. */
#define REPEAT_NS   (50 * 1000 * 1000)
#define MAX_REPEATS 8

/* Blocked here, before there is a thread, and taken with sigwaitinfo() by the main thread. */
static void take_signals(sigset_t *taken)
{
    struct sigaction action = {.sa_handler = SIG_IGN};
    struct sigaction hangup;

    sigaction(SIGPIPE, &action, NULL); /* a log reader that leaves must not end the recording */
    sigemptyset(taken);
    sigaddset(taken, SIGINT);
    sigaddset(taken, SIGTERM);
    sigaddset(taken, SIGUSR1);
    /* nohup has it ignored, and a blocked signal would arrive nevertheless. */
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
        sigaddset(taken, SIGHUP);
    pthread_sigmask(SIG_BLOCK, taken, NULL);
}

/* From now on the next SIGINT or SIGTERM ends the process at once; the others stay blocked. */
static void give_signals_back(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigset_t given;

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigemptyset(&given);
    sigaddset(&given, SIGINT);
    sigaddset(&given, SIGTERM);
    pthread_sigmask(SIG_UNBLOCK, &given, NULL);
}

/*
 * timeout(1) and some service managers signal a process and then its group: what arrives together
 * was meant as one.
 */
static void drop_repeats(const sigset_t *taken)
{
    struct timespec pause = {.tv_nsec = REPEAT_NS};

    for (int i = 0; i < MAX_REPEATS && sigtimedwait(taken, NULL, &pause) > 0; i++) {
    }
}

static const char *signal_name(int number)
{
    switch (number) {
    case SIGINT:
        return "SIGINT";
    case SIGTERM:
        return "SIGTERM";
    default:
        return "SIGHUP";
    }
}

/* Waits for a signal, as long as is asked or, when that is negative, until there is one. Returns -1
 * without one. */
static int take_signal(const sigset_t *taken, int64_t at_most_us)
{
    struct timespec limit = {.tv_sec = (time_t)(at_most_us / 1000000),
                             .tv_nsec = (long)(at_most_us % 1000000) * 1000};

    return at_most_us < 0 ? sigwaitinfo(taken, NULL) : sigtimedwait(taken, NULL, &limit);
}

/* Follows the schedules until a signal asks to stop, and returns that. */
static int wait_for_stop(const sigset_t *taken, struct supervisor *supervisor,
                         struct log_sink *sink)
{
    for (;;) {
        int signal_number = take_signal(taken, supervisor_follow_schedules(supervisor));

        if (signal_number == SIGUSR1) {
            log_sink_reopen(sink);
            log_sink_printf(sink, RTSPREC_LOG_INFO, NULL, "Log file opened again");
        } else if (signal_number > 0) {
            return signal_number;
        }
    }
}

static int record(struct config *config, const char *path, struct log_sink *sink,
                  const sigset_t *signals)
{
    struct supervisor *supervisor;
    int signal_number;

    log_sink_printf(sink, RTSPREC_LOG_INFO, NULL, "rtsprecd %s starts: %zu camera%s in %s",
                    rtsprec_version(), config->count, config->count == 1 ? "" : "s", path);
    log_sink_printf(sink, RTSPREC_LOG_DEBUG, NULL, "FFmpeg: %s", rtsprec_version_of_ffmpeg());
    supervisor = supervisor_create(config, sink);
    config_forget_secrets(config);
    if (supervisor == NULL)
        return EXIT_RUNTIME;
    signal_number = wait_for_stop(signals, supervisor, sink);
    /* First of all: a log that blocks must not keep files open. */
    supervisor_request_stop(supervisor);
    drop_repeats(signals);
    give_signals_back();
    log_sink_printf(sink, RTSPREC_LOG_INFO, NULL, "Stopping: %s", signal_name(signal_number));
    supervisor_destroy(supervisor);
    log_sink_printf(sink, RTSPREC_LOG_INFO, NULL, "Stopped: every file is closed");
    return 0;
}

static int run(struct config *config, const char *path, int log_level)
{
    const char *log_file = config->global.log_file;
    int level = log_level != 0 ? log_level : config->global.log_level;
    struct log_sink *sink;
    sigset_t signals;
    int code;

    config_use_time_zone(config);
    /* SVT-AV1 writes its log to stderr, whatever else it is told; at this level, nothing. What was
     * wrong is in our log. */
    setenv("SVT_LOG", "-2", 0);
    take_signals(&signals);
    sink = log_sink_create(log_file, (enum rtsprec_log_level)level);
    if (sink == NULL) {
        fputs("rtsprecd: out of memory\n", stderr);
        return EXIT_RUNTIME;
    }
    code = record(config, path, sink, &signals);
    log_sink_destroy(sink);
    return code;
}

static int load_and_run(const struct arguments *arguments)
{
    const char *path = config_find(arguments->config);
    struct config config;
    int code = 0;

    if (path == NULL) {
        fputs("rtsprecd: neither " CONFIG_HERE " nor " CONFIG_SYSTEM
              " exists, expected --config FILE\n",
              stderr);
        return EXIT_CONFIG;
    }
    if (config_load(&config, path, stderr) < 0)
        return EXIT_CONFIG;
    if (arguments->action == ARGUMENTS_CHECK_CONFIG)
        printf("%s: %zu camera%s, configuration is valid\n", path, config.count,
               config.count == 1 ? "" : "s");
    else
        code = run(&config, path, arguments->log_level);
    config_uninit(&config);
    return code;
}

/*
 * One heap for all threads: a frame is allocated by a camera's reader and freed by its writer, so
 * heaps of their own only fall into pieces (1.7 MB more after 7,500 reconnects of 50 cameras). It
 * keeps what a fragment needed for the next one: giving it back and faulting it in again was an
 * eighth of the CPU time.
 */
static void share_memory(void)
{
#ifdef M_ARENA_MAX
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_THRESHOLD, 4 * 1024 * 1024); /* more than any frame but the largest */
    mallopt(M_TRIM_THRESHOLD, 16 * 1024 * 1024);
    mallopt(M_TOP_PAD, 1024 * 1024);
#endif
}

int main(int argc, char **argv)
{
    const struct command *command = command_find(argc, argv);
    struct arguments arguments;
    int code = 0;

    if (command != NULL) {
        code = command->run(argc - 1, argv + 1);
        return fflush(stdout) != 0 && code == 0 ? EXIT_RUNTIME : code;
    }
    if (arguments_parse(&arguments, argc, argv, stderr) < 0)
        return EXIT_USAGE;
    switch (arguments.action) {
    case ARGUMENTS_HELP:
        fputs(arguments_help, stdout);
        break;
    case ARGUMENTS_VERSION:
        printf("rtsprecd %s\n%s\n", rtsprec_version(), rtsprec_version_of_ffmpeg());
        break;
    case ARGUMENTS_RUN:
    case ARGUMENTS_CHECK_CONFIG:
        share_memory();
        code = load_and_run(&arguments);
        break;
    }
    if (fflush(stdout) != 0 && code == 0)
        code = EXIT_RUNTIME;
    return code;
}
