/* SPDX-License-Identifier: Apache-2.0 */
#include "core/module.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/status.h"

enum { PATH_ROOM = 4096 };

/* --- what a module gets of core ------------------------------------------------------------------------------------ */

static void host_fail(const char *text) { cinch_fail(CINCH_INTERNAL, "%s", text); }

static const cinch_host host = {host_fail, cinch_calloc};

/* --- folders ------------------------------------------------------------------------------------------------------- */

/* The folder of the library, or of the program that it is linked into. */
static void own_folder(char *text, size_t size)
{
    Dl_info info;
    char path[PATH_ROOM];
    text[0] = 0;
    if (!dladdr((const void *)&host, &info) || !info.dli_fname || !realpath(info.dli_fname, path)) return;
    char *slash = strrchr(path, '/');
    if (slash) snprintf(text, size, "%.*s", (int)(slash - path), path);
}

/* The file in the first of these folders that has it; the list is separated by colons. */
static bool find_in(const char *folders, const char *file, char *path, size_t size)
{
    for (const char *at = folders; *at; at += *at == ':') {
        int length = (int)strcspn(at, ":");
        snprintf(path, size, "%.*s/%s", length, at, file);
        if (length && !access(path, F_OK)) return true;
        at += length;
    }
    return false;
}

static bool find_file(const char *file, char *path, size_t size)
{
    const char *given = getenv("CINCH_BACKEND_PATH");
    char own[PATH_ROOM], folders[4 * PATH_ROOM];
    if (given && *given) return find_in(given, file, path, size);
    own_folder(own, sizeof own);
    snprintf(folders, sizeof folders, "%s/cinch:%s/../cinch:%s/../lib/cinch:%s", own, own, own, CINCH_MODULE_FOLDER);
    return find_in(folders, file, path, size);
}

/* --- loading ------------------------------------------------------------------------------------------------------- */

static cinch_status check_abi(const cinch_module *module, const char *path)
{
    if (module->abi == CINCH_MODULE_ABI) return CINCH_OK;
    return cinch_fail(CINCH_DEVICE, "%s was built for another version of cinch (ABI %d, this one has %d); install both "
                      "from the same build", path, (int)module->abi, (int)CINCH_MODULE_ABI);
}

static cinch_status open_file(const cinch_module **out, const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) return cinch_fail(CINCH_DEVICE, "the backend module cannot be loaded: %s", dlerror());
    cinch_module_entry *entry;
    *(void **)&entry = dlsym(library, CINCH_MODULE_ENTRY);
    if (!entry) {
        dlclose(library);
        return cinch_fail(CINCH_DEVICE, "%s is not a backend module of cinch", path);
    }
    const cinch_module *module = entry(CINCH_MODULE_ABI, &host);
    TRY(check_abi(module, path));
    *out = module;
    return CINCH_OK;
}

cinch_status cinch_module_load(const cinch_module **out, const char *backend)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static const cinch_module *loaded;
    char file[64], path[PATH_ROOM];
    cinch_status status = CINCH_OK;
    snprintf(file, sizeof file, "libcinch_%s.so", backend);
    pthread_mutex_lock(&mutex);
    if (!loaded) {
        if (find_file(file, path, sizeof path)) status = open_file(&loaded, path);
        else status = cinch_fail(CINCH_DEVICE, "no GPU backend is installed (%s); set CINCH_BACKEND_PATH to its folder", file);
    }
    *out = loaded;
    pthread_mutex_unlock(&mutex);
    return status;
}
