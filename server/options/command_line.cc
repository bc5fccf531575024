#include "server/options/command_line.h"

#include <algorithm>
#include <utility>

#include "CLI/CLI.hpp"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "core/error.h"
#include "proto/yaml/field_text.h"
#include "proto/yaml/nearest.h"
#include "server/options/options.pb.h"

namespace fusebox {
namespace {

using ::google::protobuf::FieldDescriptor;

constexpr char kAbout[] =
    "Holds the circuit breakers and retry budgets of a fleet, and answers over gRPC.";
constexpr char kFooter[] =
    "\nA flag goes before its environment variable, that before the file's key of the same name\n"
    "(under \"server:\"), and that before the default. Durations have units: 500ms, 30s, 1h30m.";
constexpr int kHelpColumn = 36;

// `Where to ...; 1 to 5 (default 3) [FUSEBOX_...]`
std::string HelpOf(const FieldDescriptor* field) {
  const google::protobuf::FieldOptions& notes = field->options();
  std::string help = notes.GetExtension(config::v1::help);
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
    absl::StrAppend(&help, ": ",
                    absl::AsciiStrToLower(absl::StrJoin(EnumChoices(field->enum_type()), ", ")));
  }
  if (notes.HasExtension(config::v1::min)) {
    absl::StrAppend(&help, "; ", notes.GetExtension(config::v1::min), " to ",
                    notes.GetExtension(config::v1::max));
  }
  const std::string& fallback = notes.GetExtension(config::v1::default_value);
  return absl::StrCat(help, " (default ",
                      fallback.empty() ? "empty" : absl::AsciiStrToLower(fallback), ") [",
                      VariableOf(field), "]");
}

// Every occurrence of the flag takes one value, so that a forgotten one is not eaten by the next.
void AddFlag(const std::string& flag, const std::string& value_name, const std::string& help,
             CommandLine* line, CLI::App* app) {
  const auto take = [line, flag](const CLI::results_t& values) {
    line->values[flag] = values;
    return true;
  };
  app->add_option(flag, take, help)
      ->type_name(value_name)
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
}

// A flag that says all without a value, and takes one after "=" only: --insecure, --insecure=false.
void AddSwitch(const std::string& flag, const std::string& help, CommandLine* line, CLI::App* app) {
  const auto take = [line, flag](const CLI::results_t& values) {
    line->values[flag] = values;
    return true;
  };
  app->add_option(flag, take, help)
      ->type_name("")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->expected(0);
}

void AddFlags(CommandLine* line, bool* version, CLI::App* app) {
  app->set_help_flag("-h,--help", "Print this, and stop");
  app->add_flag("--version", *version, "Print the version, and stop");
  app->add_flag("--print-config", line->print_config,
                "Print the merged configuration as such a file, and stop");
  AddFlag(kConfigFlag, "FILE", absl::StrCat("The file to read [", kConfigVariable, "]"), line, app);
  const google::protobuf::Descriptor* type = config::v1::ServerOptions::descriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_BOOL) {
      AddSwitch(FlagOf(field), HelpOf(field), line, app);
    } else {
      AddFlag(FlagOf(field), field->options().GetExtension(config::v1::value_name), HelpOf(field),
              line, app);
    }
  }
}

std::vector<std::string> KnownFlags() {
  std::vector<std::string> flags = {kConfigFlag, "--print-config", "--version", "--help"};
  const google::protobuf::Descriptor* type = config::v1::ServerOptions::descriptor();
  for (int i = 0; i < type->field_count(); ++i) flags.push_back(FlagOf(type->field(i)));
  return flags;
}

// The arguments in the reverse order that CLI11 wants. It takes the argument after "--flag=" for
// the flag's value; we take none for an empty value.
std::vector<std::string> ReversedArguments(int argc, const char* const* argv) {
  std::vector<std::string> arguments;
  for (int i = argc - 1; i > 0; --i) {
    absl::string_view argument = argv[i];
    const bool is_empty_value = absl::StartsWith(argument, "--") && argument.size() > 3 &&
                                argument.find('=') == argument.size() - 1;
    if (is_empty_value) {
      arguments.emplace_back("");
      argument.remove_suffix(1);
    }
    arguments.emplace_back(argument);
  }
  return arguments;
}

// Names the first of the arguments that no flag took.
absl::Status RefuseExtra(const std::string& extra) {
  if (!absl::StartsWith(extra, "-")) {
    return absl::InvalidArgumentError(absl::StrCat("argument ", QuoteForError(extra),
                                                   " belongs to no flag; remove it or see --help"));
  }
  const std::string flag = extra.substr(0, extra.find('='));
  const std::string guess = DidYouMean(flag, KnownFlags());
  return absl::InvalidArgumentError(absl::StrCat("flag ", QuoteForError(flag), " is not known",
                                                 guess.empty() ? "; see --help" : guess));
}

}  // namespace

std::string FlagOf(const FieldDescriptor* field) {
  return absl::StrCat("--", absl::StrReplaceAll(field->name(), {{"_", "-"}}));
}

std::string VariableOf(const FieldDescriptor* field) {
  return absl::StrCat(kVariablePrefix, absl::AsciiStrToUpper(field->name()));
}

absl::StatusOr<CommandLine> ParseCommandLine(int argc, const char* const* argv) {
  CommandLine line;
  bool version = false;
  CLI::App app(kAbout, "fusebox");
  app.allow_extras();
  app.footer(kFooter);
  app.get_formatter()->column_width(kHelpColumn);
  AddFlags(&line, &version, &app);
  try {
    app.parse(ReversedArguments(argc, argv));
  } catch (const CLI::CallForHelp&) {
    line.text = app.help();
    return line;
  } catch (const CLI::ArgumentMismatch& error) {
    return absl::InvalidArgumentError(absl::StrCat(error.what(), "; write the value after it"));
  } catch (const CLI::ParseError& error) {
    return absl::InvalidArgumentError(absl::StrCat(error.what(), "; see --help"));
  }
  const std::vector<std::string> extras = app.remaining();
  if (!extras.empty()) return RefuseExtra(extras.front());
  if (version) line.text = "fusebox " FUSEBOX_VERSION "\n";
  return line;
}

}  // namespace fusebox
