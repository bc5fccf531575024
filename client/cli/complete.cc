#include "client/cli/complete.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "client/cli/documents.pb.h"
#include "client/cli/enums.h"
#include "client/cli/globals.h"
#include "client/cli/pages.h"
#include "client/cli/resources.h"
#include "client/cli/variables.h"
#include "core/glob.h"
#include "core/name.h"
#include "fusebox/v1/admin.grpc.pb.h"

namespace fusebox::cli {
namespace {

constexpr absl::Duration kPatience = absl::Milliseconds(500);
// More names than these nobody reads; the next letter makes them fewer.
constexpr int kMaxNames = 200;

// Where a command line stands before its last word.
struct Place {
  CLI::App* verb;                  // The innermost so far.
  CLI::Option* pending = nullptr;  // A flag whose value is next.
  int arguments = 0;               // Of the verb, not counting flags and their values.
  bool strange = false;            // There was a flag that nobody knows.
};

CLI::Option* FindFlag(CLI::App* verb, const std::string& name) {
  for (; verb != nullptr; verb = verb->get_parent()) {
    if (CLI::Option* found = verb->get_option_no_throw(name); found != nullptr) return found;
  }
  return nullptr;
}

CLI::App* FindVerb(CLI::App* among, const std::string& name) {
  const auto found = among->get_subcommands(
      [&name](CLI::App* verb) { return !name.empty() && verb->get_name() == name; });
  return found.empty() ? nullptr : found.front();
}

// A word that begins with a dash: "--limit", "--limit=5", "-o", "-ojson".
struct FlagWord {
  CLI::Option* flag;            // nullptr if there is none of this name.
  std::optional<size_t> value;  // Where its value begins, if it stands in the same word.
};

FlagWord ReadFlag(CLI::App* verb, const std::string& word) {
  if (!absl::StartsWith(word, "--")) {
    const bool more = word.size() > 2;
    return {FindFlag(verb, word.substr(0, 2)), more ? std::optional<size_t>(2) : std::nullopt};
  }
  const size_t equals = word.find('=');
  if (equals == std::string::npos) return {FindFlag(verb, word), std::nullopt};
  return {FindFlag(verb, word.substr(0, equals)), equals + 1};
}

void Advance(const std::string& word, Place& place) {
  if (place.pending != nullptr) {
    place.pending = nullptr;
  } else if (absl::StartsWith(word, "-")) {
    const FlagWord read = ReadFlag(place.verb, word);
    if (read.flag == nullptr) {
      place.strange = true;
    } else if (!read.value.has_value() && read.flag->get_items_expected_max() > 0) {
      place.pending = read.flag;
    }
  } else if (CLI::App* verb = FindVerb(place.verb, word); verb != nullptr) {
    place.verb = verb;
    place.arguments = 0;
  } else {
    ++place.arguments;
  }
}

// The glob of the names that begin with a text; nothing if none can.
std::optional<std::string> GlobOf(const std::string& begin) {
  if (begin.empty()) return "";  // All.
  const std::string glob = absl::StrCat(begin, begin.back() == '/' ? "**" : "*/**");
  const bool is_literal = begin.find('*') == std::string::npos;
  return is_literal && Glob::Parse(glob).ok() ? std::optional<std::string>(glob) : std::nullopt;
}

// Asks a server for names that begin with a text.
class Names {
 public:
  // `words` are those before the one that is completed.
  explicit Names(const std::vector<std::string>& words) {
    CLI::App app;
    app.allow_extras();
    AddGlobalFlags(FlagSet(app), flags_);
    NameVariables(app);
    try {
      app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
      known_ = true;
    } catch (const CLI::ParseError&) {
      // Which server is meant is not known, and no other may see the token.
    }
  }

  std::vector<std::string> Breakers(const std::string& begin) {
    std::vector<std::string> names;
    const std::optional<std::string> glob = GlobOf(begin);
    if (!glob.has_value()) return names;
    v1::ListBreakersRequest request;
    request.set_match(*glob);
    const auto take = [&](const v1::ListBreakersResponse& page) {
      for (const v1::Breaker& breaker : page.breakers()) {
        if (absl::StartsWith(breaker.name(), begin)) names.push_back(breaker.name());
      }
      return names.size() < kMaxNames;
    };
    Ask([&](Connection& server) {
      EachPage(server, &v1::AdminService::Stub::ListBreakers, request, take);
    });
    return names;
  }

  // The paths of breakers whose names begin with a text, as far as they begin with it themselves.
  std::vector<std::string> Prefixes(const std::string& begin) {
    std::set<std::string> prefixes;
    for (const std::string& name : Breakers(begin)) {
      prefixes.insert(name);
      for (size_t end = name.find('/', begin.size()); end != std::string::npos;
           end = name.find('/', end + 1)) {
        prefixes.insert(name.substr(0, end));
      }
    }
    return {prefixes.begin(), prefixes.end()};
  }

  template <typename M>
  std::vector<std::string> Resources(absl::string_view prefix) {
    Manifest all;
    Ask([&all](Connection& server) { Resource<M>::List(server, &all); });
    std::vector<std::string> names;
    for (const M& one : Resource<M>::In(all)) names.push_back(absl::StrCat(prefix, one.name()));
    return names;
  }

 private:
  void Ask(const std::function<void(Connection&)>& question) const {
    if (!known_) return;
    Connection server(flags_.server, kPatience, flags_.credentials);
    server.EndAllAfter(kPatience);
    question(server);
  }

  GlobalFlags flags_;
  bool known_ = false;
};

// What a value may be, by what stands for it in the help.
std::vector<std::string> Values(const std::string& type, const std::string& begin, Names& names) {
  using List = std::vector<std::string>;
  static const auto& fixed = *new std::map<std::string, List>{
      {"STATE", EnumNames<v1::State>()},
      {"CAUSE", EnumNames<v1::Cause>()},
      {"MODE", EnumNames<v1::OverrideMode>()},
      {"OUTCOME", EnumNames<v1::Outcome>()},
      {"FORMAT", {"table", "wide", "json", "yaml", "name"}},
      {"SHELL", {"bash", "zsh", "fish"}},
      {"SERVICE", {"liveness", "readiness"}},
  };
  if (const auto found = fixed.find(type); found != fixed.end()) return found->second;
  if (type == "BREAKER") return names.Breakers(begin);
  if (type == "PREFIX") return names.Prefixes(begin);
  if (type == "POLICY") return names.Resources<v1::Policy>("");
  if (type == "BUDGET") return names.Resources<v1::RetryBudget>("");
  if (type != "RESOURCE") return {};
  List both = names.Resources<v1::Policy>("policy/");
  for (std::string& budget : names.Resources<v1::RetryBudget>("budget/")) both.push_back(budget);
  return both;
}

std::vector<std::string> Flags(CLI::App* verb) {
  std::vector<std::string> flags;
  for (; verb != nullptr; verb = verb->get_parent()) {
    for (const CLI::App* part : verb->get_subcommands([](CLI::App*) { return true; })) {
      if (!part->get_name().empty()) continue;
      for (const CLI::Option* flag : part->get_options()) {
        for (const std::string& name : flag->get_lnames()) flags.push_back("--" + name);
      }
    }
    for (const CLI::Option* flag : verb->get_options()) {
      for (const std::string& name : flag->get_lnames()) flags.push_back("--" + name);
    }
  }
  return flags;
}

// The argument that would stand at the place; nullptr if none may.
CLI::Option* ArgumentAt(const Place& place) {
  int index = 0;
  for (CLI::Option* option : place.verb->get_options()) {
    if (option->get_positional() && index++ == place.arguments) return option;
  }
  return nullptr;
}

// What stands for the value in the help, without the choices that a check adds to it.
std::string TypeOf(const CLI::Option& option) {
  const std::vector<std::string> parts = absl::StrSplit(option.get_type_name(), ':');
  return parts.front();
}

// Whether the choice may go into a command line. A server may say anything, and a shell would run
// what it takes for its own; a name that begins with a dash would be taken for a flag.
bool IsHarmless(absl::string_view choice, bool is_flag) {
  const auto is_plain = [](char c) { return c == '/' || IsNameCharacter(c); };
  return !choice.empty() && std::all_of(choice.begin(), choice.end(), is_plain) &&
         (is_flag || choice.front() != '-');
}

std::vector<std::string> Verbs(const Place& place) {
  std::vector<std::string> verbs;
  if (place.arguments > 0) return verbs;
  for (const CLI::App* verb : place.verb->get_subcommands([](CLI::App*) { return true; })) {
    if (!verb->get_name().empty()) verbs.push_back(verb->get_name());
  }
  return verbs;
}

// Prints those that begin as the word does, from `from` on; what is before that stays as it is.
void PrintChoices(std::vector<std::string> choices, const std::string& word, size_t from,
                  std::ostream& out) {
  std::sort(choices.begin(), choices.end());
  const bool is_flag = from == 0 && absl::StartsWith(word, "-");
  const absl::string_view begin = absl::string_view(word).substr(from);
  for (const std::string& choice : choices) {
    if (!absl::StartsWith(choice, begin) || !IsHarmless(choice, is_flag)) continue;
    out << word.substr(0, from) << choice << "\n";
  }
}

}  // namespace

int Complete(CLI::App& app, const std::vector<std::string>& words, std::ostream& out) {
  Place place{&app};
  const std::string last = words.empty() ? "" : words.back();
  const std::vector<std::string> before(words.begin(), words.end() - (words.empty() ? 0 : 1));
  for (const std::string& word : before) Advance(word, place);

  const CLI::Option* value = place.pending;
  size_t from = 0;  // Where in the word the value begins.
  if (value == nullptr && absl::StartsWith(last, "-")) {
    const FlagWord flag = ReadFlag(place.verb, last);
    if (!absl::StartsWith(last, "--") || !flag.value.has_value()) {
      PrintChoices(Flags(place.verb), last, 0, out);
      return 0;
    }
    if (flag.flag == nullptr) return 0;
    value = flag.flag;
    from = *flag.value;
  }
  std::vector<std::string> choices;
  if (value == nullptr) {
    choices = Verbs(place);
    value = place.strange ? nullptr : ArgumentAt(place);
  }
  const std::string type = value == nullptr ? "" : TypeOf(*value);
  if (type == "FILE") return 1;
  Names names(before);
  for (std::string& choice : Values(type, last.substr(from), names)) {
    choices.push_back(std::move(choice));
  }
  PrintChoices(std::move(choices), last, from, out);
  return 0;
}

}  // namespace fusebox::cli
