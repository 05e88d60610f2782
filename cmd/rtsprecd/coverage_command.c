#include "coverage_command.h"

#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "command_options.h"
#include "coverage_summary.h"
#include "heap.h"
#include "json_value.h"
#include "time_text.h"

#define US_PER_SECOND INT64_C(1000000)
#define USUAL_DAYS    7
#define MOST_DAYS     (100 * 366) /* that are drawn */

static const struct command_usage usage = {
    .help =
        "Usage: rtsprecd coverage [CAMERA] [OPTION]...\n"
        "Says of each camera how much is recorded and why the rest is not, and draws its days:\n"
        "half an hour a character, as high as it is recorded.\n"
        "\n"
        "  --from TIME    TIME is YYYY-MM-DD (its beginning) or YYYY-MM-DDTHH:MM[:SS], local\n"
        "                 time, or that with Z or +HH:MM behind it; else that of the last seven "
        "days\n"
        "  --to TIME      up to, at most now\n"
        "  --json         one JSON document, with every span\n"
        "  --ascii        draw with ASCII; it is also what other locales than UTF-8 get\n"
        "  --config FILE  the archives of this configuration; else as the daemon finds it\n"
        "  --archive DIR  this archive\n"
        "Exit codes: 0 success, 1 failure, 64 wrong usage, 78 wrong configuration.\n",
    .options = COMMAND_OPTION_TIMES | COMMAND_OPTION_JSON | COMMAND_OPTION_ASCII,
    .most = 1,
};

/* Of one camera, while its spans come. */
struct view {
    const struct command_options *options;
    const char *directory;
    int64_t from_us, to_us;
    bool is_ascii;

    char *camera; /* owned; NULL: none has come yet */
    struct coverage_summary summary;
    struct coverage_day *days; /* owned */
    size_t day_count;
    json_t *spans;
    long long cameras;
};

static void begin_camera(struct view *view, const char *camera)
{
    view->camera = heap_copy(camera, strlen(camera));
    view->summary = (struct coverage_summary){0};
    view->spans = json_array();
    view->days = heap_allocate(view->day_count, sizeof(*view->days));
    for (size_t i = 0; i < view->day_count; i++) {
        view->days[i].start_us = time_text_midnight(view->from_us, (int)i);
        view->days[i].end_us = time_text_midnight(view->from_us, (int)i + 1);
    }
}

static void print_days(const struct view *view)
{
    printf("              0     3     6     9     12    15    18    21    24\n");
    for (size_t i = 0; i < view->day_count; i++) {
        const struct coverage_day *day = &view->days[i];
        char bar[COVERAGE_BAR_BYTES], date[TIME_TEXT_BYTES];
        int64_t asked_us = 0, recorded_us = 0;

        for (int k = 0; k < COVERAGE_CELLS; k++) {
            asked_us += day->asked_us[k];
            recorded_us += day->recorded_us[k];
        }
        coverage_day_bar(day, view->is_ascii, bar);
        time_text_local(day->start_us, date);
        printf("  %.10s  %s  %5.1f %%\n", date, bar,
               asked_us > 0 ? (double)recorded_us / (double)asked_us * 100 : 0.0);
    }
}

static void print_text(const struct view *view)
{
    char from[TIME_TEXT_BYTES], to[TIME_TEXT_BYTES], length[TIME_TEXT_BYTES];
    int permille[RTSPREC_COVERAGE_COUNT];

    coverage_summary_permille(&view->summary, permille);
    printf("%s%s/%s  %s to %s\n", view->cameras > 0 ? "\n" : "", view->directory, view->camera,
           time_text_local(view->from_us, from), time_text_local(view->to_us, to));
    for (int i = 0; i < RTSPREC_COVERAGE_COUNT; i++) {
        if (view->summary.us[i] > 0)
            printf("  %-12s  %3d.%d %%  %s\n",
                   rtsprec_coverage_reason_name((enum rtsprec_coverage_reason)i), permille[i] / 10,
                   permille[i] % 10, time_text_duration(view->summary.us[i], length));
    }
    print_days(view);
}

static void print_json(const struct view *view)
{
    int permille[RTSPREC_COVERAGE_COUNT];
    json_t *object = json_object(), *reasons = json_object();

    coverage_summary_permille(&view->summary, permille);
    for (int i = 0; i < RTSPREC_COVERAGE_COUNT; i++) {
        if (view->summary.us[i] > 0)
            json_object_set_new(reasons,
                                rtsprec_coverage_reason_name((enum rtsprec_coverage_reason)i),
                                json_pack("{s:f, s:f}", "seconds",
                                          (double)view->summary.us[i] / (double)US_PER_SECOND,
                                          "percent", permille[i] / 10.0));
    }
    json_object_set_new(object, "archive", json_value_text(view->directory));
    json_object_set_new(object, "camera", json_value_text(view->camera));
    json_object_set_new(object, "from", json_value_time(view->from_us));
    json_object_set_new(object, "to", json_value_time(view->to_us));
    json_object_set_new(object, "reasons", reasons);
    json_object_set(object, "spans", view->spans);
    fputs(view->cameras > 0 ? ",\n" : "\n", stdout);
    json_dumpf(object, stdout, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15));
    json_decref(object);
}

static void end_camera(struct view *view)
{
    if (view->camera == NULL)
        return;
    if (view->options->json)
        print_json(view);
    else
        print_text(view);
    view->cameras++;
    json_decref(view->spans);
    free(view->days);
    free(view->camera);
    view->camera = NULL;
}

static int on_span(void *user, const struct rtsprec_archive_span *span)
{
    struct view *view = user;
    char start[TIME_TEXT_BYTES], end[TIME_TEXT_BYTES];

    if (view->camera != NULL && strcmp(view->camera, span->camera) != 0)
        end_camera(view);
    if (view->camera == NULL)
        begin_camera(view, span->camera);
    coverage_summary_add(&view->summary, span->reason, span->end_us - span->start_us);
    if (view->options->json) {
        json_array_append_new(view->spans, json_pack("{s:s, s:s, s:s}", "start",
                                                     time_text_utc(span->start_us, start), "end",
                                                     time_text_utc(span->end_us, end), "reason",
                                                     rtsprec_coverage_reason_name(span->reason)));
        return 0;
    }
    for (size_t i = 0; i < view->day_count; i++) {
        if (view->days[i].start_us < span->end_us && view->days[i].end_us > span->start_us)
            coverage_day_add(&view->days[i], span->start_us, span->end_us, span->reason);
    }
    return 0;
}

static int show_archive(void *user, struct rtsprec_archive *archive, const char *directory)
{
    struct view *view = user;
    struct rtsprec_error error = {0};
    int err;

    view->directory = directory;
    err = rtsprec_archive_coverage(archive, view->options->arguments[0], view->from_us, view->to_us,
                                   on_span, view, &error);
    end_camera(view);
    return err < 0 ? command_fail(&error) : 0;
}

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

/* What lies ahead is neither recorded nor missing. */
static bool choose_times(struct view *view)
{
    int64_t now = now_us();

    view->to_us = view->options->to_us < now ? view->options->to_us : now;
    view->from_us = view->options->from_us;
    if (view->from_us == INT64_MIN)
        view->from_us = time_text_midnight(view->to_us, -USUAL_DAYS + 1);
    while (view->day_count < MOST_DAYS &&
           time_text_midnight(view->from_us, (int)view->day_count) < view->to_us)
        view->day_count++;
    return view->from_us < view->to_us;
}

static int show(struct view *view)
{
    int code;

    if (!choose_times(view)) {
        fputs("rtsprecd: coverage: --from lies in the future\n", stderr);
        return EXIT_USAGE;
    }
    setlocale(LC_CTYPE, "");
    view->is_ascii = view->options->ascii || strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
    if (view->options->json)
        fputs("{\"cameras\":[", stdout);
    code = command_each_archive_of(view->options, view->options->arguments[0], show_archive, view);
    if (view->options->json)
        puts("]}");
    return code;
}

int coverage_command_run(int argc, char **argv)
{
    struct command_options options;
    struct view view = {.options = &options};
    int code = command_options_parse(&options, &usage, argc, argv);

    if (code == COMMAND_GO_ON)
        code = show(&view);
    command_options_forget(&options);
    return code;
}
