#include "client/cli/credentials.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/cli/files.h"

namespace fusebox::cli {
namespace {

// Whom an address names, without how to resolve it and the port: "::1" of "ipv6:[::1]:7400".
absl::string_view HostOf(absl::string_view address) {
  for (const absl::string_view scheme : {"dns:///", "dns:", "ipv4:", "ipv6:"}) {
    if (absl::ConsumePrefix(&address, scheme)) break;
  }
  address = address.substr(0, address.rfind(':'));
  if (absl::ConsumePrefix(&address, "[")) absl::ConsumeSuffix(&address, "]");
  return address;
}

absl::Status NeedTls(const CredentialFlags& flags) {
  const std::array<std::pair<absl::string_view, absl::string_view>, 4> needy = {{
      {"--tls-ca", flags.ca_file},
      {"--tls-client-cert", flags.cert_file},
      {"--tls-client-key", flags.key_file},
      {"--tls-server-name", flags.server_name},
  }};
  for (const auto& [flag, value] : needy) {
    if (value.empty()) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        flag, " is \"", value, "\", but the connection is not to be encrypted; add --tls"));
  }
  return absl::OkStatus();
}

// Replaces nothing if `flag` was not given.
absl::Status ReadFor(absl::string_view flag, const std::string& file, std::string& content) {
  if (file.empty()) return absl::OkStatus();
  absl::StatusOr<std::string> read = ReadFile(file);
  if (!read.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(flag, ": ", read.status().message()));
  }
  content = *std::move(read);
  return absl::OkStatus();
}

absl::Status AddTls(const CredentialFlags& flags, Credentials& credentials) {
  if (flags.cert_file.empty() != flags.key_file.empty()) {
    return absl::InvalidArgumentError(
        "--tls-client-cert and --tls-client-key are two parts of one identity; give both or none");
  }
  grpc::SslCredentialsOptions options;
  for (absl::Status status :
       {ReadFor("--tls-ca", flags.ca_file, options.pem_root_certs),
        ReadFor("--tls-client-cert", flags.cert_file, options.pem_cert_chain),
        ReadFor("--tls-client-key", flags.key_file, options.pem_private_key)}) {
    if (!status.ok()) return status;
  }
  credentials.tls = true;
  credentials.channel = grpc::SslCredentials(options);
  credentials.server_name = flags.server_name;
  return absl::OkStatus();
}

absl::Status CheckToken(absl::string_view source, absl::string_view token, bool safe,
                        absl::string_view address) {
  // Whatever is wrong with it, the token itself is not for anybody's screen.
  if (!std::all_of(token.begin(), token.end(), absl::ascii_isgraph)) {
    return absl::InvalidArgumentError(
        absl::StrCat(source, " holds more than one word of printable ASCII; a token is one"));
  }
  if (token.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(source, " holds no token; write one into it"));
  }
  if (safe) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the token of ", source, " would go to \"", address,
                   "\" in plain text, for everybody on the way to take; add --tls"));
}

absl::Status AddToken(const CredentialFlags& flags, absl::string_view address,
                      Credentials& credentials) {
  if (flags.token_file.empty() && flags.token.empty()) return absl::OkStatus();
  std::string token = flags.token;
  if (absl::Status status = ReadFor("--token-file", flags.token_file, token); !status.ok()) {
    return status;
  }
  const std::string source =
      flags.token_file.empty() ? "FUSEBOX_TOKEN" : absl::StrCat("--token-file ", flags.token_file);
  const absl::string_view word = absl::StripAsciiWhitespace(token);
  const bool safe = credentials.tls || IsLocal(address);
  if (absl::Status status = CheckToken(source, word, safe, address); !status.ok()) return status;
  credentials.authorization = absl::StrCat("Bearer ", word);
  return absl::OkStatus();
}

}  // namespace

bool IsLocal(absl::string_view address) {
  if (absl::StartsWith(address, "unix:")) return true;
  const absl::string_view host = HostOf(address);
  if (host == "localhost" || host == "::1") return true;
  // Not a name that begins like one, such as 127.0.0.1.example.com.
  return absl::StartsWith(host, "127.") && std::all_of(host.begin(), host.end(), [](char c) {
           return c == '.' || absl::ascii_isdigit(c);
         });
}

absl::StatusOr<Credentials> MakeCredentials(const CredentialFlags& flags,
                                            absl::string_view address) {
  Credentials credentials;
  const absl::Status status = flags.tls ? AddTls(flags, credentials) : NeedTls(flags);
  if (!status.ok()) return status;
  if (absl::Status bad = AddToken(flags, address, credentials); !bad.ok()) return bad;
  return credentials;
}

}  // namespace fusebox::cli
