#include "client/cli/flag_set.h"

#include <CLI/CLI.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace fusebox::cli {
namespace {

// Takes an empty text for a value too, as the prefix that all names have; CLI11's own optionals
// take it for none.
template <typename Value, typename Parse>
Flag AddParsed(CLI::App& app, const std::string& names, Value& value, Parse parse,
               const std::string& description) {
  const auto set = [&value, parse](const std::string& text) { value = parse(text); };
  return Flag(*app.add_option_function<std::string>(names, set, description));
}

absl::Duration ParsedDuration(const std::string& text) {
  absl::Duration parsed;
  absl::ParseDuration(text, &parsed);  // Was checked before.
  return parsed;
}

// CLI11's own say the largest number that there is.
CLI::Validator AtLeast(int least, const std::string& name) {
  const auto fault = [least](const std::string& text) {
    int64_t number = 0;
    if (absl::SimpleAtoi(text, &number) && number >= least) return std::string();
    return absl::StrCat("\"", text, "\" is no number from ", least, " on");
  };
  return CLI::Validator(fault, name);
}

template <typename Value>
Flag AddDuration(CLI::App& app, const std::string& names, Value& value,
                 const std::string& description) {
  return AddParsed(app, names, value, ParsedDuration, description)
      .Checked(DurationFault)
      .Metavar("DURATION");
}

}  // namespace

Flag Flag::Required() const { return Flag(*option_->required()); }

Flag Flag::Metavar(const std::string& text) const { return Flag(*option_->type_name(text)); }

Flag Flag::Description(const std::string& text) const { return Flag(*option_->description(text)); }

Flag Flag::ShowDefault() const { return Flag(*option_->capture_default_str()); }

Flag Flag::ShowDefault(const std::string& text) const { return Flag(*option_->default_str(text)); }

Flag Flag::Positive() const { return Flag(*option_->check(AtLeast(1, "POSITIVE"))); }

Flag Flag::NonNegative() const { return Flag(*option_->check(AtLeast(0, "NONNEGATIVE"))); }

Flag Flag::Between(int least, int most) const {
  return Flag(*option_->check(CLI::Range(least, most)));
}

Flag Flag::OneOf(const std::vector<std::string>& names) const {
  const auto plain = [](const std::string& text) {
    return absl::AsciiStrToUpper(absl::StrReplaceAll(text, {{"-", "_"}}));
  };
  return Flag(*option_->transform(CLI::IsMember(names, plain)));
}

Flag Flag::Checked(Check check) const { return Flag(*option_->check(CLI::Validator(check, ""))); }

Flag Flag::Rewritten(Rewrite rewrite) const {
  return Flag(*option_->transform(CLI::Validator(rewrite, "")));
}

Flag Flag::CommaSeparated() const {
  return Flag(*option_->delimiter(',')->allow_extra_args(false));
}

Flag Flag::Excludes(Flag other) const { return Flag(*option_->excludes(other.option_)); }

Flag FlagSet::Add(const std::string& names, bool& value, const std::string& description) const {
  return Flag(*app_->add_flag(names, value, description));
}

Flag FlagSet::Add(const std::string& names, int& value, const std::string& description) const {
  return Flag(*app_->add_option(names, value, description));
}

Flag FlagSet::Add(const std::string& names, uint32_t& value, const std::string& description) const {
  return Flag(*app_->add_option(names, value, description));
}

Flag FlagSet::Add(const std::string& names, std::string& value,
                  const std::string& description) const {
  return Flag(*app_->add_option(names, value, description));
}

Flag FlagSet::Add(const std::string& names, absl::Duration& value,
                  const std::string& description) const {
  return AddDuration(*app_, names, value, description);
}

Flag FlagSet::Add(const std::string& names, std::optional<int>& value,
                  const std::string& description) const {
  return Flag(*app_->add_option(names, value, description));
}

Flag FlagSet::Add(const std::string& names, std::optional<std::string>& value,
                  const std::string& description) const {
  const auto same = [](const std::string& text) { return text; };
  return AddParsed(*app_, names, value, same, description);
}

Flag FlagSet::Add(const std::string& names, std::optional<absl::Duration>& value,
                  const std::string& description) const {
  return AddDuration(*app_, names, value, description);
}

Flag FlagSet::Add(const std::string& names, std::vector<std::string>& value,
                  const std::string& description) const {
  return Flag(*app_->add_option(names, value, description));
}

FlagSet FlagSet::ExactlyOne(const std::string& title, const std::string& description) const {
  CLI::Option_group* group = app_->add_option_group(title, description);
  group->require_option(1);
  return FlagSet(*group);
}

void FlagSet::Footer(const std::string& text) const { app_->footer(text); }

std::string DurationFault(const std::string& text) {
  absl::Duration parsed;
  if (absl::ParseDuration(text, &parsed) && parsed >= absl::ZeroDuration() &&
      parsed != absl::InfiniteDuration()) {
    return "";
  }
  return absl::StrCat("\"", text,
                      "\" is no duration; write a number with a unit, like 30ms, 5s or 1h30m");
}

}  // namespace fusebox::cli
