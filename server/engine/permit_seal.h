#ifndef FUSEBOX_SERVER_ENGINE_PERMIT_SEAL_H_
#define FUSEBOX_SERVER_ENGINE_PERMIT_SEAL_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/guard.h"
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
  // Draws a key. `first_epoch` is the first epoch of this life of the server.
  explicit PermitSeal(uint64_t first_epoch);

  SealedPermit Seal(const Permit& permit, Slot slot, absl::string_view breaker) const;

  // The error is INVALID_ARGUMENT with reason PERMIT_INVALID: not a permit, corrupt, forged or of
  // another breaker. A permit of an earlier life was sealed with another key and cannot be checked;
  // it opens, as one that is late and earns nothing, so that a forged one can do no harm.
  absl::StatusOr<OpenedPermit> Open(absl::string_view bytes, absl::string_view breaker) const;

 private:
  static constexpr size_t kTagSize = 8;
  static constexpr size_t kKeySize = 16;

  std::array<char, kTagSize> Tag(const char* body, absl::string_view breaker) const;

  const uint64_t first_epoch_;
  std::array<unsigned char, kKeySize> key_;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_ENGINE_PERMIT_SEAL_H_
