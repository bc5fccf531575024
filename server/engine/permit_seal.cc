#include "server/engine/permit_seal.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "core/name.h"

namespace fusebox {
namespace {

static_assert(crypto_shorthash_siphash24_BYTES == 8 && crypto_shorthash_siphash24_KEYBYTES == 16);

constexpr char kVersion = 1;
constexpr char kVotes = 1;
constexpr char kEarns = 2;
// Two bits for how the attempt before failed: 0 is not at all, or unknown.
constexpr int kFailureAt = 2;
constexpr std::array<Outcome, 3> kFailures = {Outcome::kFailure, Outcome::kTimeout,
                                              Outcome::kRateLimited};

constexpr size_t kFlagsAt = 1, kSlotAt = 2, kEpochAt = 6, kNumberAt = 14, kAttemptAt = 22;
constexpr size_t kBodySize = 26;

// x86-64 and arm64 are little-endian, and permits never leave the server that made them.
template <typename T>
void Put(char* at, T value) {
  std::memcpy(at, &value, sizeof value);
}

template <typename T>
T Get(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

char FlagsOf(const Permit& permit) {
  int flags = (permit.votes ? kVotes : 0) | (permit.earns ? kEarns : 0);
  for (size_t i = 0; i < kFailures.size(); ++i) {
    if (permit.previous_failure == kFailures[i]) flags |= static_cast<int>(i + 1) << kFailureAt;
  }
  return static_cast<char>(flags);
}

std::optional<Outcome> PreviousFailure(char flags) {
  const size_t index = (static_cast<unsigned char>(flags) >> kFailureAt) % 4;
  if (index == 0) return std::nullopt;
  return kFailures[index - 1];
}

absl::Status Invalid(absl::string_view what) {
  return MakeError(absl::StatusCode::kInvalidArgument, "PERMIT_INVALID",
                   absl::StrCat("permit ", what,
                                "; send back, unchanged, the permit that Allow granted for this "
                                "breaker, or none to report an observation"),
                   "permit");
}

}  // namespace

PermitSeal::PermitSeal(const TransitionNumbers& numbers) : numbers_(numbers) {
  randombytes_buf(key_.data(), key_.size());
}

std::array<char, PermitSeal::kTagSize> PermitSeal::Tag(const char* body,
                                                       absl::string_view breaker) const {
  std::array<unsigned char, kBodySize + kMaxNameBytes> message;
  std::memcpy(message.data(), body, kBodySize);
  std::memcpy(message.data() + kBodySize, breaker.data(), breaker.size());
  std::array<char, kTagSize> tag;
  crypto_shorthash_siphash24(reinterpret_cast<unsigned char*>(tag.data()), message.data(),
                             kBodySize + breaker.size(), key_.data());
  return tag;
}

SealedPermit PermitSeal::Seal(const Permit& permit, Slot slot, absl::string_view breaker) const {
  SealedPermit sealed;
  char* bytes = sealed.bytes_.data();
  bytes[0] = kVersion;
  bytes[kFlagsAt] = FlagsOf(permit);
  Put(bytes + kSlotAt, slot);
  Put(bytes + kEpochAt, permit.epoch);
  Put(bytes + kNumberAt, permit.number);
  Put(bytes + kAttemptAt, permit.attempt);
  const std::array<char, kTagSize> tag = Tag(bytes, breaker);
  std::copy(tag.begin(), tag.end(), bytes + kBodySize);
  return sealed;
}

absl::StatusOr<OpenedPermit> PermitSeal::Open(absl::string_view bytes,
                                              absl::string_view breaker) const {
  static_assert(kBodySize + kTagSize == SealedPermit::kSize);
  if (breaker.size() > kMaxNameBytes) return Invalid("is of another breaker");
  if (bytes.size() != SealedPermit::kSize) {
    return Invalid(absl::StrCat("of ", bytes.size(), " bytes is none of this server"));
  }
  const char* body = bytes.data();
  if (body[0] != kVersion) return Invalid("is of an unknown version");
  OpenedPermit opened{.permit = {.epoch = Get<uint64_t>(body + kEpochAt),
                                 .number = Get<uint64_t>(body + kNumberAt),
                                 .attempt = Get<uint32_t>(body + kAttemptAt),
                                 .previous_failure = PreviousFailure(body[kFlagsAt]),
                                 .votes = (body[kFlagsAt] & kVotes) != 0,
                                 .earns = (body[kFlagsAt] & kEarns) != 0},
                      .slot = Get<Slot>(body + kSlotAt)};
  if (!IsOfThisLife(opened.permit.epoch)) {
    opened.permit.earns = false;
    return opened;
  }
  const std::array<char, kTagSize> tag = Tag(body, breaker);
  if (sodium_memcmp(tag.data(), body + kBodySize, kTagSize) == 0) return opened;
  return Invalid("is corrupt or of another breaker");
}

}  // namespace fusebox
