#ifndef FUSEBOX_CORE_OVERRIDE_SET_H_
#define FUSEBOX_CORE_OVERRIDE_SET_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/glob_index.h"
#include "core/override.h"
#include "core/tick.h"

namespace fusebox {

// All overrides of a server; says which one is imposed on a breaker: that of its name, else the
// newest whose glob matches it. Immutable, so safe to share.
//
//   ASSIGN_OR_RETURN(auto set, OverrideSet().With({.match = "db/*", ...}));
//   set->Match("db/orders")->mode
//
// One that changes one override takes as long as there are overrides; many are made by Make() and
// ended by WithoutExpired() at once.
class OverrideSet {
 public:
  using Shared = std::shared_ptr<const Override>;

  // A set of these, by their `order`; those of the same are in the order given, the newest last. Of
  // two with the same `match` the newer stays. Sets `by_name`, and raises `order` where it is not
  // above that of the one before. The error is With()'s.
  static absl::StatusOr<std::shared_ptr<const OverrideSet>> Make(std::vector<Override> newest_last);

  // With a further one, which replaces that of the same `match` and is the newest. Sets `by_name`
  // and `order`. The error is INVALID_ARGUMENT with reason GLOB_INVALID.
  absl::StatusOr<std::shared_ptr<const OverrideSet>> With(Override override) const;

  // Without that of `match`, if there is one.
  std::shared_ptr<const OverrideSet> Without(absl::string_view match) const;

  // Without those that expire by `now`.
  struct Expiry;
  Expiry WithoutExpired(Tick now) const;

  // Null if nothing is imposed.
  Shared Match(absl::string_view breaker) const;

  // That of exactly this `match`; null if there is none.
  Shared Find(absl::string_view match) const;

  // All, the newest first.
  const std::vector<Shared>& all() const { return all_; }
  // When the first of them expires; Tick::Max() if none does.
  Tick NextExpiry() const { return next_expiry_; }

 private:
  static std::shared_ptr<const OverrideSet> Of(std::vector<Shared> newest_first);
  void Erase(absl::string_view match);
  void NoteExpiry();

  std::vector<Shared> all_;
  absl::flat_hash_map<absl::string_view, Shared> by_match_;  // Keys are the overrides' own.
  GlobIndex globs_;                                          // By `order`.
  Tick next_expiry_ = Tick::Max();
};

// What is left, and what has expired, the newest first.
struct OverrideSet::Expiry {
  std::shared_ptr<const OverrideSet> left;
  std::vector<Shared> expired;
};

}  // namespace fusebox

#endif  // FUSEBOX_CORE_OVERRIDE_SET_H_
