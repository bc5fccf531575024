#ifndef FUSEBOX_TESTS_SERVER_CONTROL_CONTROL_FIXTURE_H_
#define FUSEBOX_TESTS_SERVER_CONTROL_CONTROL_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sodium.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/error.h"
#include "server/control/breaker_changes.h"
#include "server/control/control.h"
#include "server/control/policy_changes.h"
#include "server/engine/engine.h"
#include "testing/fake_clock.h"

namespace fusebox {

// A control over an engine, with rounds that a test runs by itself.
//
//   EXPECT_TRUE(Make([&](Draft& draft) { return Create(policy, draft); }).ok());
//   EXPECT_EQ(PolicyOf("db/orders"), "database");
class ControlTest : public ::testing::Test {
 protected:
  ControlTest() { EXPECT_GE(sodium_init(), 0); }

  static v1::Policy PolicyFor(absl::string_view name, absl::string_view match) {
    v1::Policy policy;
    policy.set_name(std::string(name));
    policy.add_match(std::string(match));
    return policy;
  }
  static v1::RetryBudget BudgetOf(absl::string_view name) {
    v1::RetryBudget budget;
    budget.set_name(std::string(name));
    return budget;
  }
  Author Ada() { return {"ada", RecordTime::Now(clock_)}; }

  // One change in a round of its own.
  absl::Status Make(std::function<absl::Status(Draft&)> make,
                    const absl::Status& store = absl::OkStatus(),
                    Control::Kind kind = Control::Kind::kDurable) {
    absl::Status answer = absl::UnknownError("no answer");
    control_.Submit({.make = std::move(make),
                     .done = [&answer](const absl::Status& status) { answer = status; },
                     .kind = kind});
    const Control::Round round = control_.Begin(store, clock_.Now());
    rows_ = round.rows();
    control_.End(round, kept_);
    return answer;
  }
  absl::StatusOr<v1::Policy> Create(const v1::Policy& policy) {
    absl::StatusOr<v1::Policy> made = absl::UnknownError("");
    const absl::Status status = Make([&](Draft& draft) {
      made = CreatePolicy(policy, Ada(), control_.limits(), draft);
      return made.status();
    });
    if (!status.ok()) return status;
    return made;
  }
  absl::StatusOr<v1::Policy> Update(const v1::Policy& policy,
                                    const std::vector<std::string>& mask = {}) {
    google::protobuf::FieldMask fields;
    for (const std::string& path : mask) fields.add_paths(path);
    absl::StatusOr<v1::Policy> made = absl::UnknownError("");
    const absl::Status status = Make([&](Draft& draft) {
      made = UpdatePolicy(policy, fields, Ada(), draft);
      return made.status();
    });
    if (!status.ok()) return status;
    return made;
  }
  absl::Status Delete(absl::string_view name, absl::string_view etag = "") {
    return Make([&](Draft& draft) { return DeletePolicy(name, etag, draft); });
  }
  absl::Status CreateBudget(absl::string_view name) {
    return Make([&](Draft& draft) {
      return CreateRetryBudget(BudgetOf(name), Ada(), control_.limits(), draft).status();
    });
  }

  std::string PolicyOf(absl::string_view breaker) {
    EXPECT_TRUE(engine_.Allow(breaker, {}, "").ok());
    return engine_.Get(breaker)->ruling->policy.name;
  }

  FakeClock clock_;
  Engine engine_{{}, clock_, 1'000};
  Control control_{
      engine_,
      {.max_policies = 4, .max_retry_budgets = 2, .max_overrides = 2, .max_waiting_changes = 50}};
  absl::Status kept_;  // What becomes of the next commit.
  Changes rows_;       // Of the last round.
};

inline void ExpectError(const absl::Status& status, absl::StatusCode code, absl::string_view reason,
                        const std::vector<std::string>& named = {}) {
  EXPECT_EQ(status.code(), code) << status;
  EXPECT_EQ(ErrorReason(status), reason) << status;
  for (const std::string& part : named) {
    EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr(part));
  }
}

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_SERVER_CONTROL_CONTROL_FIXTURE_H_
