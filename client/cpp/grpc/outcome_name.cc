#include "client/cpp/grpc/outcome_name.h"

#include "absl/strings/strip.h"
#include "proto/convert/convert.h"

namespace fusebox::internal {
namespace {

constexpr absl::string_view kPrefix = "OUTCOME_";

}  // namespace

std::string NameOf(Outcome outcome) {
  return std::string(absl::StripPrefix(v1::Outcome_Name(ToProto(outcome)), kPrefix));
}

std::optional<Outcome> OutcomeNamed(absl::string_view name) {
  for (const Outcome outcome : {Outcome::kSuccess, Outcome::kFailure, Outcome::kTimeout,
                                Outcome::kRateLimited, Outcome::kCallerError, Outcome::kIgnored}) {
    if (NameOf(outcome) == name) return outcome;
  }
  return std::nullopt;
}

}  // namespace fusebox::internal
