#include "server/rpc/trace.h"

#include <algorithm>
#include <cstddef>
#include <iterator>

namespace fusebox {
namespace {

// "VV-TRACE-PARENT-FF", in hexadecimal digits.
constexpr size_t kVersion = 2, kTrace = 32, kParent = 16, kFlags = 2;
constexpr size_t kWhole = kVersion + 1 + kTrace + 1 + kParent + 1 + kFlags;

bool IsLowerHex(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool IsZero(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c == '0'; });
}

// Takes that many digits off the front; empty if they are not digits.
absl::string_view TakeHex(absl::string_view& text, size_t digits) {
  const absl::string_view taken = text.substr(0, digits);
  text.remove_prefix(digits);
  return IsLowerHex(taken) ? taken : absl::string_view();
}

bool TakeDash(absl::string_view& text) {
  const bool is_dash = text.front() == '-';
  text.remove_prefix(1);
  return is_dash;
}

}  // namespace

std::string TraceIdIn(absl::string_view traceparent) {
  absl::string_view rest = traceparent;
  if (rest.size() < kWhole) return "";
  const absl::string_view version = TakeHex(rest, kVersion);
  if (!TakeDash(rest)) return "";
  const absl::string_view trace = TakeHex(rest, kTrace);
  if (!TakeDash(rest)) return "";
  const absl::string_view parent = TakeHex(rest, kParent);
  if (!TakeDash(rest)) return "";
  const absl::string_view flags = TakeHex(rest, kFlags);
  if (version.empty() || version == "ff" || flags.empty()) return "";
  const bool ends = rest.empty() || (version != "00" && rest.front() == '-');
  if (!ends || IsZero(trace) || IsZero(parent)) return "";
  return std::string(trace);
}

std::string TraceIdOf(const grpc::ServerContextBase& context) {
  const auto [begin, end] = context.client_metadata().equal_range("traceparent");
  if (std::distance(begin, end) != 1) return "";
  return TraceIdIn({begin->second.data(), begin->second.size()});
}

}  // namespace fusebox
