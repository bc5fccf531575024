#ifndef FUSEBOX_SERVER_CONTROL_BOOK_H_
#define FUSEBOX_SERVER_CONTROL_BOOK_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/override_set.h"
#include "core/policy.h"
#include "fusebox/v1/policy.pb.h"
#include "server/engine/engine.h"
#include "server/records/records.h"
#include "server/store/store.h"

namespace fusebox {

// How much operators may define. Each is a flag of the server.
struct ControlLimits {
  size_t max_policies = 1'000;
  size_t max_retry_budgets = 1'000;
  size_t max_overrides = 10'000;
  size_t max_waiting_changes = 1'000;
};

// Policies or retry budgets by name, each with its `info`.
template <typename Message>
using Resources = std::map<std::string, std::shared_ptr<const Message>, std::less<>>;

// What operators and the file said: the truth that the engine's rules are made of. "default" is
// always among the policies.
struct Book {
  Book();

  Resources<v1::Policy> policies;
  Resources<v1::RetryBudget> retry_budgets;
  std::shared_ptr<const OverrideSet> overrides;
};

// The policy "default" as it is until somebody defines one.
v1::Policy BuiltInDefault();

// What the engine is told of a book.
struct EngineRules {
  std::vector<Policy> policies;
  std::vector<NamedBudget> budgets;
};

// Fails if they do not go together: INVALID_ARGUMENT (reason POLICY_MATCH_TIE,
// RETRY_BUDGET_UNKNOWN). Each by itself must be valid.
absl::StatusOr<EngineRules> MakeRules(const Book& book);

// Who asks for a change, when it is, and in which trace (32 hexadecimal digits, or empty).
struct Author {
  std::string actor;
  RecordTime now;
  std::string trace_id = {};
};

// A book in which changes are being made: what they are to the store and to the engine.
//
//   absl::Status change(Draft& draft);   // Checks first, and changes nothing if it fails.
struct Draft {
  Book book;
  Changes rows;
  bool rules_changed = false;  // Policies or budgets.
  // Done once the rows are durable.
  std::vector<std::function<void(Engine&)>> effects;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_CONTROL_BOOK_H_
