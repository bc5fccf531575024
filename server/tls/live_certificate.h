#ifndef FUSEBOX_SERVER_TLS_LIVE_CERTIFICATE_H_
#define FUSEBOX_SERVER_TLS_LIVE_CERTIFICATE_H_

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "server/sync/mutex.h"
#include "server/tls/certificate.h"

namespace fusebox {

// The certificate that new connections use. Those that exist keep theirs. Thread-safe.
class LiveCertificate {
 public:
  // One after another, each replaces the one before.
  struct Version {
    uint64_t number = 0;  // 0: there is none yet.
    std::shared_ptr<const Certificate> certificate = nullptr;
  };

  void Replace(Certificate certificate) {
    auto next = std::make_shared<const Certificate>(std::move(certificate));
    MutexLock lock(&mutex_);
    version_ = {version_.number + 1, std::move(next)};
  }

  Version Get() const {
    MutexLock lock(&mutex_);
    return version_;
  }

 private:
  mutable Mutex mutex_;
  Version version_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_TLS_LIVE_CERTIFICATE_H_
