#include "command.h"

#include <string.h>

static void kick(struct server *server, const char *path)
{
    for (struct client **link = &server->clients; *link != NULL;) {
        struct client *client = *link;
        if (client_is_on(client, path)) {
            *link = client->next;
            client_destroy(client);
        } else {
            link = &client->next;
        }
    }
}

void command_run(struct server *server, char *line)
{
    char *save = NULL, error[256];
    char *words[5] = {NULL};
    int count = 0;

    for (char *word = strtok_r(line, " \t\r", &save); word != NULL && count < 5;
         word = strtok_r(NULL, " \t\r", &save))
        words[count++] = word;
    if (count == 0)
        return;
    if (strcmp(words[0], "set") == 0 && count == 4) {
        if (settings_set(server->house.settings, words[1], words[2], words[3], error,
                         sizeof(error)) < 0)
            fprintf(stderr, "rtspcam: set: %s\n", error);
    } else if (strcmp(words[0], "kick") == 0 && count == 2) {
        kick(server, words[1]);
    } else {
        fprintf(stderr,
                "rtspcam: unknown command '%s' with %d words, expected"
                " 'set PATH KEY VALUE' or 'kick PATH'\n",
                words[0], count - 1);
    }
}
