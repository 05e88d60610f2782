#include "values.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rtsprec/schedule.h>

#include "expand.h"
#include "heap.h"
#include "rtsp_url.h"
#include "text_file.h"
#include "time_zone.h"

/* Bytes of a value shown in a message. */
#define SHOWN_MAX 60
/* A camera's name, as the library bounds it. */
#define NAME_MAX_BYTES 200
/* A file with a password, all of it. */
#define PASSWORD_FILE_MAX_BYTES 4096

static void *member_of(struct settings *settings, const struct key *key)
{
    return (char *)settings + key->offset;
}

bool value_is(struct reader *reader, const struct node *value, enum node_kind kind)
{
    if (value->kind == kind)
        return true;
    diagnostics_error(reader->diagnostics, place_of_value(value), "%s, expected %s",
                      node_kind_name(value->kind), node_kind_name(kind));
    return false;
}

static bool read_in_range(struct reader *reader, const struct key *key, const struct node *value,
                          bool whole)
{
    const char *wanted = whole ? "a whole number" : "a number";

    if (value->kind != NODE_NUMBER) {
        diagnostics_error(reader->diagnostics, place_of_value(value),
                          "%s, expected %s from %.15g to %.15g", node_kind_name(value->kind),
                          wanted, key->least, key->most);
        return false;
    }
    if (value->number < key->least || value->number > key->most) {
        diagnostics_error(reader->diagnostics, place_of_value(value),
                          "%.15g is out of range, expected %s from %.15g to %.15g", value->number,
                          wanted, key->least, key->most);
        return false;
    }
    if (whole && value->number != floor(value->number)) {
        diagnostics_error(reader->diagnostics, place_of_value(value),
                          "%.15g has a fraction, expected %s from %.15g to %.15g", value->number,
                          wanted, key->least, key->most);
        return false;
    }
    return true;
}

void value_read_whole(struct reader *reader, const struct key *key, const struct node *value,
                      struct settings *settings)
{
    int64_t *member = member_of(settings, key);

    if (read_in_range(reader, key, value, true))
        *member = (int64_t)value->number;
}

void value_read_number(struct reader *reader, const struct key *key, const struct node *value,
                       struct settings *settings)
{
    double *member = member_of(settings, key);

    if (read_in_range(reader, key, value, false))
        *member = value->number;
}

void value_read_boolean(struct reader *reader, const struct key *key, const struct node *value,
                        struct settings *settings)
{
    bool *member = member_of(settings, key);

    if (value_is(reader, value, NODE_BOOLEAN))
        *member = value->boolean;
}

void value_read_switch(struct reader *reader, const struct key *key, const struct node *value,
                       struct settings *settings)
{
    bool *member = member_of(settings, key);

    if (value->kind == NODE_OBJECT || value->kind == NODE_BOOLEAN)
        *member = value->kind == NODE_OBJECT || value->boolean;
    else
        diagnostics_error(reader->diagnostics, place_of_value(value),
                          "%s, expected an object or a boolean", node_kind_name(value->kind));
}

/* The string with its variables expanded, freed by the caller; NULL after a report. */
static char *read_expanded(struct reader *reader, const struct node *value,
                           struct expand_encoded encoded)
{
    char *text, *problem;

    if (!value_is(reader, value, NODE_STRING))
        return NULL;
    expand(&text, value->string, encoded, &problem);
    if (problem != NULL)
        diagnostics_error(reader->diagnostics, place_of_value(value), "%s", problem);
    free(problem);
    if (text != NULL && *text == '\0') {
        diagnostics_error(reader->diagnostics, place_of_value(value),
                          "an empty string, expected some text");
        heap_forget(&text);
    }
    return text;
}

/* As it stands in the file: what a variable holds is not for messages. Freed by the caller. */
static char *shown(const struct node *value)
{
    struct buffer text = {0};

    buffer_append_string(&text, "\"");
    buffer_append_escaped(&text, value->string, SHOWN_MAX);
    buffer_append_string(&text, "\"");
    return buffer_take(&text);
}

static void report_shown(struct reader *reader, const struct node *value, const char *problem)
{
    char *text = shown(value);

    diagnostics_error(reader->diagnostics, place_of_value(value), "%s %s", text, problem);
    free(text);
}

void value_read_choice(struct reader *reader, const struct key *key, const struct node *value,
                       struct settings *settings)
{
    struct buffer problem = {0};
    int *member = member_of(settings, key);
    char *text = read_expanded(reader, value, (struct expand_encoded){0, 0});

    if (text == NULL)
        return;
    for (const struct choice *choice = key->choices; choice->name != NULL; choice++) {
        if (strcmp(choice->name, text) == 0) {
            *member = choice->value;
            free(text);
            return;
        }
    }
    free(text);
    buffer_append_string(&problem, "is not known, expected ");
    for (const struct choice *choice = key->choices; choice->name != NULL; choice++) {
        if (choice != key->choices)
            buffer_append_string(&problem, choice[1].name != NULL ? ", " : " or ");
        buffer_append_string(&problem, "\"");
        buffer_append_string(&problem, choice->name);
        buffer_append_string(&problem, "\"");
    }
    report_shown(reader, value, problem.text);
    buffer_forget(&problem);
}

static void read_text_into(struct reader *reader, const struct node *value, char **member)
{
    char *text = read_expanded(reader, value, (struct expand_encoded){0, 0});

    if (text == NULL)
        return;
    heap_forget(member);
    *member = text;
}

void value_read_text(struct reader *reader, const struct key *key, const struct node *value,
                     struct settings *settings)
{
    read_text_into(reader, value, member_of(settings, key));
}

/* NULL: a directory may be called so. */
static const char *name_problem(const char *name)
{
    if (name[0] == '.' || strchr(name, '/') != NULL)
        return "cannot be a directory here, expected a name without \"/\" and without a dot at "
               "its beginning";
    if (strlen(name) > NAME_MAX_BYTES)
        return "is too long, expected at most 200 bytes";
    for (; *name != '\0'; name++) {
        if ((unsigned char)*name < ' ' || *name == 0x7f)
            return "has a control character, expected a directory name";
    }
    return NULL;
}

void value_read_name(struct reader *reader, const struct key *key, const struct node *value,
                     struct settings *settings)
{
    char *name = read_expanded(reader, value, (struct expand_encoded){0, 0});
    const char *problem = name != NULL ? name_problem(name) : NULL;

    (void)key;
    if (problem != NULL) {
        report_shown(reader, value, problem);
        free(name);
        return;
    }
    free(settings->name);
    settings->name = name;
}

void value_read_url(struct reader *reader, const struct key *key, const struct node *value,
                    struct settings *settings)
{
    struct expand_encoded userinfo = {0, 0};
    const char *problem;
    char *url;

    (void)key;
    if (value->kind == NODE_STRING)
        (void)rtsp_url_find_userinfo(value->string, &userinfo.begin, &userinfo.end);
    url = read_expanded(reader, value, userinfo);
    problem = url != NULL ? rtsp_url_problem(url) : NULL;
    if (problem != NULL) {
        diagnostics_error(reader->diagnostics, place_of_value(value), "%s", problem);
        heap_forget(&url);
    }
    settings->url = url;
}

void value_read_username(struct reader *reader, const struct key *key, const struct node *value,
                         struct settings *settings)
{
    (void)key;
    settings->has_username = true;
    read_text_into(reader, value, &settings->username);
}

void value_read_password(struct reader *reader, const struct key *key, const struct node *value,
                         struct settings *settings)
{
    (void)key;
    settings->has_password = true;
    read_text_into(reader, value, &settings->password);
}

/* The first line of a password file, freed by the caller; NULL after a report. */
static char *first_line(struct reader *reader, const struct node *value,
                        const struct text_file *file)
{
    size_t size = strcspn(file->text, "\r\n");
    const char *problem = NULL;

    if (memchr(file->text, '\0', file->size) != NULL)
        problem = "the file has a NUL byte, expected a password on its first line";
    else if (size == 0)
        problem = "the file's first line is empty, expected a password";
    if (problem == NULL)
        return heap_copy(file->text, size);
    diagnostics_error(reader->diagnostics, place_of_value(value), "%s", problem);
    return NULL;
}

/* A name in the configuration, from the directory of its file. Freed by the caller. */
static char *path_beside(const struct reader *reader, const char *name)
{
    struct buffer path = {0};

    if (name[0] != '/')
        buffer_append_string(&path, reader->directory);
    buffer_append_string(&path, name);
    return buffer_take(&path);
}

void value_read_ca_file(struct reader *reader, const struct key *key, const struct node *value,
                        struct settings *settings)
{
    char *name = read_expanded(reader, value, (struct expand_encoded){0, 0});
    char *path = NULL;

    (void)key;
    if (name == NULL)
        return;
    path = path_beside(reader, name);
    free(name);
    if (access(path, R_OK) < 0) {
        diagnostics_error(reader->diagnostics, place_of_value(value),
                          "the file cannot be read: %s, expected one with certificates",
                          strerror(errno));
        heap_forget(&path);
        return;
    }
    heap_forget(&settings->tls_ca_file);
    settings->tls_ca_file = path;
}

/* Neither path nor content is shown: someone will write the password itself here. */
void value_read_password_file(struct reader *reader, const struct key *key,
                              const struct node *value, struct settings *settings)
{
    char *name = read_expanded(reader, value, (struct expand_encoded){0, 0});
    struct text_file file = {0};
    const char *problem;
    char *path, *password = NULL;

    (void)key;
    settings->has_password = true;
    if (name == NULL)
        return;
    path = path_beside(reader, name);
    problem = text_file_read(&file, path, PASSWORD_FILE_MAX_BYTES);
    if (problem != NULL)
        diagnostics_error(reader->diagnostics, place_of_value(value),
                          "the file cannot be read: %s, expected a password on its first line",
                          problem);
    else
        password = first_line(reader, value, &file);
    if (file.world_readable)
        diagnostics_warning(reader->diagnostics, place_of_value(value),
                            "every user of this machine can read the file, expected mode 0640 "
                            "or stricter");
    if (password != NULL) {
        heap_forget(&settings->password);
        settings->password = password;
    }
    text_file_forget(&file);
    heap_forget(&path);
    heap_forget(&name);
}

void value_read_mode(struct reader *reader, const struct key *key, const struct node *value,
                     struct settings *settings)
{
    char *text = read_expanded(reader, value, (struct expand_encoded){0, 0});
    struct rtsprec_schedule *schedule = NULL;
    struct rtsprec_error error = {0};
    struct buffer problem = {0};

    (void)key;
    if (text == NULL)
        return;
    if (strcmp(text, "auto") == 0) {
        report_shown(reader, value,
                     "means recording on motion, which this version cannot do yet, expected "
                     "\"always\", \"never\" or a schedule");
    } else if (rtsprec_schedule_create(&schedule, text, &error) < 0) {
        buffer_append_string(&problem, "is ");
        buffer_append_string(&problem, error.text);
        report_shown(reader, value, problem.text);
    } else {
        const char *rule = rtsprec_schedule_rule(schedule);

        heap_forget(&settings->schedule);
        settings->schedule = heap_copy(rule, strlen(rule));
    }
    buffer_forget(&problem);
    rtsprec_schedule_destroy(&schedule);
    free(text);
}

void value_read_time_zone(struct reader *reader, const struct key *key, const struct node *value,
                          struct settings *settings)
{
    char *name = read_expanded(reader, value, (struct expand_encoded){0, 0});
    const char *problem = name != NULL ? time_zone_problem(name) : NULL;

    (void)key;
    if (problem != NULL) {
        report_shown(reader, value, problem);
        heap_forget(&name);
    }
    settings->time_zone = name;
}

void value_read_output_directory(struct reader *reader, const struct key *key,
                                 const struct node *value, struct settings *settings)
{
    (void)key;
    settings->has_output_directory = true;
    read_text_into(reader, value, &settings->output_directory);
}

void value_read_also_keep_directory(struct reader *reader, const struct key *key,
                                    const struct node *value, struct settings *settings)
{
    (void)key;
    settings->has_also_keep_directory = true;
    read_text_into(reader, value, &settings->also_keep_directory);
}
