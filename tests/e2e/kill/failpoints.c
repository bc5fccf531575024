// Kills the process, as kill -9 does, right before or right after the n-th thing that it does to the
// files of its store.
//
//   LD_PRELOAD=failpoints.so FAILPOINT=sync:3:before fusebox --data-dir=...
//
// What is counted: write, truncate, sync, unlink and rename, or "any" of them.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long seen;

static bool is_of_store(const char* path) { return strstr(path, "/fusebox-") != NULL; }

static bool is_file_of_store(int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t size = readlink(link, path, sizeof path - 1);
  if (size <= 0) return false;
  path[size] = '\0';
  return is_of_store(path);
}

struct failpoint {
  char kind[16];
  long number;
  char when[16];
};

static struct failpoint wanted(void) {
  struct failpoint point = {"", 0, ""};
  const char* text = getenv("FAILPOINT");
  if (text != NULL) sscanf(text, "%15[^:]:%ld:%15s", point.kind, &point.number, point.when);
  return point;
}

// Which one of those that are counted it is; 0 if it is not.
static long count(const char* kind) {
  const struct failpoint point = wanted();
  const bool counts = strcmp(point.kind, "any") == 0 || strcmp(point.kind, kind) == 0;
  return counts ? atomic_fetch_add(&seen, 1) + 1 : 0;
}

static void die_if(long number, const char* when) {
  const struct failpoint point = wanted();
  if (number == 0 || number != point.number || strcmp(when, point.when) != 0) return;
  kill(getpid(), SIGKILL);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define WRAP(result, name, kind, counts, parameters, arguments) \
  result name parameters {                                      \
    static __typeof__(&name) real;                              \
    if (real == NULL) real = REAL(name);                        \
    const long number = (counts) ? count(kind) : 0;             \
    die_if(number, "before");                                   \
    const result answer = real arguments;                       \
    die_if(number, "after");                                    \
    return answer;                                              \
  }

WRAP(ssize_t, pwrite64, "write", is_file_of_store(fd),
     (int fd, const void* from, size_t size, off64_t at), (fd, from, size, at))
WRAP(ssize_t, pwrite, "write", is_file_of_store(fd),
     (int fd, const void* from, size_t size, off_t at), (fd, from, size, at))
WRAP(ssize_t, write, "write", is_file_of_store(fd), (int fd, const void* from, size_t size),
     (fd, from, size))
WRAP(int, ftruncate64, "truncate", is_file_of_store(fd), (int fd, off64_t size), (fd, size))
WRAP(int, ftruncate, "truncate", is_file_of_store(fd), (int fd, off_t size), (fd, size))
WRAP(int, fsync, "sync", is_file_of_store(fd), (int fd), (fd))
WRAP(int, fdatasync, "sync", is_file_of_store(fd), (int fd), (fd))
WRAP(int, unlink, "unlink", is_of_store(path), (const char* path), (path))
WRAP(int, rename, "rename", is_of_store(from), (const char* from, const char* to), (from, to))
