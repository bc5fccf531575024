#ifndef FUSEBOX_TESTS_TESTING_EXPOSITION_H_
#define FUSEBOX_TESTS_TESTING_EXPOSITION_H_

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace fusebox {

// A page of metrics, read back.
//
//   const Exposition page(RenderMetrics({&metrics}));
//   ASSERT_THAT(page.errors(), IsEmpty());
//   EXPECT_EQ(page.at("fusebox_breaker_state{breaker=db/orders,state=open}"), 1);
//
// A series is found under its name and its labels in alphabetical order, as they were before they
// were escaped. Errors are what Prometheus would refuse, and families without HELP or TYPE.
class Exposition {
 public:
  explicit Exposition(absl::string_view page) {
    if (!absl::EndsWith(page, "\n")) Complain("the last line does not end", "");
    for (const absl::string_view line : absl::StrSplit(page, '\n', absl::SkipEmpty())) {
      if (absl::StartsWith(line, "# ")) {
        ReadComment(line);
      } else {
        ReadSample(line);
      }
    }
  }

  const std::vector<std::string>& errors() const { return errors_; }
  const std::map<std::string, double>& series() const { return series_; }
  bool contains(const std::string& key) const { return series_.contains(key); }

  // -1 if there is no such series: nothing that is counted here is negative.
  double at(const std::string& key) const {
    const auto found = series_.find(key);
    return found == series_.end() ? -1 : found->second;
  }

  // "counter", "gauge" or "histogram", of the family that a series belongs to.
  std::string TypeOf(absl::string_view key) const {
    std::string name(key.substr(0, key.find('{')));
    for (const absl::string_view suffix : {"_bucket", "_sum", "_count"}) {
      if (absl::EndsWith(name, suffix)) {
        const auto found = types_.find(name.substr(0, name.size() - suffix.size()));
        if (found != types_.end() && found->second == "histogram") return found->second;
      }
    }
    const auto found = types_.find(name);
    return found == types_.end() ? "" : found->second;
  }

 private:
  void Complain(absl::string_view what, absl::string_view line) {
    errors_.push_back(absl::StrCat(what, ": ", line));
  }

  void ReadComment(absl::string_view line) {
    const std::vector<std::string> words = absl::StrSplit(line, absl::MaxSplits(' ', 3));
    if (words.size() < 4) return Complain("a comment without text", line);
    if (words[1] == "HELP") {
      if (!helped_.insert(words[2]).second) Complain("a second HELP", line);
    } else if (words[1] == "TYPE") {
      if (!types_.emplace(words[2], words[3]).second) Complain("a second TYPE", line);
      if (!helped_.contains(words[2])) Complain("no HELP before", line);
    } else {
      Complain("neither HELP nor TYPE", line);
    }
  }

  void ReadSample(absl::string_view line) {
    size_t at = 0;
    while (at < line.size() && (absl::ascii_isalnum(line[at]) || line[at] == '_')) ++at;
    std::string key(line.substr(0, at));
    if (key.empty() || absl::ascii_isdigit(key[0])) return Complain("not a name", line);
    std::map<std::string, std::string> labels;
    if (at < line.size() && line[at] == '{' && !ReadLabels(line, at, labels)) {
      return Complain("labels that cannot be read", line);
    }
    std::string inside;
    for (const auto& [name, value] : labels) {
      absl::StrAppend(&inside, inside.empty() ? "" : ",", name, "=", value);
    }
    if (!inside.empty()) absl::StrAppend(&key, "{", inside, "}");

    const std::string number(line.substr(std::min(at, line.size())));
    char* end = nullptr;
    const double value = std::strtod(number.c_str(), &end);
    if (number.size() < 2 || number[0] != ' ' || *end != '\0') return Complain("no value", line);
    if (TypeOf(key).empty()) Complain("no TYPE before", line);
    if (!series_.emplace(key, value).second) Complain("a second time the same series", line);
  }

  // From the opening brace to behind the closing one.
  static bool ReadLabels(absl::string_view line, size_t& at,
                         std::map<std::string, std::string>& labels) {
    ++at;
    while (at < line.size() && line[at] != '}') {
      const size_t equals = line.find("=\"", at);
      if (equals == absl::string_view::npos) return false;
      const std::string name(line.substr(at, equals - at));
      std::string value;
      for (at = equals + 2; at < line.size() && line[at] != '"'; ++at) {
        if (line[at] != '\\') {
          value += line[at];
        } else if (++at < line.size()) {
          value += line[at] == 'n' ? '\n' : line[at];
        }
      }
      if (at >= line.size() || !labels.emplace(name, value).second) return false;
      if (++at < line.size() && line[at] == ',') ++at;
    }
    return at++ < line.size();
  }

  std::vector<std::string> errors_;
  std::set<std::string> helped_;
  std::map<std::string, std::string> types_;
  std::map<std::string, double> series_;
};

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_TESTING_EXPOSITION_H_
