/* Runs a fuzzer's entry once over each file of the directories that are given: for compilers
 * without libFuzzer, and to see that what was found once stays fixed. */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "fuzz.h"

static bool replay(const char *path)
{
    static uint8_t data[1 << 20];
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    size_t size = fread(data, 1, sizeof(data), file);
    fclose(file);
    /* Exactly as large as needed, so that a sanitizer sees every byte read too many. */
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        return false;
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    return true;
}

int main(int argc, char **argv)
{
    int count = 0;
    for (int i = 1; i < argc; i++) {
        DIR *directory = opendir(argv[i]);
        const struct dirent *entry;
        while (directory && (entry = readdir(directory)) != NULL) {
            char path[4096];
            if (entry->d_name[0] == '.')
                continue;
            snprintf(path, sizeof(path), "%s/%s", argv[i], entry->d_name);
            if (!replay(path)) {
                fprintf(stderr, "%s: %s\n", path, strerror(errno));
                return 1;
            }
            count++;
        }
        if (directory)
            closedir(directory);
    }
    printf("%d inputs\n", count);
    return count > 0 ? 0 : 1;
}
