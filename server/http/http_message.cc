#include "server/http/http_message.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "server/http/percent.h"

namespace fusebox {
namespace {

// "name=value" of a query.
std::pair<absl::string_view, absl::string_view> SplitPair(absl::string_view part) {
  return absl::StrSplit(part, absl::MaxSplits('=', 1));
}

}  // namespace

absl::string_view HttpRequest::Header(absl::string_view name) const {
  for (const auto& [each, value] : headers) {
    if (absl::EqualsIgnoreCase(each, name)) return value;
  }
  return "";
}

bool HttpRequest::HasHeader(absl::string_view name) const { return !Headers(name).empty(); }

std::vector<std::string> HttpRequest::Headers(absl::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [each, value] : headers) {
    if (absl::EqualsIgnoreCase(each, name)) values.push_back(value);
  }
  return values;
}

std::string HttpRequest::Query(absl::string_view name) const {
  for (const absl::string_view part : absl::StrSplit(query, '&')) {
    const auto [each, value] = SplitPair(part);
    if (FormDecoded(each) == name) return FormDecoded(value);
  }
  return "";
}

std::vector<std::string> HttpRequest::QueryNames() const {
  std::vector<std::string> names;
  for (const absl::string_view part : absl::StrSplit(query, '&', absl::SkipEmpty())) {
    names.push_back(FormDecoded(SplitPair(part).first));
  }
  return names;
}

bool HttpRoute::Matches(absl::string_view requested) const {
  if (path.size() > 1 && absl::EndsWith(path, "/")) {
    return requested.size() > path.size() && absl::StartsWith(requested, path);
  }
  return path == requested;
}

}  // namespace fusebox
