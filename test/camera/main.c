/*
 * rtspcam: any number of simulated RTSP cameras on one port. README.md describes it.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libavutil/log.h>

#include "server.h"

enum { EXIT_USAGE = 64 };

static volatile sig_atomic_t stop;

static const char usage[] =
    "usage: rtspcam --port N --clip NAME=FILE [option ...]\n"
    "\n"
    "Serves clips as RTSP cameras: rtsp://127.0.0.1:N/NAME/ANYTHING is a camera of its own.\n"
    "\n"
    "  --port N              listen there; 0 picks a free port\n"
    "  --bind ADDRESS        IPv4 address to listen on (127.0.0.1)\n"
    "  --tls-port N --tls-cert FILE --tls-key FILE\n"
    "                        listen there for rtsps, with this certificate (PEM)\n"
    "  --clip NAME=FILE      serve FILE as /NAME and /NAME/...; may be repeated\n"
    "  --log FILE            append a line for each access unit served\n"
    "  --requests FILE       append a line for each request\n"
    "  --user U --password P ask for them\n"
    "  --auth basic|digest   how to ask (digest)\n"
    "  --set PATH KEY=VALUE  change the behaviour of a path, or of all with *; may be repeated\n"
    "  --help\n"
    "\n"
    "README.md tells the keys.\n"
    "Commands on stdin: 'set PATH KEY VALUE', 'kick PATH'.\n";

struct arguments {
    const char *address;
    int port;
    const char *log_file;
    const char *requests_file;
    int tls_port; /* -1: none */
    const char *certificate_file, *key_file;
    const char *scheme;
    int is_help;
};

static void handle_signal(int number)
{
    (void)number;
    stop = 1;
}

static int add_clip(struct clip_set *set, const char *argument)
{
    const char *equals = strchr(argument, '=');
    struct clip **clips;
    char name[64];

    if (equals == NULL || equals == argument || equals - argument >= (int)sizeof(name)) {
        fprintf(stderr, "rtspcam: --clip %s: expected NAME=FILE\n", argument);
        return -1;
    }
    snprintf(name, sizeof(name), "%.*s", (int)(equals - argument), argument);
    if (strchr(name, '/') != NULL || clip_set_find(set, name) != NULL) {
        fprintf(stderr, "rtspcam: --clip %s: the name is taken or contains a /\n", argument);
        return -1;
    }
    clips = realloc(set->clips, (size_t)(set->count + 1) * sizeof(struct clip *));
    if (clips == NULL)
        return -1;
    set->clips = clips;
    if (clip_load(&set->clips[set->count], name, equals + 1) < 0)
        return -1;
    set->count++;
    return 0;
}

/* --set takes two words: getopt gives the first, the second comes next in argv. */
static int add_setting(struct settings *settings, const char *path, int argc, char **argv)
{
    char error[256] = "expected PATH KEY=VALUE", key[64];
    const char *assignment = optind < argc ? argv[optind++] : "", *equals;

    equals = strchr(assignment, '=');
    if (equals != NULL && equals - assignment < (int)sizeof(key)) {
        snprintf(key, sizeof(key), "%.*s", (int)(equals - assignment), assignment);
        if (settings_set(settings, path, key, equals + 1, error, sizeof(error)) == 0)
            return 0;
    }
    fprintf(stderr, "rtspcam: --set %s %s: %s\n", path, assignment, error);
    return -1;
}

static int parse_port(const char *option, const char *text)
{
    char *end;
    long port = strtol(text, &end, 10);

    if (end == text || *end != '\0' || port < 0 || port > 65535) {
        fprintf(stderr, "rtspcam: %s %s: expected a number from 0 to 65535\n", option, text);
        return -1;
    }
    return (int)port;
}

static int parse_option(struct camera_house *house, struct arguments *arguments, int option,
                        int argc, char **argv)
{
    switch (option) {
    case 'p':
        return (arguments->port = parse_port("--port", optarg)) < 0 ? -1 : 0;
    case 'b':
        arguments->address = optarg;
        return 0;
    case 'c':
        return add_clip(&house->clips, optarg);
    case 'l':
        arguments->log_file = optarg;
        return 0;
    case 't':
        return (arguments->tls_port = parse_port("--tls-port", optarg)) < 0 ? -1 : 0;
    case 'e':
        arguments->certificate_file = optarg;
        return 0;
    case 'k':
        arguments->key_file = optarg;
        return 0;
    case 'r':
        arguments->requests_file = optarg;
        return 0;
    case 'u':
        house->auth.user = optarg;
        return 0;
    case 'w':
        house->auth.password = optarg;
        return 0;
    case 'a':
        arguments->scheme = optarg;
        return 0;
    case 's':
        return add_setting(house->settings, optarg, argc, argv);
    case 'h':
        arguments->is_help = 1;
        return 0;
    default:
        return -1;
    }
}

static int finish_auth(struct auth *auth, const char *scheme)
{
    if ((auth->user == NULL) != (auth->password == NULL)) {
        fprintf(stderr, "rtspcam: --user and --password belong together\n");
        return -1;
    }
    if (scheme != NULL && strcmp(scheme, "basic") != 0 && strcmp(scheme, "digest") != 0) {
        fprintf(stderr, "rtspcam: --auth %s: expected basic or digest\n", scheme);
        return -1;
    }
    auth->offer = scheme != NULL ? scheme : "digest";
    return 0;
}

static int parse_arguments(struct camera_house *house, struct arguments *arguments, int argc,
                           char **argv)
{
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},     {"bind", required_argument, NULL, 'b'},
        {"clip", required_argument, NULL, 'c'},     {"log", required_argument, NULL, 'l'},
        {"user", required_argument, NULL, 'u'},     {"password", required_argument, NULL, 'w'},
        {"auth", required_argument, NULL, 'a'},     {"set", required_argument, NULL, 's'},
        {"help", no_argument, NULL, 'h'},           {"requests", required_argument, NULL, 'r'},
        {"tls-port", required_argument, NULL, 't'}, {"tls-cert", required_argument, NULL, 'e'},
        {"tls-key", required_argument, NULL, 'k'},  {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
        if (parse_option(house, arguments, option, argc, argv) < 0)
            return -1;
    }
    if (arguments->is_help)
        return 0;
    if (optind < argc) {
        fprintf(stderr, "rtspcam: unexpected argument '%s'\n", argv[optind]);
        return -1;
    }
    if (arguments->port < 0 || house->clips.count == 0) {
        fputs(usage, stderr);
        return -1;
    }
    if (arguments->tls_port >= 0 &&
        (arguments->certificate_file == NULL || arguments->key_file == NULL)) {
        fprintf(stderr, "rtspcam: --tls-port needs --tls-cert and --tls-key\n");
        return -1;
    }
    return finish_auth(&house->auth, arguments->scheme);
}

static int open_log(FILE **log, const char *file)
{
    if (file == NULL)
        return 0;
    if ((*log = fopen(file, "ae")) == NULL) {
        perror(file);
        return -1;
    }
    setvbuf(*log, NULL, _IOLBF, BUFSIZ);
    return 0;
}

/* Says where it listens for TLS, when that is asked for. Returns 0 or -1. */
static int listen_for_tls(struct server *server, const struct arguments *arguments)
{
    int port;

    if (arguments->tls_port < 0)
        return 0;
    server->tls = tls_server_create(arguments->certificate_file, arguments->key_file);
    if (server->tls == NULL)
        return -1;
    if ((port = server_listen(&server->tls_fd, arguments->address, arguments->tls_port)) < 0)
        return -1;
    printf("rtspcam: listening with TLS on %s:%d\n", arguments->address, port);
    return 0;
}

static int serve(struct server *server, const struct arguments *arguments)
{
    struct sigaction action = {.sa_handler = handle_signal};
    sigset_t blocked, wait_mask;
    int port;

    if (open_log(&server->house.log, arguments->log_file) < 0 ||
        open_log(&server->house.requests, arguments->requests_file) < 0)
        return EXIT_FAILURE;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGINT);
    sigprocmask(SIG_BLOCK, &blocked, &wait_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);

    if (listen_for_tls(server, arguments) < 0 ||
        (port = server_listen(&server->listen_fd, arguments->address, arguments->port)) < 0)
        return EXIT_FAILURE;
    printf("rtspcam: listening on %s:%d\n", arguments->address, port);
    fflush(stdout);
    return server_run(server, &stop, &wait_mask) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct server server = {.listen_fd = -1, .tls_fd = -1, .input_fd = STDIN_FILENO};
    struct arguments arguments = {.address = "127.0.0.1", .port = -1, .tls_port = -1};
    int status = EXIT_USAGE;

    av_log_set_level(AV_LOG_ERROR);
    if ((server.house.settings = settings_create()) == NULL)
        return EXIT_FAILURE;
    if (parse_arguments(&server.house, &arguments, argc, argv) == 0) {
        if (arguments.is_help)
            status = fputs(usage, stdout) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        else
            status = serve(&server, &arguments);
    }
    server_close(&server);
    for (int i = 0; i < server.house.clips.count; i++)
        clip_free(&server.house.clips.clips[i]);
    free(server.house.clips.clips);
    settings_destroy(&server.house.settings);
    if (server.house.log != NULL && fclose(server.house.log) != 0)
        status = EXIT_FAILURE;
    if (server.house.requests != NULL && fclose(server.house.requests) != 0)
        status = EXIT_FAILURE;
    return status;
}
