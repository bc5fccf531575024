#ifndef FUSEBOX_TESTS_PROTO_CONVERT_FIXTURE_H_
#define FUSEBOX_TESTS_PROTO_CONVERT_FIXTURE_H_

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "core/outcome.h"
#include "core/tick.h"
#include "fusebox/v1/breaker.pb.h"

// What the tests of the converters share.
namespace fusebox {

inline constexpr Tick kNow = Tick::FromNanos(1'000'000'000'000);

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

// Values of an enum of core, each with the message's.
template <typename Core, typename Proto>
using Pairs = std::vector<std::pair<Core, Proto>>;

inline const Pairs<Outcome, v1::Outcome>& AllOutcomes() {
  static const auto& pairs =
      *new Pairs<Outcome, v1::Outcome>{{Outcome::kSuccess, v1::OUTCOME_SUCCESS},
                                       {Outcome::kFailure, v1::OUTCOME_FAILURE},
                                       {Outcome::kTimeout, v1::OUTCOME_TIMEOUT},
                                       {Outcome::kRateLimited, v1::OUTCOME_RATE_LIMITED},
                                       {Outcome::kCallerError, v1::OUTCOME_CALLER_ERROR},
                                       {Outcome::kIgnored, v1::OUTCOME_IGNORED}};
  return pairs;
}

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_PROTO_CONVERT_FIXTURE_H_
