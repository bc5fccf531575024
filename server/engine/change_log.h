#ifndef FUSEBOX_SERVER_ENGINE_CHANGE_LOG_H_
#define FUSEBOX_SERVER_ENGINE_CHANGE_LOG_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/container/btree_map.h"
#include "absl/container/node_hash_map.h"
#include "absl/strings/string_view.h"
#include "core/glob.h"

namespace fusebox {

// The names that changed, in the order of their last change.
//
//   log.Add("a");  // 1
//   log.Add("b");  // 2
//   log.Add("a");  // 3: "a" moves behind "b".
//   log.Next(0, log.last(), Glob::All(), 10)  // {2, "b"}
//   log.Next(2, log.last(), Glob::All(), 10)  // {3, "a"}
//
// A name is kept once, however often it changes, so memory is spent on names and not on changes. A
// name too many pushes out the one that has not changed for longest. Not thread-safe.
class ChangeLog {
 public:
  // How far a reader has come, and the name that it found there; null without one.
  struct Place {
    uint64_t number = 0;
    const std::string* name = nullptr;  // Valid until the log changes.
  };

  // Keeps up to `capacity` names, at least 1.
  explicit ChangeLog(size_t capacity) : capacity_(capacity) {}

  // Changes are numbered from 1 on.
  void Add(absl::string_view name);

  // More changed than can be told: nobody who read so far can read on.
  void Lose();

  // The number of the last change; 0 before the first.
  uint64_t last() const { return last_; }

  // Whether every name is kept whose last change came after this one. If so, who has read up to
  // here can read on.
  bool HoldsAllAfter(uint64_t number) const { return number >= lost_; }

  // The first name that matches, among those whose last change came after number `after` and not
  // after `to`. Looks at no more than `looks` names; if none of them matches, the place is where
  // the next look begins. It reaches `to`, or last() if that is less, when there are no more.
  Place Next(uint64_t after, uint64_t to, const Glob& match, size_t looks) const;

 private:
  const size_t capacity_;
  uint64_t last_ = 0;
  uint64_t lost_ = 0;  // Of the names that were pushed out, the greatest number.
  absl::node_hash_map<std::string, uint64_t> numbers_;
  absl::btree_map<uint64_t, const std::string*> names_;  // Those of `numbers_`, by number.
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_ENGINE_CHANGE_LOG_H_
