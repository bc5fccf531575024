#ifndef FUSEBOX_CORE_CLASSIFICATION_H_
#define FUSEBOX_CORE_CLASSIFICATION_H_

#include <array>
#include <cstdint>
#include <map>

#include "core/outcome.h"

namespace fusebox {

// How a call ended, as its caller saw it: an outcome, or a raw code for the policy to classify.
struct Result {
  enum class Kind : uint8_t { kOutcome, kGrpcCode, kHttpStatus };

  static Result Of(Outcome outcome) { return {Kind::kOutcome, static_cast<int>(outcome)}; }
  static Result Grpc(int code) { return {Kind::kGrpcCode, code}; }
  static Result Http(int status) { return {Kind::kHttpStatus, status}; }

  Kind kind = Kind::kOutcome;
  int value = 0;
};

// What a policy changes in the standard classification.
struct ClassificationRules {
  std::map<int, Outcome> grpc;         // By status code, 0 to 16.
  std::map<int, Outcome> http;         // By status, 100 to 599.
  std::map<int, Outcome> http_family;  // By first digit, 1 to 5; an exact status goes first.

  friend bool operator==(const ClassificationRules&, const ClassificationRules&) = default;
};

// Turns raw codes into outcomes, by one table lookup each.
//
//   gRPC  OK: success. UNAVAILABLE, INTERNAL, UNKNOWN, DATA_LOSS: failure. DEADLINE_EXCEEDED:
//         timeout. RESOURCE_EXHAUSTED: rate limited. CANCELLED: ignored. Others: caller error.
//   HTTP  1xx-3xx: success. 408, 504: timeout. 429: rate limited. 499: ignored. 425, 529 and 5xx
//         but 501: failure. 501 and other 4xx: caller error.
//
// Immutable, so safe to share between threads.
class Classification {
 public:
  static constexpr int kMaxGrpcCode = 16;
  static constexpr int kMinHttpStatus = 100;
  static constexpr int kMaxHttpStatus = 599;

  explicit Classification(const ClassificationRules& rules = {});

  // `result` must be in range: see IsValid.
  Outcome Classify(Result result) const;

  static bool IsValid(Result result);

 private:
  std::array<Outcome, kMaxGrpcCode + 1> grpc_;
  std::array<Outcome, kMaxHttpStatus - kMinHttpStatus + 1> http_;
};

}  // namespace fusebox

#endif  // FUSEBOX_CORE_CLASSIFICATION_H_
