// The order in which what operators say becomes true.
#include "server/control/control.h"

#include "server/control/control_fixture.h"

namespace fusebox {
namespace {

class ControlOrderTest : public ControlTest {
 protected:
  v1::OverrideBreakerRequest Force(absl::string_view match) {
    v1::OverrideBreakerRequest request;
    request.set_match(std::string(match));
    request.set_mode(v1::OVERRIDE_MODE_FORCED_OPEN);
    request.set_reason("maintenance");
    return request;
  }
  absl::Status Impose(const v1::OverrideBreakerRequest& request) {
    return Make([&](Draft& draft) {
      return ImposeOverride(request, Ada(), control_.limits(), draft).status();
    });
  }
  absl::Status Lift(absl::string_view match) {
    v1::ClearOverrideRequest request;
    request.set_match(std::string(match));
    return Make([&](Draft& draft) { return LiftOverride(request, Ada(), draft).status(); });
  }
  bool IsRefused(absl::string_view breaker) {
    return engine_.Allow(breaker, {}, "")->decision.reason == Reason::kForcedOpen;
  }
};

// Acknowledged means kept; what was not kept never was.
TEST_F(ControlOrderTest, WhatCannotBeKeptIsNotMade) {
  kept_ = absl::UnavailableError("the disk is full");
  EXPECT_EQ(Create(PolicyFor("database", "db/*")).status(), kept_);
  EXPECT_EQ(Impose(Force("db/*")), kept_);
  EXPECT_EQ(PolicyOf("db/orders"), "default");
  EXPECT_FALSE(IsRefused("db/orders"));
  EXPECT_EQ(control_.book()->policies.size(), 1u);
}

TEST_F(ControlOrderTest, NothingDurableIsTriedWithoutAStore) {
  bool tried = false;
  const absl::Status status = Make(
      [&](Draft&) {
        tried = true;
        return absl::OkStatus();
      },
      absl::UnavailableError("the disk is full"));
  ExpectError(status, absl::StatusCode::kUnavailable, "NOT_DURABLE", {"the disk is full"});
  EXPECT_FALSE(tried);
}

TEST_F(ControlOrderTest, ATrialSaysWhatWouldHappenAndChangesNothing) {
  const auto create = [&](Draft& draft) {
    return CreatePolicy(PolicyFor("database", "db/*"), Ada(), control_.limits(), draft).status();
  };
  EXPECT_TRUE(Make(create, absl::OkStatus(), Control::Kind::kTrial).ok());
  EXPECT_TRUE(rows_.empty());
  EXPECT_EQ(control_.book()->policies.size(), 1u);
  ASSERT_TRUE(Make(create).ok());
  ExpectError(Make(create, absl::OkStatus(), Control::Kind::kTrial),
              absl::StatusCode::kAlreadyExists, "POLICY_NAME_TAKEN");
}

// They are kept together, and each sees those before it.
TEST_F(ControlOrderTest, ChangesOfOneRoundSeeEachOther) {
  std::vector<absl::Status> answers(3);
  const auto submit = [&](int place, std::function<absl::Status(Draft&)> make) {
    control_.Submit({.make = std::move(make),
                     .done = [&answers, place](const absl::Status& s) { answers[place] = s; }});
  };
  const auto create = [&](Draft& draft) {
    return CreatePolicy(PolicyFor("database", "db/*"), Ada(), control_.limits(), draft).status();
  };
  submit(0, create);
  submit(1, create);
  submit(2, [](Draft& draft) { return DeletePolicy("database", "", draft); });
  const Control::Round round = control_.Begin(absl::OkStatus(), clock_.Now());
  EXPECT_EQ(round.rows().all().size(), 2u);
  control_.End(round, absl::OkStatus());
  EXPECT_TRUE(answers[0].ok());
  ExpectError(answers[1], absl::StatusCode::kAlreadyExists, "POLICY_NAME_TAKEN");
  EXPECT_TRUE(answers[2].ok());
  EXPECT_EQ(control_.book()->policies.size(), 1u);
}

// Every caller gets an answer, also while nobody runs rounds.
TEST_F(ControlOrderTest, TooManyWaitingChangesAreRefusedAtOnce) {
  int refused = 0;
  for (int i = 0; i < 60; ++i) {
    control_.Submit({.make = [](Draft&) { return absl::OkStatus(); },
                     .done =
                         [&](const absl::Status& status) {
                           refused += absl::IsResourceExhausted(status);
                           EXPECT_TRUE(status.ok() || ErrorReason(status) == "TOO_MANY_CHANGES");
                         }});
  }
  EXPECT_EQ(refused, 10);
  while (!control_.is_idle()) {
    control_.End(control_.Begin(absl::OkStatus(), clock_.Now()), absl::OkStatus());
  }
}

// What the file says is small, and is not sent again.
TEST_F(ControlOrderTest, AVolatileChangeIsNeverOneTooMany) {
  int answered = 0;
  for (int i = 0; i < 60; ++i) {
    control_.Submit({.make = [](Draft&) { return absl::OkStatus(); },
                     .done =
                         [&](const absl::Status& status) {
                           EXPECT_TRUE(status.ok()) << status;
                           ++answered;
                         },
                     .kind = Control::Kind::kVolatile});
  }
  while (!control_.is_idle()) {
    control_.End(control_.Begin(absl::OkStatus(), clock_.Now()), absl::OkStatus());
  }
  EXPECT_EQ(answered, 60);
}

// Outages wait for a round to end, and must not wait for thousands of changes.
TEST_F(ControlOrderTest, ARoundIsShortHoweverManyChangesWait) {
  size_t made = 0;
  for (int i = 0; i < 50; ++i) {
    control_.Submit({.make =
                         [&](Draft&) {
                           ++made;
                           return absl::OkStatus();
                         },
                     .done = [](const absl::Status&) {}});
  }
  control_.End(control_.Begin(absl::OkStatus(), clock_.Now()), absl::OkStatus());
  EXPECT_EQ(made, 32u);
  EXPECT_FALSE(control_.is_idle());
  control_.End(control_.Begin(absl::OkStatus(), clock_.Now()), absl::OkStatus());
  EXPECT_EQ(made, 50u);
  EXPECT_TRUE(control_.is_idle());
}

TEST_F(ControlOrderTest, AClosedControlTakesNothingAndFinishesWhatItTook) {
  absl::Status first = absl::UnknownError(""), second;
  control_.Submit({.make = [](Draft&) { return absl::OkStatus(); },
                   .done = [&](const absl::Status& status) { first = status; }});
  control_.Close();
  control_.Submit({.make = [](Draft&) { return absl::OkStatus(); },
                   .done = [&](const absl::Status& status) { second = status; }});
  ExpectError(second, absl::StatusCode::kUnavailable, "DRAINING");
  control_.End(control_.Begin(absl::OkStatus(), clock_.Now()), absl::OkStatus());
  EXPECT_TRUE(first.ok());
}

TEST_F(ControlOrderTest, AnOverrideIsKeptThenImposed) {
  ASSERT_TRUE(Impose(Force("db/*")).ok());
  EXPECT_TRUE(IsRefused("db/orders"));
  ASSERT_EQ(rows_.all().size(), 1u);
  const auto kept = DecodeOverride(*rows_.all()[0].value, RecordTime::Now(clock_));
  EXPECT_EQ(kept->match, "db/*");
  EXPECT_EQ(kept->actor, "ada");
  ASSERT_TRUE(Lift("db/*").ok());
  EXPECT_FALSE(IsRefused("db/orders"));
  EXPECT_FALSE(rows_.all()[0].value.has_value());
}

TEST_F(ControlOrderTest, AnExpiredOverrideLeavesTheStore) {
  v1::OverrideBreakerRequest request = Force("db/*");
  request.mutable_ttl()->set_seconds(5);
  ASSERT_TRUE(Impose(request).ok());
  clock_.Advance(absl::Seconds(5));
  const Control::Round round = control_.Begin(absl::OkStatus(), clock_.Now());
  ASSERT_EQ(round.rows().all().size(), 1u);
  EXPECT_FALSE(round.rows().all()[0].value.has_value());
}

TEST_F(ControlOrderTest, OverridesAreChecked) {
  const auto refused = [&](void (*spoil)(v1::OverrideBreakerRequest&), absl::string_view reason) {
    v1::OverrideBreakerRequest request = Force("db/*");
    spoil(request);
    ExpectError(Impose(request), absl::StatusCode::kInvalidArgument, reason);
  };
  refused([](auto& r) { r.set_match("db/**x"); }, "GLOB_INVALID");
  refused([](auto& r) { r.set_match(""); }, "GLOB_INVALID");
  refused([](auto& r) { r.clear_mode(); }, "OVERRIDE_MODE_INVALID");
  refused([](auto& r) { r.clear_reason(); }, "REASON_INVALID");
  refused([](auto& r) { r.set_reason(std::string(501, 'x')); }, "REASON_INVALID");
  refused([](auto& r) { r.set_reason("two\nlines"); }, "REASON_INVALID");
  refused([](auto& r) { r.mutable_ttl()->set_nanos(1); }, "TTL_INVALID");
  refused([](auto& r) { r.mutable_ttl()->set_seconds(8761 * 3600); }, "TTL_INVALID");
  refused([](auto& r) { r.set_drill(true); }, "DRILL_INVALID");
  refused(
      [](auto& r) {
        r.set_drill(true);
        r.mutable_ttl()->set_seconds(5);
        r.set_mode(v1::OVERRIDE_MODE_SHADOW);
      },
      "DRILL_INVALID");
  EXPECT_TRUE(engine_.overrides()->all().empty());
}

TEST_F(ControlOrderTest, NoMoreOverridesThanMayBe) {
  ASSERT_TRUE(Impose(Force("a/*")).ok());
  ASSERT_TRUE(Impose(Force("b/*")).ok());
  ASSERT_TRUE(Impose(Force("b/*")).ok());  // Replaces.
  ExpectError(Impose(Force("c/*")), absl::StatusCode::kResourceExhausted, "TOO_MANY_OVERRIDES",
              {"--max-overrides"});
}

TEST_F(ControlOrderTest, WhatIsNotImposedCannotBeLifted) {
  ExpectError(Lift("db/*"), absl::StatusCode::kNotFound, "OVERRIDE_NOT_FOUND", {"db/*"});
}

}  // namespace
}  // namespace fusebox
