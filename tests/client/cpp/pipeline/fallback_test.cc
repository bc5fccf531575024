#include "fusebox/fallback.h"

#include <memory>
#include <string>

#include "pipeline_fixture.h"

namespace fusebox {
namespace {

using ::testing::HasSubstr;

class FallbackTest : public PipelineTest {
 protected:
  using Chain = FallbackChain<std::string>;
  using Answer = absl::StatusOr<std::string>;

  static Chain::Function Answers(Answer answer) {
    return [answer = std::move(answer)](const std::string&, const CallContext&) { return answer; };
  }

  const Pipeline bare_{{}, time_};
  const std::shared_ptr<LastGood<std::string>> cache_ =
      std::make_shared<LastGood<std::string>>(2, absl::Minutes(1), time_);
  const std::shared_ptr<Backlog> backlog_ = std::make_shared<Backlog>(1);
};

TEST_F(FallbackTest, TheFirstThatAnswersIsTaken) {
  Chain chain(time_);
  chain.Then("primary", bare_, Answers(absl::UnavailableError("down")))
      .Then("replica", bare_, Answers("r"))
      .Then("other", bare_, Answers("o"));
  const auto answer = chain.Call("key", {});
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->value, "r");
  EXPECT_EQ(answer->provider, "replica");
}

TEST_F(FallbackTest, EachHasAttemptsOfItsOwn) {
  int primary = 0, replica = 0;
  const Pipeline twice({Retry({.max_attempts = 2})}, time_);
  const Pipeline thrice({Retry({.max_attempts = 3})}, time_);
  const auto failing = [](int& calls) {
    return [&calls](const std::string&, const CallContext&) -> Answer {
      ++calls;
      return absl::UnavailableError("down");
    };
  };
  Chain chain(time_);
  chain.Then("primary", twice, failing(primary)).Then("replica", thrice, failing(replica));
  const absl::Status status = chain.Call("key", {.idempotent = true}).status();
  EXPECT_EQ(primary, 2);
  EXPECT_EQ(replica, 3);
  EXPECT_EQ(AttemptsOf(status), 2u);
  EXPECT_THAT(std::string(status.message()), HasSubstr("; then replica: 3 attempts failed"));
}

TEST_F(FallbackTest, ACallThatIsWrongIsWrongEverywhere) {
  Chain chain(time_);
  chain.Then("primary", bare_, Answers(absl::NotFoundError("no such")))
      .Then("replica", bare_, Answers("r"));
  EXPECT_EQ(chain.Call("key", {}).status(), absl::NotFoundError("no such"));
}

TEST_F(FallbackTest, TheLastGoodAnswerIsGivenWhileItIsYoung) {
  Answer primary = "fresh";
  Chain chain(time_);
  chain.Then("primary", bare_, [&](const std::string&, const CallContext&) { return primary; })
      .ThenCached("cache", cache_);
  EXPECT_EQ(chain.Call("key", {})->provider, "primary");
  primary = absl::UnavailableError("down");
  time_.Pass(absl::Seconds(59));
  EXPECT_EQ(chain.Call("key", {})->value, "fresh");
  EXPECT_EQ(chain.Call("key", {})->provider, "cache");
  EXPECT_FALSE(chain.Call("another", {}).ok());
  time_.Pass(absl::Seconds(1));  // That it was given meanwhile makes it no younger.
  EXPECT_FALSE(chain.Call("key", {}).ok());
}

TEST_F(FallbackTest, WhatAProviderBehindACacheAnswersIsNotCached) {
  Chain chain(time_);
  chain.Then("primary", bare_, Answers(absl::UnavailableError("down")))
      .ThenCached("cache", cache_)
      .Then("default", bare_, Answers("d"));
  for (int i = 0; i < 2; ++i) EXPECT_EQ(chain.Call("key", {})->provider, "default");
}

TEST_F(FallbackTest, ProvidersAreToldTheKey) {
  Chain chain(time_);
  chain.Then("echo", bare_,
             [](const std::string& key, const CallContext&) -> Answer { return key; });
  EXPECT_EQ(chain.Call("a", {})->value, "a");
}

TEST_F(FallbackTest, TheCacheIsBounded) {
  for (const char* key : {"a", "b"}) cache_->Put(key, key);
  EXPECT_EQ(cache_->Get("a"), "a");
  cache_->Put("c", "c");
  EXPECT_EQ(cache_->Get("b"), std::nullopt);
  EXPECT_EQ(cache_->Get("a"), "a");
  EXPECT_EQ(cache_->Get("c"), "c");
}

TEST_F(FallbackTest, ACallMayBePutOff) {
  bool is_down = true;
  std::vector<std::string> keys;
  const auto send = [&](const std::string& key, const CallContext& context) {
    EXPECT_EQ(key, "key");
    keys.push_back(context.idempotency_key);
    return is_down ? absl::UnavailableError("down") : absl::OkStatus();
  };
  Chain chain(time_);
  chain
      .Then("primary", bare_,
            [&](const std::string& key, const CallContext& context) -> Answer {
              if (const absl::Status status = send(key, context); !status.ok()) return status;
              return "sent";
            })
      .ThenLater("later", backlog_, send, "accepted");
  EXPECT_THAT(std::string(chain.Call("key", {}).status().message()), HasSubstr("not idempotent"));
  keys.clear();
  EXPECT_EQ(chain.Call("key", {.idempotent = true})->value, "accepted");
  EXPECT_THAT(std::string(chain.Call("key", {.idempotent = true}).status().message()),
              HasSubstr("backlog is full"));
  EXPECT_FALSE(backlog_->Drain(bare_).ok());
  EXPECT_EQ(backlog_->size(), 1u);
  is_down = false;
  EXPECT_EQ(backlog_->Drain(bare_), absl::OkStatus());
  EXPECT_EQ(backlog_->size(), 0u);
  EXPECT_EQ(keys.front(), keys.back());  // One call, however often it is tried.
}

TEST_F(FallbackTest, AllShareTheDeadline) {
  Chain chain(time_);
  absl::Duration left;
  chain
      .Then("primary", bare_,
            [this](const std::string&, const CallContext&) -> Answer {
              time_.Pass(absl::Seconds(2));
              return absl::UnavailableError("down");
            })
      .Then("replica", bare_, [&left](const std::string&, const CallContext& context) -> Answer {
        left = context.TimeLeft();
        return "r";
      });
  EXPECT_EQ(chain.Call("key", {.timeout = absl::Seconds(3)})->provider, "replica");
  EXPECT_EQ(left, absl::Seconds(1));
}

}  // namespace
}  // namespace fusebox
