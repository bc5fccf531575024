#include <chrono>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "fusebox/grpc.h"

namespace fusebox {
namespace {

// Attempts beyond are no sensible number of anything.
constexpr uint32_t kMostAttempts = 1'000;

}  // namespace

GrpcAttempt::GrpcAttempt(const CallContext& call)
    : cancel_(call.cancellation, [this] { context_.TryCancel(); }) {
  const absl::Duration left = call.TimeLeft();
  if (left != absl::InfiniteDuration()) {
    context_.set_deadline(std::chrono::system_clock::now() + absl::ToChronoNanoseconds(left));
  }
  if (call.attempt > 1) context_.AddMetadata(kAttemptMetadata, absl::StrCat(call.attempt));
  if (call.idempotent) context_.AddMetadata(kIdempotencyKeyMetadata, call.idempotency_key);
}

uint32_t AttemptOf(const grpc::ServerContextBase& context) {
  const auto found = context.client_metadata().find(kAttemptMetadata);
  if (found == context.client_metadata().end()) return 1;
  uint32_t attempt = 0;
  const bool is_number =
      absl::SimpleAtoi(absl::string_view(found->second.data(), found->second.size()), &attempt);
  return is_number && attempt >= 1 && attempt <= kMostAttempts ? attempt : 1;
}

}  // namespace fusebox
