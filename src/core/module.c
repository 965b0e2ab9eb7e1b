/* SPDX-License-Identifier: Apache-2.0 */
#include "core/module.h"

#include <cinch/version.h>

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/status.h"

enum { PATH_ROOM = 4096 };

/* --- what a module gets of core ----------------------------------------------------------------------------------- */

static void host_fail(const char *text) { cinch_fail(CINCH_INTERNAL, "%s", text); }

static const cinch_host host = {host_fail, cinch_calloc};

/* --- folders ------------------------------------------------------------------------------------------------------ */

/* The file of the library, or of the program that it is linked into, whose name the linker does not know. */
static bool own_file(char path[PATH_ROOM])
{
    Dl_info info;
    struct link_map *map = NULL;
    if (!dladdr1((const void *)&host, &info, (void **)&map, RTLD_DL_LINKMAP) || !map) return false;
    return realpath(map->l_name && map->l_name[0] ? map->l_name : "/proc/self/exe", path);
}

/* The file in the first of these folders that has it; the list is separated by colons. */
static bool find_in(const char *folders, const char *file, char path[PATH_ROOM])
{
    for (const char *at = folders; *at; at += *at == ':') {
        int length = (int)strcspn(at, ":");
        int needed = snprintf(path, PATH_ROOM, "%.*s/%s", length, at, file);
        if (length && needed < PATH_ROOM && !access(path, F_OK)) return true;
        at += length;
    }
    return false;
}

/* Beside the library as it is installed, below the build, and where the program's libraries are. */
static bool find_near(const char *file, char path[PATH_ROOM])
{
    static const char *const places[] = {"cinch", "lib/cinch", "../lib/cinch", "../" CINCH_LIBRARY_FOLDER "/cinch"};
    char own[PATH_ROOM];
    bool found = false;
    if (!own_file(own)) return false;
    *strrchr(own, '/') = 0;
    for (size_t i = 0; !found && i < sizeof places / sizeof *places; i++) {
        int needed = snprintf(path, PATH_ROOM, "%s/%s/%s", own, places[i], file);
        found = needed < PATH_ROOM && !access(path, F_OK);
    }
    return found;
}

static cinch_status find_file(const char *file, char path[PATH_ROOM])
{
    const char *given = secure_getenv("CINCH_BACKEND_PATH");
    if (given && *given) {
        if (find_in(given, file, path)) return CINCH_OK;
        return cinch_fail(CINCH_DEVICE, "CINCH_BACKEND_PATH is %.200s, where there is no %s", given, file);
    }
    if (find_near(file, path) || find_in(CINCH_MODULE_FOLDER, file, path)) return CINCH_OK;
    return cinch_fail(CINCH_DEVICE, "the backend for GPUs is not installed (%s); where it is elsewhere, "
                      "CINCH_BACKEND_PATH names its folder", file);
}

/* --- loading ------------------------------------------------------------------------------------------------------ */

/* The linker's words name the file that is wrong, then say what is wrong with it. */
static cinch_status explain(const char *path)
{
    static const char missing[] = ": cannot open shared object file: No such file";
    const char *words = dlerror(), *library = words ? strstr(words, missing) : NULL;
    if (!library || !strncmp(words, path, strlen(path)))
        return cinch_fail(CINCH_DEVICE, "the backend for GPUs cannot be loaded: %s", words ? words : path);
    return cinch_fail(CINCH_DEVICE, "the backend for GPUs needs %.*s, which is not here; install it, or name its "
                      "folder in LD_LIBRARY_PATH", (int)(library - words), words);
}

static cinch_status check(const cinch_module *module, const char *path)
{
    if (!module) return cinch_fail(CINCH_DEVICE, "%s is not a backend of cinch", path);
    if (module->abi != CINCH_MODULE_ABI)
        return cinch_fail(CINCH_DEVICE, "%s was built for another version of cinch (ABI %d, and this one has %d); "
                          "install both from the same build", path, (int)module->abi, (int)CINCH_MODULE_ABI);
    if (!strcmp(module->version, CINCH_VERSION)) return CINCH_OK;
    return cinch_fail(CINCH_DEVICE, "%s is of cinch %.20s, and this is %s; install both from the same build", path,
                      module->version, CINCH_VERSION);
}

static cinch_status take(const cinch_module **out, void *library, const char *path)
{
    cinch_module_entry *entry;
    *(void **)&entry = dlsym(library, CINCH_MODULE_ENTRY);
    if (!entry) return cinch_fail(CINCH_DEVICE, "%s is not a backend of cinch: it has no %s", path, CINCH_MODULE_ENTRY);
    const cinch_module *module = entry(CINCH_MODULE_ABI, &host);
    TRY(check(module, path));
    *out = module;
    return CINCH_OK;
}

static cinch_status load(const cinch_module **out, const char *backend)
{
    char file[64], path[PATH_ROOM];
    snprintf(file, sizeof file, "libcinch_%s.so", backend);
    TRY(find_file(file, path));
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) return explain(path);
    cinch_status status = take(out, library, path);
    if (status) dlclose(library);
    return status;
}

cinch_status cinch_module_load(const cinch_module **out, const char *backend)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static const cinch_module *loaded;
    pthread_mutex_lock(&mutex);
    cinch_status status = loaded ? CINCH_OK : load(&loaded, backend);
    *out = loaded;
    pthread_mutex_unlock(&mutex);
    return status;
}
