#include "server/options/options.h"

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/error.h"
#include "proto/yaml/field_text.h"
#include "proto/yaml/yaml.h"
#include "server/options/command_line.h"
#include "server/options/validate.h"

namespace fusebox {
namespace {

using ::fusebox::config::v1::ServerOptions;
using ::google::protobuf::FieldDescriptor;

// Some text and who gave it.
struct Given {
  std::string origin;
  std::vector<std::string> values;
};

// What a flag or else its environment variable says, if either is given.
std::optional<Given> FindGiven(const std::string& flag, const std::string& variable,
                               const CommandLine& line, EnvironmentLookup environment) {
  if (const auto values = line.values.find(flag); values != line.values.end()) {
    return Given{flag, values->second};
  }
  if (std::optional<std::string> value = environment(variable); value.has_value()) {
    return Given{variable, {*std::move(value)}};
  }
  return std::nullopt;
}

absl::Status CheckGivenOnce(const Given& given) {
  if (given.values.size() < 2) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(given.origin, " is given as ",
                                                 QuoteForError(given.values[0]), " and as ",
                                                 QuoteForError(given.values[1]), "; give it once"));
}

// Replaces the field by what was given. Of a list, each value may hold several, with commas.
absl::Status Replace(const FieldDescriptor* field, const Given& given, ServerOptions* options) {
  std::vector<std::string> values = given.values;
  if (field->is_repeated()) {
    values = absl::StrSplit(absl::StrJoin(values, ","), ',', absl::SkipWhitespace());
  } else if (absl::Status status = CheckGivenOnce(given); !status.ok()) {
    return status;
  }
  ServerOptions::GetReflection()->ClearField(options, field);
  for (const std::string& value : values) {
    const absl::Status status = SetFieldFromText(
        options, field, field->is_repeated() ? absl::StripAsciiWhitespace(value) : value);
    if (!status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(given.origin, " ", status.message()));
    }
  }
  return absl::OkStatus();
}

// Lets flag and environment overrule the file on one option, and fills in the default.
absl::Status Merge(const FieldDescriptor* field, const CommandLine& line,
                   EnvironmentLookup environment, Options* options) {
  const std::string path = absl::StrCat("server.", field->name());
  std::optional<Given> given = FindGiven(FlagOf(field), VariableOf(field), line, environment);
  if (!given.has_value()) {
    if (options->sources.HasLine(path)) return absl::OkStatus();
    given = Given{absl::StrCat("the default of ", FlagOf(field)),
                  {field->options().GetExtension(config::v1::default_value)}};
  }
  options->sources.SetOrigin(path, given->origin);
  return Replace(field, *given, options->config.mutable_server());
}

absl::StatusOr<std::string> ReadFile(const Given& given) {
  const std::string& path = given.values[0];
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxYamlBytes + 1, '\0');  // One more byte than is taken tells a larger file.
  if (file) file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file && !file.eof()) {
    return absl::InvalidArgumentError(absl::StrCat(given.origin, " is ", QuoteForError(path),
                                                   ", which cannot be read (", std::strerror(errno),
                                                   "); name a file that can"));
  }
  text.resize(static_cast<size_t>(file.gcount()));
  return text;
}

absl::Status ReadConfig(const CommandLine& line, EnvironmentLookup environment, Options* options) {
  const std::optional<Given> given = FindGiven(kConfigFlag, kConfigVariable, line, environment);
  if (!given.has_value()) return absl::OkStatus();
  if (absl::Status status = CheckGivenOnce(*given); !status.ok()) return status;
  if (given->values[0].empty()) return absl::OkStatus();
  const absl::StatusOr<std::string> text = ReadFile(*given);
  if (!text.ok()) return text.status();
  options->config_path = given->values[0];
  return ReadYaml(given->values[0], *text, &options->config, &options->sources);
}

absl::Status MergeAndCheck(const CommandLine& line, EnvironmentLookup environment,
                           Options* options) {
  std::vector<std::string> problems;
  const google::protobuf::Descriptor* type = ServerOptions::descriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    const absl::Status status = Merge(type->field(i), line, environment, options);
    if (!status.ok()) problems.emplace_back(status.message());
  }
  // A value that could not be read has left its field unset: there is no more to find out.
  if (problems.empty()) problems = FindProblems(options->config, options->sources);
  if (problems.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrJoin(problems, "\n"));
}

}  // namespace

absl::StatusOr<Options> ParseOptions(int argc, const char* const* argv,
                                     EnvironmentLookup environment) {
  absl::StatusOr<CommandLine> line = ParseCommandLine(argc, argv);
  if (!line.ok()) return line.status();
  Options options;
  if (line->text.has_value()) {
    options.text = std::move(line->text);
    return options;
  }
  if (absl::Status status = ReadConfig(*line, environment, &options); !status.ok()) return status;
  if (absl::Status status = MergeAndCheck(*line, environment, &options); !status.ok()) {
    return status;
  }
  if (line->print_config) options.text = WriteYaml(options.config);
  return options;
}

std::optional<std::string> ProcessEnvironment(absl::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

}  // namespace fusebox
