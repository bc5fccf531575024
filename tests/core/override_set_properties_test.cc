// Random sets of overrides beside a list that is searched from end to end.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/override_set.h"
#include "core/random_globs.h"

namespace fusebox {
namespace {

// What an OverrideSet is to say.
class Model {
 public:
  void Add(const Override& override) {
    Remove(override.match);
    all_.push_back(override);
  }
  void Remove(absl::string_view match) {
    std::erase_if(all_, [&](const Override& o) { return o.match == match; });
  }
  // The matches of those that expired, the newest first.
  std::vector<std::string> Expire(Tick now) {
    std::vector<std::string> expired;
    for (const Override& override : all_) {
      if (override.expires <= now) expired.insert(expired.begin(), override.match);
    }
    std::erase_if(all_, [&](const Override& o) { return o.expires <= now; });
    return expired;
  }

  std::string Match(absl::string_view breaker) const {
    std::string newest;
    for (const Override& override : all_) {
      if (override.match == breaker) return override.match;
      if (Glob::Parse(override.match)->Matches(breaker)) newest = override.match;
    }
    return newest;
  }
  Tick NextExpiry() const {
    Tick next = Tick::Max();
    for (const Override& override : all_) next = std::min(next, override.expires);
    return next;
  }
  // The oldest first.
  const std::vector<Override>& all() const { return all_; }

 private:
  std::vector<Override> all_;
};

std::string MatchOf(const OverrideSet::Shared& override) {
  return override == nullptr ? "" : override->match;
}

std::vector<std::string> MatchesOf(const std::vector<OverrideSet::Shared>& overrides) {
  std::vector<std::string> matches;
  for (const OverrideSet::Shared& override : overrides) matches.push_back(override->match);
  return matches;
}

void Check(const OverrideSet& set, const Model& model) {
  RC_ASSERT(set.NextExpiry() == model.NextExpiry());
  RC_ASSERT(set.all().size() == model.all().size());
  for (size_t i = 0; i < model.all().size(); ++i) {
    const Override& expected = model.all()[model.all().size() - 1 - i];
    RC_ASSERT(set.all()[i]->match == expected.match);
    RC_ASSERT(set.all()[i]->expires == expected.expires);
    RC_ASSERT(set.Find(expected.match) == set.all()[i]);
    if (i > 0) RC_ASSERT(set.all()[i - 1]->order > set.all()[i]->order);
  }
  for (int i = 0; i < 5; ++i) {
    const std::string name = DrawName();
    RC_ASSERT(MatchOf(set.Match(name)) == model.Match(name));
  }
}

Override DrawOverride() {
  Override override{.match = *rc::gen::element(true, false) ? DrawGlob(3).text() : DrawName()};
  override.expires = Tick::FromNanos(*rc::gen::inRange(1, 100));
  return override;
}

// Whatever is done to it.
RC_GTEST_PROP(OverrideSetProperties, SaysWhatAListSays, ()) {
  Model model;
  auto set = std::make_shared<const OverrideSet>();
  for (int steps = *rc::gen::inRange(0, 30); steps > 0; --steps) {
    const int step = *rc::gen::inRange(0, 8);
    if (step < 6) {
      const Override override = DrawOverride();
      model.Add(override);
      set = *set->With(override);
    } else if (step < 7) {
      const std::string match = model.all().empty() ? DrawName() : model.all().front().match;
      model.Remove(match);
      set = set->Without(match);
    } else {
      const Tick now = Tick::FromNanos(*rc::gen::inRange(0, 30));
      const OverrideSet::Expiry expiry = set->WithoutExpired(now);
      RC_ASSERT(MatchesOf(expiry.expired) == model.Expire(now));
      set = expiry.left;
    }
    Check(*set, model);
  }
}

// What one life imposed goes on in the next as it was, however it was stored.
RC_GTEST_PROP(OverrideSetProperties, IsMadeAgainOfItsOverridesInAnyOrder, ()) {
  auto set = std::make_shared<const OverrideSet>();
  for (int steps = *rc::gen::inRange(0, 20); steps > 0; --steps) set = *set->With(DrawOverride());
  std::vector<Override> stored;
  for (const OverrideSet::Shared& override : set->all()) {
    stored.insert(stored.begin() + *rc::gen::inRange<size_t>(0, stored.size() + 1), *override);
  }
  const auto again = *OverrideSet::Make(stored);
  RC_ASSERT(MatchesOf(again->all()) == MatchesOf(set->all()));
  for (size_t i = 0; i < set->all().size(); ++i) {
    RC_ASSERT(again->all()[i]->order == set->all()[i]->order);
    RC_ASSERT(again->all()[i]->by_name == set->all()[i]->by_name);
  }
  for (int i = 0; i < 10; ++i) {
    const std::string name = DrawName();
    RC_ASSERT(MatchOf(again->Match(name)) == MatchOf(set->Match(name)));
  }
}

}  // namespace
}  // namespace fusebox
