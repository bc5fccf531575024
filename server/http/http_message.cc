#include "server/http/http_message.h"

#include <civetweb.h>

#include "absl/strings/match.h"

namespace fusebox {

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
  std::string value(query.size() + 1, '\0');
  const int size =
      mg_get_var(query.data(), query.size(), std::string(name).c_str(), value.data(), value.size());
  value.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return value;
}

bool HttpRoute::Matches(absl::string_view requested) const {
  if (path.size() > 1 && absl::EndsWith(path, "/")) {
    return requested.size() > path.size() && absl::StartsWith(requested, path);
  }
  return path == requested;
}

}  // namespace fusebox
