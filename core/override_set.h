#ifndef FUSEBOX_CORE_OVERRIDE_SET_H_
#define FUSEBOX_CORE_OVERRIDE_SET_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/glob.h"
#include "core/override.h"
#include "core/tick.h"

namespace fusebox {

// All overrides of a server; says which one is imposed on a breaker: that of its name, else the
// newest whose glob matches it. Immutable, so safe to share.
//
//   ASSIGN_OR_RETURN(auto set, OverrideSet().With({.match = "db/*", ...}));
//   set->Match("db/orders")->mode
class OverrideSet {
 public:
  using Shared = std::shared_ptr<const Override>;

  // With a further one, which replaces that of the same `match` and is the newest. Sets `by_name`.
  // The error is INVALID_ARGUMENT with reason GLOB_INVALID.
  absl::StatusOr<std::shared_ptr<const OverrideSet>> With(Override override) const;

  // Without that of `match`, if there is one.
  std::shared_ptr<const OverrideSet> Without(absl::string_view match) const;

  // Null if nothing is imposed.
  Shared Match(absl::string_view breaker) const;

  // That of exactly this `match`; null if there is none.
  Shared Find(absl::string_view match) const;

  // All, the newest first.
  const std::vector<Shared>& all() const { return all_; }
  // When the first of them expires; Tick::Max() if none does.
  Tick NextExpiry() const;

 private:
  struct Rule {
    Glob glob;
    Shared override;
  };

  std::vector<Shared> all_;
  absl::flat_hash_map<std::string, Shared> by_name_;
  std::vector<Rule> rules_;  // Those of globs, the newest first.
};

}  // namespace fusebox

#endif  // FUSEBOX_CORE_OVERRIDE_SET_H_
