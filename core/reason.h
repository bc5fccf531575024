#ifndef FUSEBOX_CORE_REASON_H_
#define FUSEBOX_CORE_REASON_H_

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
};

}  // namespace fusebox

#endif  // FUSEBOX_CORE_REASON_H_
