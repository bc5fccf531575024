#include "conformance/match.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace fusebox::conformance {
namespace {

using ::nlohmann::json;

// Shares are kept in millionths, and durations exactly: one tolerance is enough for both.
constexpr double kTolerance = 2e-6;

// A number, a number that protobuf wrote as text, or a duration in seconds.
std::optional<double> AsNumber(const json& value) {
  if (value.is_number()) return value.get<double>();
  if (!value.is_string()) return std::nullopt;
  absl::string_view text = value.get_ref<const std::string&>();
  absl::ConsumeSuffix(&text, "s");
  double number = 0;
  if (!absl::SimpleAtod(text, &number)) return std::nullopt;
  return number;
}

bool IsRange(const json& expected) {
  return expected.is_object() && (expected.contains("min") || expected.contains("max"));
}

bool InRange(const json& range, double value) {
  return value >= AsNumber(range.value("min", json(-1e300))).value() - kTolerance &&
         value <= AsNumber(range.value("max", json(1e300))).value() + kTolerance;
}

bool SameScalar(const json& expected, const json& actual) {
  if (expected == actual) return true;
  const std::optional<double> a = AsNumber(expected);
  const std::optional<double> b = AsNumber(actual);
  return a.has_value() && b.has_value() && std::abs(*a - *b) <= kTolerance;
}

bool HoldsMessages(const json& list) {
  return std::any_of(list.begin(), list.end(), [](const json& item) { return item.is_object(); });
}

bool SameSet(json expected, json actual) {
  if (!actual.is_array()) return false;
  std::sort(expected.begin(), expected.end());
  std::sort(actual.begin(), actual.end());
  return expected == actual;
}

std::string Compare(const std::string& path, const json& expected, const json& actual);

// Some fields of a message.
std::string CompareFields(const std::string& path, const json& expected, const json& actual) {
  for (const auto& [key, value] : expected.items()) {
    const json got = actual.is_object() && actual.contains(key) ? actual[key] : json();
    std::string below = Compare(path.empty() ? key : absl::StrCat(path, ".", key), value, got);
    if (!below.empty()) return below;
  }
  return "";
}

// Some fields of each message of a list; both have as many.
std::string CompareEach(const std::string& path, const json& expected, const json& actual) {
  for (size_t i = 0; i < expected.size(); ++i) {
    std::string below = Compare(absl::StrCat(path, "[", i, "]"), expected[i], actual[i]);
    if (!below.empty()) return below;
  }
  return "";
}

std::string Compare(const std::string& path, const json& expected, const json& actual) {
  if (IsRange(expected)) {
    const std::optional<double> number = AsNumber(actual);
    if (number.has_value() && InRange(expected, *number)) return "";
  } else if (expected.is_object()) {
    return CompareFields(path, expected, actual);
  } else if (expected.is_array() && HoldsMessages(expected)) {
    const bool as_many = actual.is_array() && actual.size() == expected.size();
    if (as_many) return CompareEach(path, expected, actual);
  } else if (expected.is_array() ? SameSet(expected, actual) : SameScalar(expected, actual)) {
    return "";
  }
  return absl::StrCat(path, " is ", actual.dump(), ", expected ", expected.dump());
}

}  // namespace

std::string Mismatch(const json& expected, const json& actual) {
  return Compare("", expected, actual);
}

}  // namespace fusebox::conformance
