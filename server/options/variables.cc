#include "server/options/variables.h"

#include <unistd.h>

#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "proto/yaml/nearest.h"
#include "server/options/command_line.h"
#include "server/options/options.pb.h"

namespace fusebox {
namespace {

// Further away are some of fuseboxctl's own: FUSEBOX_TLS_CLIENT_CERT and FUSEBOX_TLS_CLIENT_CA.
constexpr size_t kMostEdits = 2;

// Without the prefix, which is no part of what can be near.
std::vector<std::string> KnownVariables() {
  std::vector<std::string> known = {
      std::string(absl::StripPrefix(kConfigVariable, kVariablePrefix))};
  const google::protobuf::Descriptor* type = config::v1::ServerOptions::descriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    known.emplace_back(absl::StripPrefix(VariableOf(type->field(i)), kVariablePrefix));
  }
  return known;
}

}  // namespace

std::vector<Misspelt> MisspeltVariables(absl::Span<const std::string> names) {
  const std::vector<std::string> known = KnownVariables();
  std::vector<Misspelt> misspelt;
  for (const std::string& name : names) {
    absl::string_view word = name;
    if (!absl::ConsumePrefix(&word, kVariablePrefix)) continue;
    const std::string meant = Nearest(word, known, kMostEdits);
    if (meant.empty() || meant == word) continue;
    misspelt.push_back({name, absl::StrCat(kVariablePrefix, meant)});
  }
  return misspelt;
}

std::vector<std::string> ProcessVariables() {
  std::vector<std::string> names;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const absl::string_view text = *variable;
    names.emplace_back(text.substr(0, text.find('=')));
  }
  return names;
}

}  // namespace fusebox
