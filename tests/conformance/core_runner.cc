// Runs the conformance vectors on core. Each scenario is one test; README.md is the format.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "conformance/fleet.h"
#include "conformance/match.h"
#include "core/error.h"
#include "fusebox/v1/admin.pb.h"
#include "fusebox/v1/breaker.pb.h"
#include "fusebox/v1/policy.pb.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace fusebox::conformance {
namespace {

using ::google::protobuf::Message;
using ::nlohmann::json;

absl::Duration ParseDuration(const std::string& text) {
  absl::Duration duration;
  EXPECT_TRUE(absl::ParseDuration(text, &duration)) << text << " is no duration; write \"12.5s\"";
  return duration;
}

template <typename T>
T ToMessage(const json& fields) {
  T message;
  const auto status = google::protobuf::util::JsonStringToMessage(fields.dump(), &message);
  EXPECT_TRUE(status.ok()) << fields << ": " << status.ToString();
  return message;
}

template <typename T>
std::vector<T> ToMessages(const json& list) {
  std::vector<T> messages;
  for (const json& fields : list) messages.push_back(ToMessage<T>(fields));
  return messages;
}

json ToJson(const Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string text;
  EXPECT_TRUE(google::protobuf::util::MessageToJsonString(message, &text, options).ok());
  return json::parse(text);
}

// `fields` without those that speak to the runner and not to the service.
json Without(json fields, const std::vector<std::string>& names) {
  for (const std::string& name : names) fields.erase(name);
  return fields;
}

// Plays one scenario and reports what differs as test failures.
class Player {
 public:
  Player(const json& scenario, Tick start)
      : scenario_(scenario), breaker_(scenario.value("breaker", "")), fleet_(start) {}

  void Play() {
    SetPolicies({{"policies", scenario_.value("policies", json::array())},
                 {"retry_budgets", scenario_.value("retry_budgets", json::array())}});
    Run(scenario_["steps"]);
  }

 private:
  void Run(const json& steps) {
    for (const json& step : steps) {
      if (testing::Test::HasFailure()) return;  // What follows would fail for no new reason.
      SCOPED_TRACE(absl::StrCat("step ", step.dump()));
      if (step.contains("at")) AdvanceTo(ParseDuration(step["at"]));
      const json operation = Without(step, {"at"});
      ASSERT_EQ(operation.size(), 1) << "a step has one operation";
      Do(operation.begin().key(), operation.begin().value());
    }
  }

  void AdvanceTo(absl::Duration at) {
    ASSERT_GE(at, elapsed_) << "steps go forward in time";
    fleet_.Advance(at - elapsed_);
    elapsed_ = at;
  }

  void Do(const std::string& operation, const json& step) {
    static const auto* const kOperations = new std::map<std::string, void (Player::*)(const json&)>{
        {"allow", &Player::Allow},
        {"record", &Player::Record},
        {"call", &Player::Call},
        {"observe", &Player::Observe},
        {"get", &Player::Get},
        {"wait", &Player::Wait},
        {"repeat", &Player::Repeat},
        {"override", &Player::SetOverride},
        {"clear_override", &Player::ClearOverride},
        {"set_policies", &Player::SetPolicies}};
    const auto found = kOperations->find(operation);
    ASSERT_NE(found, kOperations->end()) << "there is no operation " << operation;
    (this->*found->second)(step);
  }

  void Allow(const json& step) {
    const auto request =
        ToMessage<v1::AllowRequest>(WithBreaker(Without(step, {"save", "expect"})));
    const v1::AllowResponse answer = fleet_.Allow(request);
    if (step.contains("save")) permits_[step["save"]] = answer;
    ++answers_[v1::Decision_Name(answer.decision()) == "DECISION_ALLOWED"
                   ? "allowed"
                   : v1::Reason_Name(answer.reason())];
    Check(step, answer.breaker(), ToJson(answer));
  }

  void Record(const json& step) {
    auto request = ToMessage<v1::RecordRequest>(WithBreaker(Without(step, {"permit", "expect"})));
    if (step.contains("permit")) {
      ASSERT_TRUE(permits_.contains(step["permit"])) << "no allow has saved this permit";
      const v1::AllowResponse& answer = permits_[step["permit"]];
      if (!step.contains("breaker")) request.set_breaker(answer.breaker());
      request.set_permit(answer.permit());
    }
    CheckRecord(step, request.breaker(), fleet_.Record(request));
  }

  void Call(const json& step) {
    json allow = {{"save", "the permit of a call"}, {"expect", {{"decision", "DECISION_ALLOWED"}}}};
    const std::vector<std::string> of_both = {"breaker", "client"};
    const std::vector<std::string> of_allow = {"attempt", "previous_outcome", "hedge",
                                               "idempotency_key", "retry_unknown"};
    for (const auto* fields : {&of_both, &of_allow}) {
      for (const std::string& field : *fields) {
        if (step.contains(field)) allow[field] = step[field];
      }
    }
    json record = Without(Without(step, {"times"}), of_allow);
    record["permit"] = allow["save"];
    const int times = step.value("times", 1);
    for (int i = 0; i < times; ++i) {
      Allow(allow);
      Record(i + 1 < times ? Without(record, {"expect"}) : record);
    }
  }

  void Observe(const json& step) {
    auto item = ToMessage<v1::BatchRecordItem>(
        WithBreaker(Without(step, {"client", "epoch_of", "expect"})));
    if (step.contains("epoch_of")) {
      ASSERT_TRUE(permits_.contains(step["epoch_of"])) << "no allow has saved this permit";
      item.set_epoch(permits_[step["epoch_of"]].epoch());
    }
    CheckRecord(step, item.breaker(), fleet_.Record(item, step.value("client", "")));
  }

  void Get(const json& step) {
    const std::string name = step.value("breaker", breaker_);
    Check(step, name, ToJson(fleet_.Get(name)));
  }

  void Wait(const json& step) { AdvanceTo(elapsed_ + ParseDuration(step["for"])); }

  void Repeat(const json& step) {
    answers_.clear();
    for (int i = 0; i < step["times"].get<int>(); ++i) Run(step["steps"]);
    const json expect = step.value("expect", json::object());
    for (const auto& [answer, expected] : expect.items()) {
      EXPECT_EQ(Mismatch({{answer, expected}}, {{answer, answers_[answer]}}), "");
    }
  }

  void SetOverride(const json& step) {
    json fields = {{"mode", step["mode"]}, {"reason", "conformance"}, {"actor", "conformance"}};
    if (step.contains("ttl")) fields["remaining"] = step["ttl"];
    const absl::Status set =
        fleet_.SetOverride(step.value("breaker", breaker_), ToMessage<v1::Override>(fields));
    EXPECT_TRUE(set.ok()) << set;
  }

  void ClearOverride(const json& step) { fleet_.ClearOverride(step.value("breaker", breaker_)); }

  void SetPolicies(const json& step) {
    const absl::Status set =
        fleet_.SetPolicies(ToMessages<v1::Policy>(step["policies"]),
                           ToMessages<v1::RetryBudget>(step.value("retry_budgets", json::array())));
    const json error = {{"reason", ErrorReason(set)}, {"field", ErrorField(set)}};
    const json expected = step.value("expect", json::object());
    EXPECT_EQ(set.ok(), !expected.contains("error")) << set;
    EXPECT_EQ(Mismatch(expected.value("error", json::object()), error), "") << set;
  }

  json WithBreaker(json fields) const {
    if (!fields.contains("breaker")) fields["breaker"] = breaker_;
    return fields;
  }

  void CheckRecord(const json& step, const std::string& breaker,
                   const absl::StatusOr<v1::RecordResponse>& answer) {
    ASSERT_TRUE(answer.ok()) << answer.status();
    Check(step, breaker, ToJson(*answer));
  }

  void Check(const json& step, const std::string& breaker, const json& answer) {
    const json expected = step.value("expect", json::object());
    EXPECT_EQ(Mismatch(Without(expected, {"epoch", "revision"}), answer), "") << answer.dump(2);
    for (const char* counter : {"epoch", "revision"}) {
      if (answer.contains(counter)) CheckCounter(counter, breaker, expected, answer);
    }
  }

  // `epoch` and `revision` are compared with the last answer for the same breaker.
  void CheckCounter(const std::string& counter, const std::string& breaker, const json& expected,
                    const json& answer) {
    const uint64_t now = std::stoull(answer[counter].get<std::string>());
    const auto [last, first] = counters_.try_emplace(absl::StrCat(counter, " of ", breaker), now);
    const std::string change = expected.value(counter, "");
    EXPECT_TRUE(change.empty() || !first) << counter << " has no earlier answer to compare with";
    EXPECT_TRUE(change != "same" || now == last->second) << counter << " is " << now;
    EXPECT_TRUE(change != "newer" || now > last->second) << counter << " is " << now;
    EXPECT_TRUE(counter != "epoch" || now >= last->second) << "an epoch only grows";
    last->second = now;
  }

  const json& scenario_;
  const std::string breaker_;
  Fleet fleet_;
  absl::Duration elapsed_;
  std::map<std::string, v1::AllowResponse> permits_;  // As `save` named them.
  std::map<std::string, uint64_t> counters_;
  std::map<std::string, int> answers_;  // To allow, since the innermost repeat began.
};

struct Vector {
  std::string file;
  json scenario;
};

void PrintTo(const Vector& vector, std::ostream* out) {
  *out << vector.file << ": " << vector.scenario["name"];
}

std::vector<Vector> LoadVectors() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(FUSEBOX_CONFORMANCE_VECTORS)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<Vector> vectors;
  for (const auto& file : files) {
    for (const json& scenario : json::parse(std::ifstream(file))) {
      vectors.push_back({file.stem(), scenario});
    }
  }
  return vectors;
}

// "trip_slow/ACallWithoutLatencyIsNeverSlow": a test's name may hold no spaces.
std::string TestName(const testing::TestParamInfo<Vector>& info) {
  std::string name = info.param.file + "_";
  bool start = true;
  for (const char c : info.param.scenario["name"].get<std::string>()) {
    if (absl::ascii_isalnum(c)) name += start ? absl::ascii_toupper(c) : c;
    start = !absl::ascii_isalnum(c);
  }
  return name;
}

class ConformanceTest : public testing::TestWithParam<Vector> {};

TEST_P(ConformanceTest, HoldsOnCore) { Player(GetParam().scenario, Tick()).Play(); }

// Where the buckets of windows and budgets begin is nobody's business.
TEST_P(ConformanceTest, HoldsOnCoreWheneverTimeBegan) {
  Player(GetParam().scenario, Tick::FromNanos(98'765'432'109'876)).Play();
}

INSTANTIATE_TEST_SUITE_P(Vectors, ConformanceTest, testing::ValuesIn(LoadVectors()), TestName);

}  // namespace
}  // namespace fusebox::conformance
