// Shifts the wall clock of one process, as if somebody had set that of the machine.
//
//   LD_PRELOAD=.../shifted_clock.so SHIFTED_CLOCK_FILE=shift fusebox
//
// The file holds one signed 64-bit number, the shift in seconds, and may be rewritten at any time.
// CLOCK_MONOTONIC and CLOCK_BOOTTIME stay as they are, as on a machine whose clock is set.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t* shift;

__attribute__((constructor)) static void MapShift(void) {
  const char* path = getenv("SHIFTED_CLOCK_FILE");
  const int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  void* page = mmap(NULL, sizeof *shift, PROT_READ, MAP_SHARED, file, 0);
  if (page == MAP_FAILED) abort();
  shift = page;
}

int clock_gettime(clockid_t clock, struct timespec* now) {
  static int (*real)(clockid_t, struct timespec*);
  if (real == NULL) real = (int (*)(clockid_t, struct timespec*))dlsym(RTLD_NEXT, "clock_gettime");
  const int result = real(clock, now);
  const int is_wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
  if (result == 0 && is_wall && shift != NULL) now->tv_sec += *shift;
  return result;
}

int gettimeofday(struct timeval* restrict now, void* restrict zone) {
  struct timespec precise;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &precise);
  now->tv_sec = precise.tv_sec;
  now->tv_usec = precise.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* result) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (result != NULL) *result = now.tv_sec;
  return now.tv_sec;
}

// The kernel knows nothing of the shift. So a wait that ends by the wall clock is cut into slices,
// each of which ends as if it had been woken for nothing: who waits looks at the clock and waits
// on. That is as close as may be to a kernel whose clock is set while somebody waits.
static int IsOver(const struct timespec* end) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec > end->tv_sec || (now.tv_sec == end->tv_sec && now.tv_nsec >= end->tv_nsec);
}

static struct timespec EndOfSlice(const struct timespec* end) {
  const long kSliceNs = 10000000;
  struct timespec slice;
  clock_gettime(CLOCK_REALTIME, &slice);
  slice.tv_sec -= *shift;
  if (IsOver(end)) return slice;
  slice.tv_nsec += kSliceNs;
  slice.tv_sec += slice.tv_nsec / 1000000000;
  slice.tv_nsec %= 1000000000;
  return slice;
}

int pthread_cond_timedwait(pthread_cond_t* restrict condition, pthread_mutex_t* restrict mutex,
                           const struct timespec* restrict end) {
  // A condition does not tell its clock. No machine has been up for 30 years.
  const int is_wall = end->tv_sec > 1000000000;
  if (!is_wall) return pthread_cond_clockwait(condition, mutex, CLOCK_MONOTONIC, end);
  const struct timespec slice = EndOfSlice(end);
  const int result = pthread_cond_clockwait(condition, mutex, CLOCK_REALTIME, &slice);
  return result == ETIMEDOUT && !IsOver(end) ? 0 : result;
}

// Abseil waits by calling the kernel itself.
long syscall(long number, ...) {
  static long (*real)(long, ...);
  if (real == NULL) real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  long a[6];
  va_list arguments;
  va_start(arguments, number);
  for (int i = 0; i < 6; ++i) a[i] = va_arg(arguments, long);
  va_end(arguments);
  const struct timespec* end = (const struct timespec*)a[3];
  if (number != SYS_futex || (a[1] & FUTEX_CLOCK_REALTIME) == 0 || end == NULL) {
    return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  }
  const struct timespec slice = EndOfSlice(end);
  const long result = real(number, a[0], a[1], a[2], &slice, a[4], a[5]);
  if (result < 0 && errno == ETIMEDOUT && !IsOver(end)) errno = EINTR;
  return result;
}
