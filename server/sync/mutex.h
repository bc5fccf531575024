#ifndef FUSEBOX_SERVER_SYNC_MUTEX_H_
#define FUSEBOX_SERVER_SYNC_MUTEX_H_

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#define FUSEBOX_TSAN_MUTEX(call) call
#else
#define FUSEBOX_TSAN_MUTEX(call) static_cast<void>(0)
#endif

namespace fusebox {

// absl::Mutex, of eight bytes, that ThreadSanitizer understands.
//
// Abseil tells the sanitizer about its mutexes only when it is itself compiled with it, and
// Debian's is not: every mutex would look like no mutex. So this one tells it. Thread-safe.
class ABSL_LOCKABLE Mutex {
 public:
  Mutex() { FUSEBOX_TSAN_MUTEX(__tsan_mutex_create(this, __tsan_mutex_not_static)); }
  ~Mutex() { FUSEBOX_TSAN_MUTEX(__tsan_mutex_destroy(this, __tsan_mutex_not_static)); }
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    FUSEBOX_TSAN_MUTEX(__tsan_mutex_pre_lock(this, 0));
    mutex_.Lock();
    FUSEBOX_TSAN_MUTEX(__tsan_mutex_post_lock(this, 0, 0));
  }

  void Unlock() ABSL_UNLOCK_FUNCTION() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    FUSEBOX_TSAN_MUTEX(__tsan_mutex_pre_unlock(this, 0));
    mutex_.Unlock();
    FUSEBOX_TSAN_MUTEX(__tsan_mutex_post_unlock(this, 0));
  }

 private:
  absl::Mutex mutex_;
};

// Holds a mutex for as long as it lives.
class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex* mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) : mutex_(mutex) {
    mutex_->Lock();
  }
  ~MutexLock() ABSL_UNLOCK_FUNCTION() { mutex_->Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex* const mutex_;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_SYNC_MUTEX_H_
