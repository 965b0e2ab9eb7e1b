/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into the command to make one call fail, and to count blocks that were never freed.
 *
 *     FAULT_CLASS   alloc: malloc calloc realloc posix_memalign aligned_alloc mmap
 *                   file:  open for writing, write pwrite ftruncate fsync linkat rename mkdir (of what is no
 *                          standard stream)
 *                   read:  open for reading, opendir, read, pread
 *                   thread: pthread_create
 *     FAULT_AT      the number of the call that fails, from 1; 0: none
 *     FAULT_ON      if set, all calls from that one on fail
 *     FAULT_REFUSE  tmpfile: there are no files without a name; linkat: they cannot be linked. Not counted as calls
 *     FAULT_REPORT  a file that gets "CALLS LEAKS\n" when main returns: calls of the class, blocks not freed
 *
 * Only what happens inside main counts. OpenBLAS is left alone: it ends the process when it gets no memory.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *memory);

enum { ALLOC = 1, FILES, READ, THREAD };

static atomic_bool armed;
static int class;
static long fail_at;
static bool fail_on;
static const char *refused;
static atomic_long calls;

/* --- whose call it is --------------------------------------------------------------------------------------------- */

typedef struct range {
    uintptr_t begin, end;
} range;

enum { RANGES = 64 };
static range foreign[RANGES], untracked[RANGES]; /* OpenBLAS and what it brings; those and the C library */
static int n_foreign, n_untracked;

static bool within(const range *ranges, int n, const void *address)
{
    for (int i = 0; i < n; i++)
        if ((uintptr_t)address >= ranges[i].begin && (uintptr_t)address < ranges[i].end) return true;
    return false;
}

static range range_of(const struct dl_phdr_info *info)
{
    range r = {UINTPTR_MAX, 0};
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        uintptr_t begin = info->dlpi_addr + part->p_vaddr;
        if (part->p_type != PT_LOAD) continue;
        if (begin < r.begin) r.begin = begin;
        if (begin + part->p_memsz > r.end) r.end = begin + part->p_memsz;
    }
    return r;
}

static int note_module(struct dl_phdr_info *info, size_t size, void *user)
{
    static const char *const blas[] = {"libopenblas", "libgfortran", "libquadmath", "libgomp"};
    static const char *const system[] = {"/libc.so", "/libm.so", "ld-linux", "fault_shim"};
    (void)size, (void)user;
    for (size_t i = 0; i < sizeof blas / sizeof *blas; i++) {
        if (!strstr(info->dlpi_name, blas[i])) continue;
        if (n_foreign < RANGES) foreign[n_foreign++] = range_of(info);
        if (n_untracked < RANGES) untracked[n_untracked++] = range_of(info);
    }
    for (size_t i = 0; i < sizeof system / sizeof *system; i++)
        if (strstr(info->dlpi_name, system[i]) && n_untracked < RANGES) untracked[n_untracked++] = range_of(info);
    return 0;
}

/* --- which call fails --------------------------------------------------------------------------------------------- */

static bool fails(int wanted, const void *caller)
{
    if (!atomic_load(&armed) || class != wanted || within(foreign, n_foreign, caller)) return false;
    long n = atomic_fetch_add(&calls, 1) + 1;
    return fail_at > 0 && (n == fail_at || (fail_on && n > fail_at));
}

static bool refuses(const char *what) { return atomic_load(&armed) && refused && !strcmp(refused, what); }

#define CALLER __builtin_return_address(0)

/* --- blocks that are alive ---------------------------------------------------------------------------------------- */

enum { SLOTS = 1 << 20 };
static void *alive[SLOTS]; /* open addressing; a freed slot keeps GONE */
#define GONE ((void *)1)
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long n_alive;

static size_t slot_of(const void *memory) { return ((uintptr_t)memory >> 4) * 0x9E3779B97F4A7C15u >> 44; }

static void remember(void *memory, const void *caller)
{
    if (!memory || !atomic_load(&armed) || within(untracked, n_untracked, caller)) return;
    pthread_mutex_lock(&lock);
    size_t i = slot_of(memory) % SLOTS;
    while (alive[i] && alive[i] != GONE) i = (i + 1) % SLOTS;
    alive[i] = memory;
    n_alive++;
    pthread_mutex_unlock(&lock);
}

static void forget(void *memory)
{
    if (!memory || !atomic_load(&armed)) return;
    pthread_mutex_lock(&lock);
    size_t i = slot_of(memory) % SLOTS;
    while (alive[i] && alive[i] != memory) i = (i + 1) % SLOTS;
    if (alive[i]) {
        alive[i] = GONE;
        n_alive--;
    }
    pthread_mutex_unlock(&lock);
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

static void *out_of_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

void *malloc(size_t size)
{
    if (fails(ALLOC, CALLER)) return out_of_memory();
    void *memory = __libc_malloc(size);
    remember(memory, CALLER);
    return memory;
}

void *calloc(size_t count, size_t size)
{
    if (fails(ALLOC, CALLER)) return out_of_memory();
    void *memory = __libc_calloc(count, size);
    remember(memory, CALLER);
    return memory;
}

void *realloc(void *memory, size_t size)
{
    if (fails(ALLOC, CALLER)) return out_of_memory();
    forget(memory);
    void *grown = __libc_realloc(memory, size);
    remember(grown ? grown : size ? memory : NULL, CALLER);
    return grown;
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    if (fails(ALLOC, CALLER)) return ENOMEM;
    void *found = __libc_memalign(alignment, size);
    remember(found, CALLER);
    if (found) *memory = found;
    return found ? 0 : ENOMEM;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    if (fails(ALLOC, CALLER)) return out_of_memory();
    void *memory = __libc_memalign(alignment, size);
    remember(memory, CALLER);
    return memory;
}

void free(void *memory)
{
    forget(memory);
    __libc_free(memory);
}

/* --- the calls of the system -------------------------------------------------------------------------------------- */

/* The library's own function; the type is that of the declaration it replaces. */
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define ERROR(number) (errno = (number), -1)

void *mmap(void *address, size_t size, int protection, int flags, int file, off_t offset)
{
    static __typeof__(&mmap) real;
    if (!real) real = REAL(mmap);
    if (!fails(ALLOC, CALLER)) return real(address, size, protection, flags, file, offset);
    errno = ENOMEM;
    return MAP_FAILED;
}

static int class_of_open(int flags) { return (flags & O_ACCMODE) == O_RDONLY ? READ : FILES; }

static mode_t mode_of(int flags, va_list args) { return flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0; }

int open(const char *path, int flags, ...)
{
    static int (*real)(const char *, int, ...);
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    if (!real) real = REAL(open);
    if ((flags & O_TMPFILE) == O_TMPFILE && refuses("tmpfile")) return ERROR(EOPNOTSUPP);
    if (!fails(class_of_open(flags), CALLER)) return real(path, flags, mode);
    return ERROR(class_of_open(flags) == READ ? EMFILE : ENOSPC);
}

FILE *fopen(const char *path, const char *mode)
{
    static FILE *(*real)(const char *, const char *);
    bool reading = mode[0] == 'r' && !strchr(mode, '+');
    if (!real) real = REAL(fopen);
    if (!fails(reading ? READ : FILES, CALLER)) return real(path, mode);
    errno = reading ? EMFILE : ENOSPC;
    return NULL;
}

DIR *opendir(const char *path)
{
    static DIR *(*real)(const char *);
    if (!real) real = REAL(opendir);
    if (!fails(READ, CALLER)) return real(path);
    errno = EMFILE;
    return NULL;
}

ssize_t read(int file, void *bytes, size_t size)
{
    static __typeof__(&read) real;
    if (!real) real = REAL(read);
    return fails(READ, CALLER) ? ERROR(EIO) : real(file, bytes, size);
}

ssize_t pread(int file, void *bytes, size_t size, off_t offset)
{
    static __typeof__(&pread) real;
    if (!real) real = REAL(pread);
    return fails(READ, CALLER) ? ERROR(EIO) : real(file, bytes, size, offset);
}

ssize_t write(int file, const void *bytes, size_t size)
{
    static __typeof__(&write) real;
    if (!real) real = REAL(write);
    return file > STDERR_FILENO && fails(FILES, CALLER) ? ERROR(ENOSPC) : real(file, bytes, size);
}

ssize_t pwrite(int file, const void *bytes, size_t size, off_t offset)
{
    static __typeof__(&pwrite) real;
    if (!real) real = REAL(pwrite);
    return fails(FILES, CALLER) ? ERROR(ENOSPC) : real(file, bytes, size, offset);
}

int ftruncate(int file, off_t size)
{
    static __typeof__(&ftruncate) real;
    if (!real) real = REAL(ftruncate);
    return fails(FILES, CALLER) ? ERROR(EIO) : real(file, size);
}

int fsync(int file)
{
    static __typeof__(&fsync) real;
    if (!real) real = REAL(fsync);
    return fails(FILES, CALLER) ? ERROR(EIO) : real(file);
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags)
{
    static __typeof__(&linkat) real;
    if (!real) real = REAL(linkat);
    if (refuses("linkat")) return ERROR(EPERM);
    return fails(FILES, CALLER) ? ERROR(EIO) : real(from_folder, from, to_folder, to, flags);
}

int rename(const char *from, const char *to)
{
    static __typeof__(&rename) real;
    if (!real) real = REAL(rename);
    return fails(FILES, CALLER) ? ERROR(EIO) : real(from, to);
}

int mkdir(const char *path, mode_t mode)
{
    static __typeof__(&mkdir) real;
    if (!real) real = REAL(mkdir);
    return fails(FILES, CALLER) ? ERROR(ENOSPC) : real(path, mode);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument)
{
    static __typeof__(&pthread_create) real;
    if (!real) real = REAL(pthread_create);
    return fails(THREAD, CALLER) ? EAGAIN : real(thread, attributes, start, argument);
}

/* --- around main -------------------------------------------------------------------------------------------------- */

static int (*real_main)(int, char **, char **);

static long number(const char *name)
{
    const char *text = getenv(name);
    return text ? atol(text) : 0;
}

static int named_class(const char *name)
{
    static const char *const names[] = {"", "alloc", "file", "read", "thread"};
    for (int i = ALLOC; name && i <= THREAD; i++)
        if (!strcmp(name, names[i])) return i;
    return 0;
}

static void report(void)
{
    char text[64];
    const char *path = getenv("FAULT_REPORT");
    if (!path) return;
    int n = snprintf(text, sizeof text, "%ld %ld\n", atomic_load(&calls), n_alive);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0 || write(file, text, (size_t)n) != n) abort();
    close(file);
}

static int watched_main(int argc, char **argv, char **environment)
{
    dl_iterate_phdr(note_module, NULL);
    class = named_class(getenv("FAULT_CLASS"));
    fail_at = number("FAULT_AT");
    fail_on = getenv("FAULT_ON") != NULL;
    refused = getenv("FAULT_REFUSE");
    atomic_store(&armed, true);
    int status = real_main(argc, argv, environment);
    atomic_store(&armed, false);
    report();
    return status;
}

int __libc_start_main(int (*program)(int, char **, char **), int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*loader_fini)(void), void *stack_end);
int __libc_start_main(int (*program)(int, char **, char **), int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*loader_fini)(void), void *stack_end)
{
    __typeof__(&__libc_start_main) real = REAL(__libc_start_main);
    real_main = program;
    return real(watched_main, argc, argv, init, fini, loader_fini, stack_end);
}
