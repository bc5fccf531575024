#ifndef FUSEBOX_TESTS_CONFORMANCE_MATCH_H_
#define FUSEBOX_TESTS_CONFORMANCE_MATCH_H_

#include <string>

#include "nlohmann/json.hpp"

namespace fusebox::conformance {

// Compares an answer, in protobuf's JSON with proto names, with what a vector expects of it: the
// rules under "How an answer is compared" in README.md, but for `epoch` and `revision`.
//
//   Mismatch({{"state", "STATE_OPEN"}}, answer)
//       == "state is \"STATE_CLOSED\", expected \"STATE_OPEN\""
//
// Returns what differs first; empty if nothing does.
std::string Mismatch(const nlohmann::json& expected, const nlohmann::json& actual);

}  // namespace fusebox::conformance

#endif  // FUSEBOX_TESTS_CONFORMANCE_MATCH_H_
