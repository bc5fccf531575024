#include "client/cli/globals.h"

#include <array>
#include <cstdlib>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "client/cli/channel.h"
#include "client/cli/flags.h"

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

void AddTlsFlags(CLI::App& app, CredentialFlags& flags) {
  app.add_flag("--tls", flags.tls, "Encrypt, and check the server's certificate");
  app.add_option("--tls-ca", flags.ca_file, "Certificates to trust [those of the system]")
      ->type_name("FILE");
  app.add_option("--tls-client-cert", flags.cert_file,
                 "The certificate to show, if the server asks")
      ->type_name("FILE");
  app.add_option("--tls-client-key", flags.key_file, "The key of --tls-client-cert")
      ->type_name("FILE");
  app.add_option("--tls-server-name", flags.server_name,
                 "What the server's certificate must say [the host of --server]")
      ->type_name("HOST");
  app.add_option("--token-file", flags.token_file,
                 "Holds the bearer token to send; FUSEBOX_TOKEN holds one itself")
      ->type_name("FILE");
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

void AddGlobalFlags(CLI::App& app, GlobalFlags& flags) {
  std::vector<std::string> formats;
  for (const auto& [name, format] : kFormats) formats.emplace_back(name);
  flags.credentials.token = Variable("FUSEBOX_TOKEN");
  flags.actor = Variable("USER");
  app.add_option("--server", flags.server, "Where the server is: host:port or unix:/path")
      ->check(CLI::Validator([](const std::string& text) { return CheckAddress(text); }, ""))
      ->type_name("ADDRESS")
      ->capture_default_str();
  AddDuration(app, "--timeout", flags.timeout, "How long one call may take, connecting included")
      ->check(CLI::Validator(TimeoutFault, ""))
      ->default_str("5s");
  app.add_option("-o,--output", flags.output, "How data is printed: table, wide, json, yaml, name")
      ->check(CLI::IsMember(formats))
      ->type_name("FORMAT")
      ->capture_default_str();
  app.add_option("--actor", flags.actor,
                 "Who asks, for the history, where the server does not know [$USER]")
      ->type_name("NAME");
  AddTlsFlags(app, flags.credentials);
}

}  // namespace fusebox::cli
