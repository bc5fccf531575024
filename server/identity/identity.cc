#include "server/identity/identity.h"

#include <algorithm>

namespace fusebox {
namespace {

// Whether some grant of the role has a glob for which `fits` holds.
template <typename Fits>
bool AnyGlob(const std::vector<Grant>& grants, Role role, const Fits& fits) {
  return std::any_of(grants.begin(), grants.end(), [&](const Grant& grant) {
    return (grant.role == role || grant.role == Role::kOperator) &&
           std::any_of(grant.match.begin(), grant.match.end(), fits);
  });
}

}  // namespace

absl::string_view RoleName(Role role) {
  switch (role) {
    case Role::kCaller:
      return "CALLER";
    case Role::kReader:
      return "READER";
    case Role::kOperator:
      return "OPERATOR";
  }
  return "";
}

bool Identity::May(Role role, absl::string_view breaker) const {
  return AnyGlob(grants_, role, [&](const Glob& granted) { return granted.Matches(breaker); });
}

bool Identity::MayAll(Role role, const Glob& glob) const {
  return AnyGlob(grants_, role, [&](const Glob& granted) { return granted.Covers(glob); });
}

bool Identity::MaySome(Role role, const Glob& glob) const {
  return AnyGlob(grants_, role, [&](const Glob& granted) { return granted.Overlaps(glob); });
}

}  // namespace fusebox
