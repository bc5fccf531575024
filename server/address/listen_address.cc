#include "server/address/listen_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/error.h"

namespace fusebox {
namespace {

// What fits into sockaddr_un with its closing zero.
constexpr size_t kLongestUnixPath = 107;

constexpr char kUnix[] = "unix:";
constexpr char kWriteHostPort[] = "write host:port, like 127.0.0.1:7400";

absl::Status Refuse(absl::string_view text, absl::string_view remedy) {
  return absl::InvalidArgumentError(absl::StrCat("is ", QuoteForError(text), "; ", remedy));
}

absl::StatusOr<ListenAddress> ParseUnix(absl::string_view text, absl::string_view path) {
  if (path.empty() || path.front() != '/' || path.size() > kLongestUnixPath) {
    return Refuse(text, absl::StrCat("write a path that begins with / and has at most ",
                                     kLongestUnixPath, " bytes, like unix:/run/fusebox.sock"));
  }
  return ListenAddress{.unix_path = std::string(path)};
}

bool IsName(absl::string_view host) {
  return std::all_of(host.begin(), host.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '.' || c == '-' || c == '_';
  });
}

bool IsBracketed(absl::string_view host) {
  return host.size() > 2 && host.front() == '[' && host.back() == ']' &&
         std::all_of(host.begin() + 1, host.end() - 1,
                     [](char c) { return absl::ascii_isxdigit(c) || c == ':' || c == '.'; });
}

// `remedy` is for what has not even that form.
absl::StatusOr<ListenAddress> ParseHostPort(absl::string_view text, absl::string_view remedy) {
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos || colon == 0 || colon + 1 == text.size()) {
    return Refuse(text, remedy);
  }
  const absl::string_view host = text.substr(0, colon);
  const absl::string_view digits = text.substr(colon + 1);
  if (!IsName(host) && !IsBracketed(host)) {
    return Refuse(text, "write the host as a name or an address, IPv6 like [::1]:7400");
  }
  uint32_t port = 0;
  const bool is_port = std::all_of(digits.begin(), digits.end(), absl::ascii_isdigit) &&
                       absl::SimpleAtoi(digits, &port) && port <= UINT16_MAX;
  if (!is_port) {
    return Refuse(text, "write a port from 1 to 65535, or 0 for a free one");
  }
  return ListenAddress{.host = absl::AsciiStrToLower(host), .port = static_cast<uint16_t>(port)};
}

bool IsAnyHost(absl::string_view host) { return host == "0.0.0.0" || host == "[::]"; }

}  // namespace

absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view text) {
  absl::string_view path = text;
  if (absl::ConsumePrefix(&path, kUnix)) return ParseUnix(text, path);
  return ParseHostPort(text, absl::StrCat(kWriteHostPort, ", or unix:/path"));
}

absl::StatusOr<ListenAddress> ParseTcpAddress(absl::string_view text) {
  if (absl::StartsWith(text, kUnix)) return Refuse(text, kWriteHostPort);
  return ParseHostPort(text, kWriteHostPort);
}

bool IsLocal(const ListenAddress& address) {
  if (!address.unix_path.empty() || address.host == "localhost") return true;
  const std::string& host = address.host;
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
  in6_addr v6{};
  const bool is_v6 = host.size() > 2 && host.front() == '[' &&
                     inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &v6) == 1;
  if (!is_v6) return false;
  return IN6_IS_ADDR_LOOPBACK(&v6) ||
         (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == IN_LOOPBACKNET);
}

bool Collide(const ListenAddress& a, const ListenAddress& b) {
  if (!a.unix_path.empty() || !b.unix_path.empty()) return a.unix_path == b.unix_path;
  if (a.port == 0 || a.port != b.port) return false;
  return a.host == b.host || IsAnyHost(a.host) || IsAnyHost(b.host);
}

}  // namespace fusebox
