#include "server/options/validate.h"

#include <cstddef>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "proto/yaml/field_text.h"
#include "proto/yaml/nearest.h"
#include "server/address/listen_address.h"

namespace fusebox {
namespace {

using ::fusebox::config::v1::ConfigFile;
using ::fusebox::config::v1::ServerOptions;
using ::google::protobuf::FieldDescriptor;

using Problems = std::vector<std::string>;

// A number or a duration, in one unit or another, to compare with its like.
double Magnitude(const ServerOptions& options, const FieldDescriptor* field) {
  if (!IsDurationField(field)) return ServerOptions::GetReflection()->GetUInt32(options, field);
  const auto& duration = *google::protobuf::DynamicCastToGenerated<google::protobuf::Duration>(
      &ServerOptions::GetReflection()->GetMessage(options, field));
  return static_cast<double>(duration.seconds()) + duration.nanos() / 1e9;
}

double Bound(const FieldDescriptor* field, const std::string& text) {
  ServerOptions scratch;
  // The bounds are part of the schema, and a test reads all of them.
  SetFieldFromText(&scratch, field, text).IgnoreError();
  return Magnitude(scratch, field);
}

void CheckRanges(const ServerOptions& options, const SourceMap& sources, Problems* problems) {
  const google::protobuf::Descriptor* type = ServerOptions::descriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    const google::protobuf::FieldOptions& notes = field->options();
    if (!notes.HasExtension(config::v1::min)) continue;
    const std::string& min = notes.GetExtension(config::v1::min);
    const std::string& max = notes.GetExtension(config::v1::max);
    const double value = Magnitude(options, field);
    if (value >= Bound(field, min) && value <= Bound(field, max)) continue;
    problems->push_back(absl::StrCat(sources.Name(absl::StrCat("server.", field->name())), " is ",
                                     FieldToText(options, field), "; set it between ", min, " and ",
                                     max, " (default ",
                                     notes.GetExtension(config::v1::default_value), ")"));
  }
}

void CheckDrain(const ServerOptions& options, const SourceMap& sources, Problems* problems) {
  const FieldDescriptor* drain_timeout =
      ServerOptions::descriptor()->FindFieldByNumber(ServerOptions::kDrainTimeoutFieldNumber);
  const FieldDescriptor* lame_duck =
      ServerOptions::descriptor()->FindFieldByNumber(ServerOptions::kLameDuckFieldNumber);
  if (Magnitude(options, drain_timeout) >= Magnitude(options, lame_duck)) return;
  problems->push_back(absl::StrCat(
      sources.Name("server.drain_timeout"), " is ", FieldToText(options, drain_timeout),
      " but includes lame_duck, which is ", FieldToText(options, lame_duck), " (",
      sources.Name("server.lame_duck"), "); raise drain_timeout or lower lame_duck"));
}

// An address that was read, and where it stands.
struct Listener {
  ListenAddress address;
  std::string text;
  std::string path;
};

// Adds the address unless it is bad or collides with one that is there.
void AddListener(const absl::StatusOr<ListenAddress>& address, const std::string& text,
                 const std::string& path, const SourceMap& sources,
                 std::vector<Listener>* listeners, Problems* problems) {
  if (!address.ok()) {
    problems->push_back(absl::StrCat(sources.Name(path), " ", address.status().message()));
    return;
  }
  for (const Listener& other : *listeners) {
    if (!Collide(*address, other.address)) continue;
    problems->push_back(absl::StrCat(sources.Name(path), " is ", QuoteForError(text),
                                     ", which is taken by ", QuoteForError(other.text), " of ",
                                     sources.Name(other.path),
                                     "; remove one or give it another port or path"));
    return;
  }
  listeners->push_back({*address, text, path});
}

void CheckListeners(const ServerOptions& options, const SourceMap& sources, Problems* problems) {
  if (options.listen().empty()) {
    problems->push_back(absl::StrCat(sources.Name("server.listen"),
                                     " is empty; name at least one address, like 127.0.0.1:7400"));
  }
  std::vector<Listener> listeners;
  for (int i = 0; i < options.listen_size(); ++i) {
    const std::string& text = options.listen(i);
    AddListener(ParseListenAddress(text), text, absl::StrCat("server.listen[", i, "]"), sources,
                &listeners, problems);
  }
  const std::string& http = options.http_listen();
  if (http.empty()) return;
  AddListener(ParseTcpAddress(http), http, "server.http_listen", sources, &listeners, problems);
}

// A port that others reach serves TLS, or somebody said that it need not.
void CheckPlaintext(const ServerOptions& options, const SourceMap& sources, Problems* problems) {
  if (options.insecure() || !options.tls_cert().empty()) return;
  for (int i = 0; i < options.listen_size(); ++i) {
    const absl::StatusOr<ListenAddress> address = ParseListenAddress(options.listen(i));
    if (!address.ok() || IsLocal(*address)) continue;
    problems->push_back(absl::StrCat(
        sources.Name(absl::StrCat("server.listen[", i, "]")), " is ",
        QuoteForError(options.listen(i)),
        ", which other machines reach, and there is no TLS; set --tls-cert and --tls-key, or "
        "--insecure if anybody on the way may read and call"));
  }
}

// Of two options that need each other, or one the other, that there is not one alone.
void CheckNeeds(absl::string_view name, const std::string& value, absl::string_view needed_name,
                const std::string& needed, const SourceMap& sources, Problems* problems) {
  if (value.empty() || !needed.empty()) return;
  problems->push_back(absl::StrCat(sources.Name(absl::StrCat("server.", name)), " is ",
                                   QuoteForError(value), " but ", needed_name,
                                   " is empty; set that too, or neither"));
}

void CheckTls(const ServerOptions& options, const SourceMap& sources, Problems* problems) {
  CheckNeeds("tls_cert", options.tls_cert(), "tls_key", options.tls_key(), sources, problems);
  CheckNeeds("tls_key", options.tls_key(), "tls_cert", options.tls_cert(), sources, problems);
  CheckNeeds("tls_client_ca", options.tls_client_ca(), "tls_cert", options.tls_cert(), sources,
             problems);
  CheckNeeds("http_tls", options.http_tls() ? "true" : "", "tls_cert", options.tls_cert(), sources,
             problems);
  CheckPlaintext(options, sources, problems);
}

// Which element has each name. A missing name is core's to refuse.
using Names = absl::flat_hash_map<std::string, int>;

template <typename List>
Names CheckNames(const List& list, absl::string_view list_name, const SourceMap& sources,
                 Problems* problems) {
  Names names;
  for (int i = 0; i < list.size(); ++i) {
    if (list[i].name().empty()) continue;
    const auto [first, is_new] = names.try_emplace(list[i].name(), i);
    if (is_new) continue;
    problems->push_back(absl::StrCat(
        sources.Name(absl::StrCat(list_name, "[", i, "].name")), " is ",
        QuoteForError(list[i].name()), ", which ", list_name, "[", first->second, "] (line ",
        sources.Line(absl::StrCat(list_name, "[", first->second, "].name")),
        ") is already called; give each a name of its own"));
  }
  return names;
}

void CheckBudgets(const ConfigFile& config, const Names& budgets, const SourceMap& sources,
                  Problems* problems) {
  std::vector<std::string> known;
  for (const auto& [name, index] : budgets) known.push_back(name);
  for (int i = 0; i < config.policies_size(); ++i) {
    const fusebox::v1::Policy& policy = config.policies(i);
    if (!policy.has_shared_retry_budget()) continue;
    const std::string& budget = policy.shared_retry_budget();
    if (budgets.contains(budget)) continue;
    problems->push_back(absl::StrCat(
        sources.Name(absl::StrCat("policies[", i, "].shared_retry_budget")), " is ",
        QuoteForError(budget), ", and retry_budgets has none of that name; add it there",
        DidYouMean(budget, known)));
  }
}

}  // namespace

std::vector<std::string> FindProblems(const ConfigFile& config, const SourceMap& sources) {
  Problems problems;
  CheckRanges(config.server(), sources, &problems);
  CheckDrain(config.server(), sources, &problems);
  CheckListeners(config.server(), sources, &problems);
  CheckTls(config.server(), sources, &problems);
  CheckNames(config.policies(), "policies", sources, &problems);
  const Names budgets = CheckNames(config.retry_budgets(), "retry_budgets", sources, &problems);
  CheckBudgets(config, budgets, sources, &problems);
  return problems;
}

}  // namespace fusebox
