#include "command.h"

#include <string.h>

#include "archive_command.h"
#include "coverage_command.h"
#include "forecast_command.h"
#include "list_command.h"
#include "protect_command.h"
#include "rescan_command.h"
#include "retention_command.h"

static const struct command commands[] = {
    {"repair", repair_command_run},     {"verify", verify_command_run},
    {"list", list_command_run},         {"coverage", coverage_command_run},
    {"protect", protect_command_run},   {"unprotect", unprotect_command_run},
    {"rescan", rescan_command_run},     {"retention", retention_command_run},
    {"forecast", forecast_command_run},
};

const struct command *command_find(int argc, char **argv)
{
    if (argc < 2)
        return NULL;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(commands[i].name, argv[1]) == 0)
            return &commands[i];
    }
    return NULL;
}
