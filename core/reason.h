#ifndef FUSEBOX_CORE_REASON_H_
#define FUSEBOX_CORE_REASON_H_

#include <cstddef>
#include <cstdint>

namespace fusebox {

// Why a call was refused.
enum class Reason : uint8_t {
  kNone,
  kOpen,
  kProbesBusy,
  kRamping,
  kForcedOpen,
  kRetryBudget,
  kRateLimit,
  kBulkhead,
  kDuplicate,  // A call with its key is under way or was made.
  kKeysFull,   // Too many keys are under way or of unknown end.
  kNoServer,   // By a client that is told to refuse all calls while it has no server.
};

inline constexpr size_t kReasons = static_cast<size_t>(Reason::kNoServer) + 1;

}  // namespace fusebox

#endif  // FUSEBOX_CORE_REASON_H_
