// How verbs declare their flags and arguments.
//
//   verb.Add("--limit", flags.limit, "Only the worst N").Positive().Metavar("N");
//
// CLI11 parses them. Its header costs every file that includes it seconds, so only those include it
// that look at the whole command line; verbs declare what they want by this one.
#ifndef FUSEBOX_CLIENT_CLI_FLAG_SET_H_
#define FUSEBOX_CLIENT_CLI_FLAG_SET_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "client/cli/cli11.h"

namespace fusebox::cli {

// A flag, or an argument, which has no dashes. What is said of it can be chained.
class Flag {
 public:
  // Says what is wrong with a text; nothing if it is right.
  using Check = std::string (*)(const std::string& text);
  // The same, and makes a text that is right what is meant by it.
  using Rewrite = std::string (*)(std::string& text);

  explicit Flag(CLI::Option& option) : option_(&option) {}

  Flag Required() const;

  // What stands for the value in the help, and tells completion what it may be: see complete.h.
  Flag Metavar(const std::string& text) const;

  Flag Description(const std::string& text) const;

  // Shows in the help what the variable holds now, or what this says it does.
  Flag ShowDefault() const;
  Flag ShowDefault(const std::string& text) const;

  // Numbers, both ends included.
  Flag Positive() const;
  Flag NonNegative() const;
  Flag Between(int least, int most) const;

  // One of the names in any case, with dashes for underscores, which becomes that name: "half-open"
  // and "HALF_OPEN" become "HALF_OPEN".
  Flag OneOf(const std::vector<std::string>& names) const;

  Flag Checked(Check check) const;
  Flag Rewritten(Rewrite rewrite) const;

  // Several values stand in one text with commas between; without this the flag is repeated, or
  // followed by all of them.
  Flag CommaSeparated() const;

  // Not together with the other.
  Flag Excludes(Flag other) const;

 private:
  CLI::Option* option_;  // Of the app, which outlives this.
};

// The flags and arguments of a verb, or those of all verbs.
class FlagSet {
 public:
  // `app` must outlive this.
  explicit FlagSet(CLI::App& app) : app_(&app) {}

  // Declares a flag, "--limit" or "-f,--file", or an argument, "NAME". What is given on the command
  // line goes into `value`, which must outlive the parsing; a bool is true if its flag is there,
  // and a duration has a unit and is from zero on, like 30ms, 5s or 1h30m.
  Flag Add(const std::string& names, bool& value, const std::string& description) const;
  Flag Add(const std::string& names, int& value, const std::string& description) const;
  Flag Add(const std::string& names, uint32_t& value, const std::string& description) const;
  Flag Add(const std::string& names, std::string& value, const std::string& description) const;
  Flag Add(const std::string& names, absl::Duration& value, const std::string& description) const;
  Flag Add(const std::string& names, std::optional<int>& value,
           const std::string& description) const;
  Flag Add(const std::string& names, std::optional<std::string>& value,
           const std::string& description) const;
  Flag Add(const std::string& names, std::optional<absl::Duration>& value,
           const std::string& description) const;
  Flag Add(const std::string& names, std::vector<std::string>& value,
           const std::string& description) const;

  // Flags under a title of their own, of which exactly one must be given.
  FlagSet ExactlyOne(const std::string& title, const std::string& description) const;

  // What the help ends with.
  void Footer(const std::string& text) const;

 private:
  CLI::App* app_;
};

// What is wrong with a text that should be a duration; nothing if it is one.
std::string DurationFault(const std::string& text);

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_FLAG_SET_H_
