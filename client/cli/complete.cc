#include "client/cli/complete.h"

#include <algorithm>
#include <functional>
#include <map>

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

void Advance(const std::string& word, Place& place) {
  if (place.pending != nullptr) {
    place.pending = nullptr;
  } else if (absl::StartsWith(word, "-")) {
    CLI::Option* flag = FindFlag(place.verb, word);
    if (flag != nullptr && flag->get_items_expected_max() > 0) place.pending = flag;
  } else if (CLI::App* verb = FindVerb(place.verb, word); verb != nullptr) {
    place = {verb};
  } else {
    ++place.arguments;
  }
}

// Asks a server for names that begin with a text.
class Names {
 public:
  explicit Names(const std::vector<std::string>& words) {
    CLI::App app;
    app.allow_extras();
    AddGlobalFlags(app, flags_);
    NameVariables(app);
    try {
      app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
    } catch (const CLI::ParseError&) {
      // A word that is not whole yet; what was read before it is good enough.
    }
  }

  std::vector<std::string> Breakers(const std::string& begin) {
    std::vector<std::string> names;
    const auto take = [&](const v1::ListBreakersResponse& page) {
      for (const v1::Breaker& breaker : page.breakers()) {
        if (absl::StartsWith(breaker.name(), begin)) names.push_back(breaker.name());
      }
      return names.size() < kMaxNames;
    };
    Ask([&take](Connection& server) {
      EachPage(server, &v1::AdminService::Stub::ListBreakers, v1::ListBreakersRequest(), take);
    });
    return names;
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
    Connection server(flags_.server, kPatience, flags_.credentials);
    question(server);
  }

  GlobalFlags flags_;
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

std::vector<std::string> Verbs(const Place& place) {
  std::vector<std::string> verbs;
  if (place.arguments > 0) return verbs;
  for (const CLI::App* verb : place.verb->get_subcommands([](CLI::App*) { return true; })) {
    if (!verb->get_name().empty()) verbs.push_back(verb->get_name());
  }
  return verbs;
}

}  // namespace

int Complete(CLI::App& app, const std::vector<std::string>& words, std::ostream& out) {
  Place place{&app};
  const std::string last = words.empty() ? "" : words.back();
  for (size_t i = 0; i + 1 < words.size(); ++i) Advance(words[i], place);

  const CLI::Option* value = place.pending;
  std::vector<std::string> choices;
  if (value == nullptr && absl::StartsWith(last, "-")) {
    choices = Flags(place.verb);
  } else {
    if (value == nullptr) choices = Verbs(place);
    if (value == nullptr) value = ArgumentAt(place);
    Names names(words);
    const std::string type = value == nullptr ? "" : TypeOf(*value);
    if (type == "FILE") return 1;
    for (std::string& choice : Values(type, last, names)) choices.push_back(std::move(choice));
  }
  std::sort(choices.begin(), choices.end());
  for (const std::string& choice : choices) {
    if (absl::StartsWith(choice, last)) out << choice << "\n";
  }
  return 0;
}

}  // namespace fusebox::cli
