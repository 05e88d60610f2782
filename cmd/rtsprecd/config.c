#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rtsprec/camera.h>
#include <rtsprec/error.h>

#include "diagnostics.h"
#include "heap.h"
#include "json_text.h"
#include "keys.h"
#include "rtsp_url.h"
#include "text_file.h"
#include "time_zone.h"
#include "values.h"

/* Room for thousands of cameras. */
#define FILE_MAX_BYTES ((size_t)1024 * 1024)

static void require(struct reader *reader, const struct node *object, const char *key)
{
    if (node_find(object, key) == NULL)
        diagnostics_error(reader->diagnostics, place_of_missing(object, key),
                          "the key is missing, expected it in this object");
}

static void check_password_source(struct reader *reader, const struct node *object)
{
    const struct node *file = node_find(object, "passwordFile");

    if (file != NULL && node_find(object, "password") != NULL)
        diagnostics_error(reader->diagnostics, place_of_key(file),
                          "given together with password, expected only one of them");
}

static void check_completeness(struct reader *reader, const struct node *object,
                               const struct settings *settings)
{
    require(reader, object, "name");
    require(reader, object, "rtspUrl");
    if (!settings->has_output_directory)
        diagnostics_error(reader->diagnostics, place_of_missing(object, "recording.videoOutPath"),
                          "the key is missing, expected it here or in $.global.recording");
    if (settings->also_keep != RTSPREC_ALSO_KEEP_NONE && !settings->has_also_keep_directory)
        diagnostics_error(reader->diagnostics,
                          place_of_missing(object, "recording.transcode.alsoKeepPath"),
                          "the key is missing, expected it here or in "
                          "$.global.recording.transcode");
}

static bool has_user(const struct settings *settings)
{
    size_t begin, end;

    return settings->username != NULL || rtsp_url_find_userinfo(settings->url, &begin, &end);
}

/* Whether the library's words repeat what must stay secret. */
static bool reveals(const char *text, const struct settings *settings)
{
    size_t begin, end;
    bool found = strstr(text, settings->url) != NULL;

    if (rtsp_url_find_userinfo(settings->url, &begin, &end) && end > begin)
        found = found || memmem(text, strlen(text), settings->url + begin, end - begin) != NULL;
    if (settings->password != NULL)
        found = found || strstr(text, settings->password) != NULL;
    return found;
}

/* What only the library knows to be wrong. To be called for settings that are complete. */
static void check_with_library(struct reader *reader, const struct node *object,
                               const struct settings *settings)
{
    struct rtsprec_camera_options options;
    struct rtsprec_error error = {0};

    if (settings->password != NULL && !has_user(settings)) {
        diagnostics_error(reader->diagnostics, place_of_missing(object, "username"),
                          "the key is missing though there is a password, expected it here, in "
                          "$.global or in rtspUrl");
        return;
    }
    settings_to_options(settings, &options);
    if (rtsprec_camera_options_check(&options, &error) == 0)
        return;
    diagnostics_error(reader->diagnostics, place_of_value(object), "%s",
                      reveals(error.text, settings) ? rtsprec_error_string(error.code)
                                                    : error.text);
}

/* NULL: there is none, or no "recording". */
static const struct node *find_in_recording(const struct node *object, const char *key)
{
    const struct node *recording = node_find(object, "recording");

    return recording != NULL ? node_find(recording, key) : NULL;
}

/* What deletes before it may. To be called for "global" and for each camera. */
static void check_ages(struct reader *reader, const struct node *object,
                       const struct settings *settings)
{
    const struct node *least = find_in_recording(object, "minAgeDays");
    const struct node *most = find_in_recording(object, "maxAgeDays");

    /* Of neither, it was said where it stands. */
    if (settings->max_age_days == 0 || settings->min_age_days <= settings->max_age_days ||
        (least == NULL && most == NULL))
        return;
    diagnostics_error(reader->diagnostics, place_of_value(least != NULL ? least : most),
                      "files are to be kept for %.15g days (minAgeDays) and deleted after %.15g "
                      "(maxAgeDays), expected a minimum of at most the maximum",
                      settings->min_age_days, settings->max_age_days);
}

static void check_space(struct reader *reader, const struct node *object,
                        const struct settings *settings, const struct settings *global)
{
    const struct node *most = find_in_recording(object, "maxOccupiedSpaceGB");

    if (!settings->limit_occupied_space || global->max_occupied_gb == 0 || most == NULL ||
        settings->max_occupied_gb <= global->max_occupied_gb)
        return;
    diagnostics_error(reader->diagnostics, place_of_value(most),
                      "this camera may occupy %.15g GB and all cameras together, in "
                      "$.global.recording, %.15g, expected at most as much",
                      settings->max_occupied_gb, global->max_occupied_gb);
}

static void read_camera(struct reader *reader, const struct node *object,
                        const struct settings *global, struct settings *settings)
{
    size_t errors = reader->diagnostics->errors;

    settings_init_from(settings, global);
    if (!value_is(reader, object, NODE_OBJECT))
        return;
    keys_read(reader, object, KEY_LEVEL_CAMERA, settings);
    check_password_source(reader, object);
    check_completeness(reader, object, settings);
    check_ages(reader, object, settings);
    check_space(reader, object, settings, global);
    settings_prefer_url(settings);
    if (reader->diagnostics->errors == errors && settings->output_directory != NULL)
        check_with_library(reader, object, settings);
}

static void check_names(struct reader *reader, const struct node *array,
                        const struct config *config)
{
    const struct node *object = array->first;

    for (size_t i = 0; object != NULL; i++, object = object->next) {
        for (size_t j = 0; j < i; j++) {
            if (config->cameras[i].name == NULL || config->cameras[j].name == NULL ||
                strcmp(config->cameras[i].name, config->cameras[j].name) != 0)
                continue;
            diagnostics_error(reader->diagnostics, place_of_value(node_find(object, "name")),
                              "the same name as $.cameras[%zu], expected one of its own", j);
            break;
        }
    }
}

static void read_cameras(struct reader *reader, const struct node *root, struct config *config)
{
    const struct node *array = node_find(root, "cameras");

    if (array == NULL || !value_is(reader, array, NODE_ARRAY))
        return;
    if (array->first == NULL) {
        diagnostics_error(reader->diagnostics, place_of_value(array),
                          "no camera in it, expected at least one");
        return;
    }
    config->cameras = heap_allocate(array->last->index + 1, sizeof(*config->cameras));
    for (const struct node *object = array->first; object != NULL; object = object->next)
        read_camera(reader, object, &config->global, &config->cameras[config->count++]);
    check_names(reader, array, config);
}

static void read_root(struct reader *reader, const struct node *root, struct config *config)
{
    const struct node *global = node_find(root, "global");

    /* Only reports unknown keys: all keys of this level are objects. */
    keys_read(reader, root, KEY_LEVEL_TOP, &config->global);
    require(reader, root, "cameras");
    if (global != NULL && value_is(reader, global, NODE_OBJECT)) {
        keys_read(reader, global, KEY_LEVEL_GLOBAL, &config->global);
        check_password_source(reader, global);
        check_ages(reader, global, &config->global);
    }
    read_cameras(reader, root, config);
}

static void read_file(struct text_file *file, const char *path, struct diagnostics *diagnostics)
{
    const char *problem = text_file_read(file, path, FILE_MAX_BYTES);
    struct place start = place_of_offset(NULL, 0);

    if (problem != NULL)
        diagnostics_error(diagnostics, start,
                          "the file cannot be read: %s, expected a readable file of at most 1 MiB",
                          problem);
    else if (file->size == 0)
        diagnostics_error(diagnostics, start, "the file is empty, expected an object");
    /* The byte order mark that some editors write is no part of the text. */
    if (file->size >= 3 && memcmp(file->text, "\xef\xbb\xbf", 3) == 0) {
        file->size -= 3;
        memmove(file->text, file->text + 3, file->size + 1);
    }
}

/* Up to and including the last slash; freed by the caller. */
static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return heap_copy(path, slash != NULL ? (size_t)(slash - path) + 1 : 0);
}

int config_load(struct config *config, const char *path, FILE *messages)
{
    struct diagnostics diagnostics = {0};
    struct json_text *json = NULL;
    struct text_file file = {0};
    char *directory = directory_of(path);
    struct reader reader = {.diagnostics = &diagnostics, .directory = directory};
    int result;

    *config = (struct config){0};
    settings_init(&config->global);
    read_file(&file, path, &diagnostics);
    if (diagnostics.errors == 0)
        json = json_text_parse(file.text, file.size, &diagnostics);
    if (json != NULL)
        read_root(&reader, json_text_root(json), config);
    diagnostics_print(&diagnostics, messages, path, file.text, file.size);
    result = diagnostics.errors > 0 ? -1 : 0;
    if (result < 0)
        config_uninit(config);

    json_text_destroy(&json);
    text_file_forget(&file);
    diagnostics_uninit(&diagnostics);
    free(directory);
    return result;
}

const char *config_find(const char *given)
{
    if (given != NULL)
        return given;
    if (access(CONFIG_HERE, F_OK) == 0)
        return CONFIG_HERE;
    return access(CONFIG_SYSTEM, F_OK) == 0 ? CONFIG_SYSTEM : NULL;
}

void config_use_time_zone(const struct config *config)
{
    if (config->global.time_zone != NULL)
        time_zone_use(config->global.time_zone);
}

void config_forget_secrets(struct config *config)
{
    settings_forget_secrets(&config->global);
    for (size_t i = 0; i < config->count; i++)
        settings_forget_secrets(&config->cameras[i]);
}

void config_uninit(struct config *config)
{
    settings_uninit(&config->global);
    for (size_t i = 0; i < config->count; i++)
        settings_uninit(&config->cameras[i]);
    free(config->cameras);
    *config = (struct config){0};
}
