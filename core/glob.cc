#include "core/glob.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/error.h"
#include "core/name.h"

namespace fusebox {
namespace {

absl::Status GlobError(absl::string_view remedy) {
  return MakeError(absl::StatusCode::kInvalidArgument, "GLOB_INVALID", remedy);
}

// Stands for any text that no glob mentions: no name and no glob holds this character.
constexpr absl::string_view kElse = "?";

}  // namespace

absl::StatusOr<Glob> Glob::Parse(absl::string_view text) {
  if (text.empty()) return GlobError("an empty glob matches nothing; write ** to match all");
  if (text.size() > kMaxNameBytes) return GlobError("use at most 256 bytes");
  Glob glob;
  glob.text_ = std::string(text);
  for (const absl::string_view part : absl::StrSplit(text, '/')) {
    if (part.empty()) return GlobError("write segments joined by single slashes");
    if (part == "**") {
      // A run of ** says no more than one, and would cost more to match.
      if (!glob.segments_.empty() && glob.segments_.back().kind == Kind::kMany) {
        return GlobError("write ** once where it stands twice in a row");
      }
      glob.segments_.push_back({Kind::kMany, ""});
      continue;
    }
    const bool star = part.back() == '*';
    const absl::string_view literal = star ? part.substr(0, part.size() - 1) : part;
    if (absl::StrContains(literal, '*')) {
      return GlobError("write * only at the end of a segment, or ** as a whole one");
    }
    if (!std::all_of(literal.begin(), literal.end(), IsNameCharacter)) {
      return GlobError("use [A-Za-z0-9._~-], slashes and stars");
    }
    glob.segments_.push_back({star ? Kind::kPrefix : Kind::kLiteral, std::string(literal)});
  }
  return glob;
}

Glob Glob::All() {
  Glob glob;
  glob.text_ = "**";
  glob.segments_.push_back({Kind::kMany, ""});
  return glob;
}

bool Glob::SegmentMatches(const Segment& segment, absl::string_view name) {
  return segment.kind == Kind::kLiteral ? name == segment.text
                                        : absl::StartsWith(name, segment.text);
}

// Greedy with one point of return: after a later ** an earlier one never needs another try.
bool Glob::Matches(absl::string_view name) const {
  if (segments_.size() == 1 && segments_.front().kind == Kind::kMany) return true;
  const std::vector<absl::string_view> parts = absl::StrSplit(name, '/');
  size_t part = 0, segment = 0;
  size_t many = segments_.size(), retry_part = 0;  // The last ** and where it stands in `parts`.
  while (part < parts.size()) {
    if (segment < segments_.size() && segments_[segment].kind == Kind::kMany) {
      many = segment++;
      retry_part = part;
    } else if (segment < segments_.size() && SegmentMatches(segments_[segment], parts[part])) {
      ++segment;
      ++part;
    } else if (many < segments_.size()) {
      segment = many + 1;
      part = ++retry_part;
    } else {
      return false;
    }
  }
  while (segment < segments_.size() && segments_[segment].kind == Kind::kMany) ++segment;
  return segment == segments_.size();
}

bool Glob::SegmentsOverlap(const Segment& a, const Segment& b) {
  if (a.kind == Kind::kLiteral) return SegmentMatches(b, a.text);
  if (b.kind == Kind::kLiteral) return SegmentMatches(a, b.text);
  return absl::StartsWith(a.text, b.text) || absl::StartsWith(b.text, a.text);
}

// reachable[i][j]: some list of segments matches all of ours from i and all of theirs from j.
bool Glob::Overlaps(const Glob& other) const {
  const std::vector<Segment>& a = segments_;
  const std::vector<Segment>& b = other.segments_;
  std::vector<std::vector<bool>> reachable(a.size() + 1, std::vector<bool>(b.size() + 1, false));
  reachable[a.size()][b.size()] = true;
  for (size_t i = a.size() + 1; i-- > 0;) {
    for (size_t j = b.size() + 1; j-- > 0;) {
      const bool a_many = i < a.size() && a[i].kind == Kind::kMany;
      const bool b_many = j < b.size() && b[j].kind == Kind::kMany;
      if (a_many && (reachable[i + 1][j] || (j < b.size() && reachable[i][j + 1]))) {
        reachable[i][j] = true;
      } else if (b_many && (reachable[i][j + 1] || (i < a.size() && reachable[i + 1][j]))) {
        reachable[i][j] = true;
      } else if (i < a.size() && j < b.size() && !a_many && !b_many) {
        reachable[i][j] = reachable[i + 1][j + 1] && SegmentsOverlap(a[i], b[j]);
      }
    }
  }
  return reachable[0][0];
}

// Adds the places behind each **, which may match nothing.
Glob::Places Glob::Close(Places places) const {
  for (size_t i = 0; i < places.size(); ++i) {
    if (places[i] < segments_.size() && segments_[places[i]].kind == Kind::kMany) {
      places.push_back(places[i] + 1);
    }
  }
  std::sort(places.begin(), places.end());
  places.erase(std::unique(places.begin(), places.end()), places.end());
  return places;
}

// Where a match may stand after one more segment of a name.
Glob::Places Glob::Step(const Places& from, absl::string_view name) const {
  Places to;
  for (const size_t place : from) {
    if (place == segments_.size()) continue;
    if (segments_[place].kind == Kind::kMany) {
      to.push_back(place);
    } else if (SegmentMatches(segments_[place], name)) {
      to.push_back(place + 1);
    }
  }
  return Close(std::move(to));
}

bool Glob::IsEnd(const Places& places) const {
  return !places.empty() && places.back() == segments_.size();
}

// Of the segments that this glob tells apart, one of each kind; those that none of its own match
// have one in common, which is not among them.
std::vector<std::string> Glob::Examples() const {
  std::vector<std::string> examples;
  for (const Segment& segment : segments_) {
    if (segment.kind == Kind::kMany) continue;
    if (!segment.text.empty()) examples.push_back(segment.text);
    if (segment.kind == Kind::kPrefix) examples.push_back(absl::StrCat(segment.text, kElse));
  }
  return examples;
}

// Looks for a name that the other glob matches and this one does not, made of one example of each
// kind of segment that the two tell apart. What matters of a name so far is a place where a match
// of the other may stand, and all the places where one of this may.
bool Glob::Covers(const Glob& other) const {
  constexpr size_t kMostSituations = 10'000;
  using Situation = std::pair<size_t, Places>;
  std::vector<std::string> examples = Examples();
  for (std::string& example : other.Examples()) examples.push_back(std::move(example));
  examples.emplace_back(kElse);
  std::sort(examples.begin(), examples.end());
  examples.erase(std::unique(examples.begin(), examples.end()), examples.end());

  std::set<Situation> seen;
  std::vector<Situation> open;
  for (const size_t place : other.Close({0})) open.emplace_back(place, Close({0}));
  while (!open.empty()) {
    const auto [place, places] = std::move(open.back());
    open.pop_back();
    for (const std::string& example : examples) {
      const Places ours = Step(places, example);
      for (const size_t theirs : other.Step({place}, example)) {
        if (theirs == other.segments_.size() && !IsEnd(ours)) return false;
        if (seen.size() == kMostSituations) return false;
        if (seen.emplace(theirs, ours).second) open.emplace_back(theirs, ours);
      }
    }
  }
  return true;
}

std::weak_ordering Glob::Compare(const Segment& a, const Segment& b) {
  if (a.kind != b.kind) return a.kind <=> b.kind;
  if (a.kind != Kind::kPrefix) return std::weak_ordering::equivalent;
  return a.text.size() <=> b.text.size();
}

std::weak_ordering Glob::CompareSpecificity(const Glob& other) const {
  static const Segment kEnd;
  const size_t length = std::max(segments_.size(), other.segments_.size());
  for (size_t i = 0; i < length; ++i) {
    const Segment& ours = i < segments_.size() ? segments_[i] : kEnd;
    const Segment& theirs = i < other.segments_.size() ? other.segments_[i] : kEnd;
    const std::weak_ordering order = Compare(ours, theirs);
    if (order != 0) return order;
  }
  return std::weak_ordering::equivalent;
}

// Equally specific globs have segments of the same kinds, with prefixes of the same lengths. What
// stands before the first ** and behind the last one, or all if there are none, has to be the same
// in both for a name to match them. What stands between two of ** has not: such a name may hold
// first all of that of the one and then all of that of the other.
std::string Glob::TieKey() const {
  const auto is_many = [](const Segment& segment) { return segment.kind == Kind::kMany; };
  const auto first = std::find_if(segments_.begin(), segments_.end(), is_many);
  const auto behind_last = std::find_if(segments_.rbegin(), segments_.rend(), is_many).base();
  std::string key;
  for (auto segment = segments_.begin(); segment != segments_.end(); ++segment) {
    const bool is_free = first < segment && segment < behind_last && !is_many(*segment);
    const bool is_prefix = segment->kind == Kind::kPrefix;
    if (is_free) {
      absl::StrAppend(&key, kElse, is_prefix ? absl::StrCat(segment->text.size(), "*") : "");
    } else {
      absl::StrAppend(&key, is_many(*segment) ? "**" : segment->text, is_prefix ? "*" : "");
    }
    key += '/';
  }
  return key;
}

}  // namespace fusebox
