/* A machine that is not well, for one process: preloaded by machine.py, and told what is wrong through a shared page.
   Clock, disk and names fail as the C library says they do, so that everything above it is the real thing. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* As machine.py writes it: little endian, in this order. */
struct trouble {
  int64_t clock_offset;  /* seconds added to CLOCK_REALTIME */
  int32_t write_error;   /* errno of writes to the store, 0 for none */
  int32_t sync_error;    /* errno of fsync and fdatasync of the store */
  int32_t name_error;    /* EAI_ of names that end in .machine.test; 0 makes them 127.0.0.1 */
  int32_t unused;
  int64_t hits;          /* calls that were made to fail */
};

static volatile struct trouble *page;
static const char *folder;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("MACHINE_PAGE");
  folder = getenv("MACHINE_STORE");
  int descriptor = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (descriptor < 0) return;
  void *mapped = mmap(NULL, sizeof(struct trouble), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (mapped != MAP_FAILED) page = mapped;
  close(descriptor);
}

#define REAL(name) \
  static __typeof__(name) *real; \
  if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

static int fails(int error) {
  __atomic_add_fetch(&page->hits, 1, __ATOMIC_RELAXED);
  errno = error;
  return -1;
}

/* The store's files are told by their path, so that sockets and the log go on. */
static int is_store(int descriptor) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0 || !folder) return 0;
  path[length] = 0;
  return strncmp(path, folder, strlen(folder)) == 0;
}

#define WRITE_FAILS(descriptor) (page && page->write_error && is_store(descriptor))

ssize_t write(int descriptor, const void *bytes, size_t count) {
  REAL(write);
  return WRITE_FAILS(descriptor) ? fails(page->write_error) : real(descriptor, bytes, count);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
  REAL(pwrite);
  return WRITE_FAILS(descriptor) ? fails(page->write_error) : real(descriptor, bytes, count, offset);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset) {
  REAL(pwrite64);
  return WRITE_FAILS(descriptor) ? fails(page->write_error) : real(descriptor, bytes, count, offset);
}

int fsync(int descriptor) {
  REAL(fsync);
  return page && page->sync_error && is_store(descriptor) ? fails(page->sync_error) : real(descriptor);
}

int fdatasync(int descriptor) {
  REAL(fdatasync);
  return page && page->sync_error && is_store(descriptor) ? fails(page->sync_error) : real(descriptor);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  REAL(clock_gettime);
  int result = real(clock, time);
  if (result == 0 && page && clock == CLOCK_REALTIME) time->tv_sec += page->clock_offset;
  return result;
}

int gettimeofday(struct timeval *time, void *zone) {
  REAL(gettimeofday);
  int result = real(time, zone);
  if (result == 0 && page) time->tv_sec += page->clock_offset;
  return result;
}

time_t time(time_t *out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out) *out = now.tv_sec;
  return now.tv_sec;
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
  REAL(getaddrinfo);
  const char *end = name ? strstr(name, ".machine.test") : NULL;
  if (!end || end[13]) return real(name, service, hints, found);
  if (page && page->name_error) {
    fails(0);
    return page->name_error;
  }
  return real("127.0.0.1", service, hints, found);
}
