#include <chrono>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/cpp/grpc/outcome_name.h"
#include "fusebox/grpc.h"

namespace fusebox {
namespace {

// Attempts beyond are no sensible number of anything.
constexpr uint32_t kMostAttempts = 1'000;

// gRPC ends the process over metadata that it cannot send.
std::string Escaped(absl::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (absl::ascii_isgraph(c) && c != '%') {
      escaped.push_back(c);
    } else {
      absl::StrAppend(&escaped, "%", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2));
    }
  }
  return escaped;
}

}  // namespace

GrpcAttempt::GrpcAttempt(const CallContext& call)
    : cancel_(call.cancellation, [this] { context_.TryCancel(); }) {
  const absl::Duration left = call.TimeLeft();
  if (left != absl::InfiniteDuration()) {
    context_.set_deadline(std::chrono::system_clock::now() + absl::ToChronoNanoseconds(left));
  }
  if (call.attempt > 1) context_.AddMetadata(kAttemptMetadata, absl::StrCat(call.attempt));
  if (call.previous.has_value()) {
    context_.AddMetadata(kPreviousOutcomeMetadata, internal::NameOf(*call.previous));
  }
  if (call.idempotent) context_.AddMetadata(kIdempotencyKeyMetadata, Escaped(call.idempotency_key));
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
