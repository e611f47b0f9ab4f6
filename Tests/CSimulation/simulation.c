#define _GNU_SOURCE
#include "simulation.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/syscall.h>

#define SWIFT __attribute__((swiftcall))

typedef SWIFT void (*original)(void *job);
typedef SWIFT void (*hook)(void *job, original original);
typedef struct {
    void *identity;
    uintptr_t implementation;
} executor;

SWIFT void swift_job_run(void *job, executor executor);
extern hook swift_task_enqueueGlobal_hook __attribute__((weak));
extern hook swift_task_enqueueMainExecutor_hook __attribute__((weak));

static void (*take)(void *job);
static uint64_t state;

static SWIFT void enqueued(void *job, original original) {
    (void)original;
    take(job);
}

void simulation_install(void (*enqueue)(void *job)) {
    take = enqueue;
    setvbuf(stdout, NULL, _IOLBF, 0);
    // Looked up: a linked variable would be a copy of the runtime's. But a runtime inside the program shows none.
    const char *names[] = {"swift_task_enqueueGlobal_hook", "swift_task_enqueueMainExecutor_hook"};
    hook *linked[] = {&swift_task_enqueueGlobal_hook, &swift_task_enqueueMainExecutor_hook};
    for (size_t i = 0; i < 2; i++) {
        hook *place = dlsym(RTLD_DEFAULT, names[i]);
        if (!place) place = linked[i];
        if (!place) __builtin_trap();
        *place = enqueued;
    }
}

void simulation_run(void *job) { swift_job_run(job, (executor){NULL, 0}); }

void simulation_seed(uint64_t seed) { state = seed; }

static uint64_t next(void) {
    uint64_t z = (state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/// Takes the place of the C library's, since a program comes before its libraries: the Swift standard library asks the
/// kernel for randomness in this way. Everything else goes where it went.
long syscall(long number, ...) {
    va_list list;
    va_start(list, number);
    long arguments[6];
    for (int i = 0; i < 6; i++) arguments[i] = va_arg(list, long);
    va_end(list);
    if (number == SYS_getrandom) {
        unsigned char *to = (unsigned char *)arguments[0];
        size_t count = (size_t)arguments[1];
        for (size_t i = 0; i < count; i += 8) {
            uint64_t bits = next();
            for (size_t j = i; j < count && j < i + 8; j++, bits >>= 8) to[j] = (unsigned char)bits;
        }
        return (long)count;
    }
    static long (*usual)(long, ...);
    if (!usual) usual = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    return usual(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}
