#ifndef FUSEBOX_TESTS_SERVER_ENGINE_FOLLOWER_H_
#define FUSEBOX_TESTS_SERVER_ENGINE_FOLLOWER_H_

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "server/engine/engine.h"

namespace fusebox {

// What a client knows of one breaker. Greater is newer.
struct Known {
  uint64_t epoch = 0;
  uint32_t revision = 0;
  State state = State::kClosed;

  auto operator<=>(const Known&) const = default;
  friend std::ostream& operator<<(std::ostream& out, const Known& known) {
    return out << absl::StrCat(known.epoch, "/", known.revision, "/", int(known.state));
  }
};

using Picture = std::map<std::string, Known>;

inline Known KnownOf(const BreakerView& view) {
  return {view.snapshot.epoch, view.snapshot.revision, view.snapshot.state};
}

// The breakers that match, as they are.
inline Picture Truth(Engine& engine, const Glob& match) {
  Picture truth;
  Slot cursor = 0;
  while (!engine.IsListed(cursor)) {
    for (const BreakerView& view : engine.List(match, 100, cursor)) {
      truth[view.name] = KnownOf(view);
    }
  }
  return truth;
}

// A client and its stream in one: it keeps a picture of the breakers that match, step by step, and
// what it is told of them may be cut off at any step. It then comes back with its last token, and
// starts anew only when it is told to.
class Follower {
 public:
  Follower(Engine& engine, std::string match) : engine_(engine), match_(std::move(match)) {}

  const Picture& picture() const { return picture_; }
  int resumed() const { return resumed_; }  // Of the times that it came back.
  int missed() const { return missed_; }    // What it was then told of.

  // Takes one step. Returns false if there was nothing new.
  bool Read() {
    if (watch_ == nullptr) Begin();
    if (!engine_.IsListed(cursor_) && !listed_) return ReadSnapshot();
    listed_ = true;
    const absl::StatusOr<ChangedNames::Next> next = synced_ ? watch_->Take() : watch_->TakeMissed();
    if (!next.ok()) {
      EXPECT_EQ(ErrorReason(next.status()), "WATCH_TOO_SLOW");
      watch_.reset();
      return true;
    }
    const std::optional<BreakerView> view = Look(next->name);
    if (lost_) return BreakOff();
    const bool mark = !synced_ && next->name.empty() && !next->look_on;
    if (!next->name.empty()) Learn(next->name, view);
    if (!next->name.empty() || mark) token_ = next->resume_token;
    synced_ |= mark;
    return mark || next->look_on || !next->name.empty();
  }

  // Reads all that there is.
  void CatchUp() {
    while (Read()) {
    }
  }

  // The connection is gone.
  bool BreakOff() {
    watch_.reset();
    lost_ = false;
    return true;
  }
  // The connection goes with the next step still on it: it was sent, and never arrives.
  void LoseNext() { lost_ = true; }

 private:
  void Begin() {
    absl::StatusOr<std::shared_ptr<ChangedNames>> watch = engine_.Watch(
        *Glob::Parse(match_), [] {}, token_);
    resumed_ += watch.ok() && !token_.empty();
    listed_ = watch.ok() && !token_.empty();
    if (!watch.ok()) {
      EXPECT_EQ(ErrorReason(watch.status()), "RESUME_TOKEN_STALE") << watch.status();
      token_.clear();
      watch = engine_.Watch(*Glob::Parse(match_), [] {});
    }
    ASSERT_TRUE(watch.ok()) << watch.status();
    if (!listed_) picture_.clear();
    watch_ = *std::move(watch);
    cursor_ = 0;
    synced_ = false;
  }

  bool ReadSnapshot() {
    const std::vector<BreakerView> views = engine_.List(*Glob::Parse(match_), 1, cursor_);
    if (lost_) return BreakOff();
    for (const BreakerView& view : views) Learn(view.name, view);
    return true;
  }

  std::optional<BreakerView> Look(const std::string& name) {
    if (name.empty()) return std::nullopt;
    absl::StatusOr<BreakerView> view = engine_.Get(name);
    if (!view.ok()) return std::nullopt;
    return *std::move(view);
  }

  void Learn(const std::string& name, const std::optional<BreakerView>& view) {
    missed_ += listed_ && !synced_;
    if (!view.has_value()) {
      picture_.erase(name);
    } else if (Known& known = picture_[name]; known <= KnownOf(*view)) {
      known = KnownOf(*view);
    }
  }

  Engine& engine_;
  const std::string match_;
  Picture picture_;
  std::string token_;  // Of the last step that arrived and had one.
  int resumed_ = 0, missed_ = 0;

  // The stream.
  std::shared_ptr<ChangedNames> watch_;
  Slot cursor_ = 0;
  bool listed_ = false, synced_ = false, lost_ = false;
};

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_SERVER_ENGINE_FOLLOWER_H_
