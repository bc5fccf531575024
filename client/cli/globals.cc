#include "client/cli/globals.h"

#include <array>
#include <cstdlib>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "client/cli/channel.h"

namespace fusebox::cli {
namespace {

constexpr std::array<std::pair<absl::string_view, Format>, 5> kFormats = {{
    {"table", Format::kTable},
    {"wide", Format::kWide},
    {"json", Format::kJson},
    {"yaml", Format::kYaml},
    {"name", Format::kName},
}};

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

void AddTlsFlags(FlagSet all, CredentialFlags& flags) {
  all.Add("--tls", flags.tls, "Encrypt, and check the server's certificate");
  all.Add("--tls-ca", flags.ca_file, "Certificates to trust [those of the system]").Metavar("FILE");
  all.Add("--tls-client-cert", flags.cert_file, "The certificate to show, if the server asks")
      .Metavar("FILE");
  all.Add("--tls-client-key", flags.key_file, "The key of --tls-client-cert").Metavar("FILE");
  all.Add("--tls-server-name", flags.server_name,
          "What the server's certificate must say [the host of --server]")
      .Metavar("HOST");
  all.Add("--token-file", flags.token_file,
          "Holds the bearer token to send; FUSEBOX_TOKEN holds one itself")
      .Metavar("FILE");
}

std::string TimeoutFault(const std::string& text) {
  absl::Duration parsed;
  absl::ParseDuration(text, &parsed);
  return parsed > absl::ZeroDuration()
             ? ""
             : "a time-out of \"" + text + "\" lets no call end; give more, like 5s";
}

}  // namespace

Format GlobalFlags::format() const {
  for (const auto& [name, format] : kFormats) {
    if (name == output) return format;
  }
  return Format::kTable;
}

void AddGlobalFlags(FlagSet all, GlobalFlags& flags) {
  std::vector<std::string> formats;
  for (const auto& [name, format] : kFormats) formats.emplace_back(name);
  flags.credentials.token = Variable("FUSEBOX_TOKEN");
  flags.actor = Variable("USER");
  all.Add("--server", flags.server, "Where the server is: host:port or unix:/path")
      .Checked([](const std::string& text) { return CheckAddress(text); })
      .Metavar("ADDRESS")
      .ShowDefault();
  all.Add("--timeout", flags.timeout, "How long one call may take, connecting included")
      .Checked(TimeoutFault)
      .ShowDefault("5s");
  all.Add("-o,--output", flags.output, "How data is printed: table, wide, json, yaml, name")
      .OneOf(formats)
      .Metavar("FORMAT")
      .ShowDefault();
  all.Add("--actor", flags.actor,
          "Who asks, for the history, where the server does not know [$USER]")
      .Metavar("NAME");
  AddTlsFlags(all, flags.credentials);
}

}  // namespace fusebox::cli
