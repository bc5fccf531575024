#ifndef FUSEBOX_SERVER_IDENTITY_IDENTITY_H_
#define FUSEBOX_SERVER_IDENTITY_IDENTITY_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/glob.h"

namespace fusebox {

// What a call takes. An operator may do what callers and readers may; those two may do nothing of
// each other's.
enum class Role { kCaller, kReader, kOperator };

// As people write it: "CALLER".
absl::string_view RoleName(Role role);

// One role over the names that any of the globs matches.
struct Grant {
  Role role;
  std::vector<Glob> match;
};

// Somebody known, and what they may do. Immutable, so safe to share between threads.
class Identity {
 public:
  // `record` is all that is known of it, in any form in which equals are equal.
  Identity(std::string name, std::vector<Grant> grants, std::string record = "")
      : name_(std::move(name)), grants_(std::move(grants)), record_(std::move(record)) {}

  const std::string& name() const { return name_; }
  const std::string& record() const { return record_; }

  // With this one breaker, whether it exists or not.
  bool May(Role role, absl::string_view breaker) const;

  // With every breaker that the glob matches. They must all be matched by one glob of one grant:
  // "a/*" and "b/*" do not add up to "*/*".
  bool MayAll(Role role, const Glob& glob) const;

  // With some breaker that the glob may match.
  bool MaySome(Role role, const Glob& glob) const;

 private:
  std::string name_;
  std::vector<Grant> grants_;
  std::string record_;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_IDENTITY_IDENTITY_H_
