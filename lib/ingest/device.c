#include "ingest/device.h"

#include <dlfcn.h>
#include <pthread.h>

#include "base/av_glue.h"
#include "base/error.h"

static void load(void)
{
    /* Never unloaded: libavformat keeps pointers into it. */
    void *library = dlopen(AV_GLUE_DEVICE_LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library)
        return;
    void (*register_all)(void) = NULL;
    *(void **)&register_all = dlsym(library, "avdevice_register_all");
    if (register_all)
        register_all();
}

int device_find(const AVInputFormat **out, const char *name, struct rtsprec_error *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    *out = av_find_input_format(name);
    if (!*out)
        return error_set(error, RTSPREC_ERROR_UNSUPPORTED,
                         "devices of this machine (%s) need %s, which is not installed or does not "
                         "know them",
                         name, AV_GLUE_DEVICE_LIBRARY);
    return 0;
}
