#include "core/classification.h"

namespace fusebox {
namespace {

// Indexed by grpc::StatusCode, whose numbers are part of the gRPC protocol.
constexpr std::array<Outcome, Classification::kMaxGrpcCode + 1> kGrpcDefaults = {
    Outcome::kSuccess,      // OK
    Outcome::kIgnored,      // CANCELLED
    Outcome::kFailure,      // UNKNOWN
    Outcome::kCallerError,  // INVALID_ARGUMENT
    Outcome::kTimeout,      // DEADLINE_EXCEEDED
    Outcome::kCallerError,  // NOT_FOUND
    Outcome::kCallerError,  // ALREADY_EXISTS
    Outcome::kCallerError,  // PERMISSION_DENIED
    Outcome::kRateLimited,  // RESOURCE_EXHAUSTED
    Outcome::kCallerError,  // FAILED_PRECONDITION
    Outcome::kCallerError,  // ABORTED
    Outcome::kCallerError,  // OUT_OF_RANGE
    Outcome::kCallerError,  // UNIMPLEMENTED
    Outcome::kFailure,      // INTERNAL
    Outcome::kFailure,      // UNAVAILABLE
    Outcome::kFailure,      // DATA_LOSS
    Outcome::kCallerError,  // UNAUTHENTICATED
};

Outcome HttpDefault(int status) {
  switch (status) {
    case 408:
    case 504:
      return Outcome::kTimeout;
    case 429:
      return Outcome::kRateLimited;
    case 499:
      return Outcome::kIgnored;
    case 425:
      return Outcome::kFailure;
    case 501:
      return Outcome::kCallerError;
    default:
      if (status >= 500) return Outcome::kFailure;
      return status >= 400 ? Outcome::kCallerError : Outcome::kSuccess;
  }
}

}  // namespace

Classification::Classification(const ClassificationRules& rules) : grpc_(kGrpcDefaults) {
  for (int status = kMinHttpStatus; status <= kMaxHttpStatus; ++status) {
    const auto family = rules.http_family.find(status / 100);
    http_[status - kMinHttpStatus] =
        family != rules.http_family.end() ? family->second : HttpDefault(status);
  }
  for (const auto& [status, outcome] : rules.http) http_[status - kMinHttpStatus] = outcome;
  for (const auto& [code, outcome] : rules.grpc) grpc_[code] = outcome;
}

Outcome Classification::Classify(Result result) const {
  switch (result.kind) {
    case Result::Kind::kGrpcCode:
      return grpc_[result.value];
    case Result::Kind::kHttpStatus:
      return http_[result.value - kMinHttpStatus];
    case Result::Kind::kOutcome:
      break;
  }
  return static_cast<Outcome>(result.value);
}

bool Classification::IsValid(Result result) {
  switch (result.kind) {
    case Result::Kind::kGrpcCode:
      return result.value >= 0 && result.value <= kMaxGrpcCode;
    case Result::Kind::kHttpStatus:
      return result.value >= kMinHttpStatus && result.value <= kMaxHttpStatus;
    case Result::Kind::kOutcome:
      break;
  }
  return result.value >= 0 && result.value <= static_cast<int>(Outcome::kIgnored);
}

}  // namespace fusebox
