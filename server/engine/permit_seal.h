#ifndef FUSEBOX_SERVER_ENGINE_PERMIT_SEAL_H_
#define FUSEBOX_SERVER_ENGINE_PERMIT_SEAL_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/guard.h"
#include "server/engine/transition_numbers.h"
#include "server/registry/registry.h"

namespace fusebox {

// A permit as callers see it: opaque bytes.
class SealedPermit {
 public:
  static constexpr size_t kSize = 34;

  absl::string_view bytes() const { return {bytes_.data(), bytes_.size()}; }

 private:
  friend class PermitSeal;
  std::array<char, kSize> bytes_;
};

// A permit as the server sees it.
struct OpenedPermit {
  Permit permit;
  Slot slot = 0;
};

// Seals permits, so that only what this server granted, for this breaker, comes back.
//
//   version 1 | flags 1 | slot 4 | epoch 8 | number 8 | attempt 4 | tag 8     (little-endian)
//
// The tag is SipHash-2-4 of the rest and the breaker's name under a key that lives as long as the
// server; guessing one takes 2^63 tries. Thread-safe.
class PermitSeal {
 public:
  // Draws a key. `numbers` hands out the epochs of this life of the server and outlives this.
  explicit PermitSeal(const TransitionNumbers& numbers);

  SealedPermit Seal(const Permit& permit, Slot slot, absl::string_view breaker) const;

  // The error is INVALID_ARGUMENT with reason PERMIT_INVALID: not a permit, corrupt, forged or of
  // another breaker. A permit whose epoch is not of this life was sealed with another key and
  // cannot be checked; it opens, as one that is late and earns nothing, so that a forged one can do
  // no harm. Lives before this one may have had later epochs, if the wall clock was set back since.
  absl::StatusOr<OpenedPermit> Open(absl::string_view bytes, absl::string_view breaker) const;

 private:
  static constexpr size_t kTagSize = 8;
  static constexpr size_t kKeySize = 16;

  std::array<char, kTagSize> Tag(const char* body, absl::string_view breaker) const;

  bool IsOfThisLife(uint64_t epoch) const {
    return epoch >= numbers_.first_epoch() && epoch < numbers_.next_epoch();
  }

  const TransitionNumbers& numbers_;
  std::array<unsigned char, kKeySize> key_;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_ENGINE_PERMIT_SEAL_H_
