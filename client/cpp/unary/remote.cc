#include "client/cpp/unary/remote.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "fusebox/grpc_status.h"
#include "proto/convert/convert.h"

namespace fusebox::internal {
namespace {

// For so long an answer is waited for that would have to go back.
constexpr std::chrono::seconds kLongest(2);

// Soon open, since calls wait for what it is about; and soon tried again, by one call at a time.
Policy AroundServer() {
  Policy policy;
  CircuitBreakerPolicy& breaker = policy.circuit_breaker;
  breaker.open_duration = absl::Milliseconds(500);
  breaker.open_multiplier = Share::FromFraction(2);
  breaker.jitter = Share::FromFraction(0.5);
  breaker.max_open_duration = absl::Seconds(10);
  breaker.max_probes = 1;
  breaker.success_threshold = 1;
  // One breaker more than the server may have says nothing of the others; who is not known, or asks
  // what is none, is not served at all.
  policy.classification.grpc[grpc::StatusCode::RESOURCE_EXHAUSTED] = Outcome::kCallerError;
  policy.classification.grpc[grpc::StatusCode::UNAUTHENTICATED] = Outcome::kFailure;
  policy.classification.grpc[grpc::StatusCode::UNIMPLEMENTED] = Outcome::kFailure;
  return policy;
}

v1::AllowRequest RequestFor(absl::string_view breaker, const Gate::Ask& ask) {
  v1::AllowRequest request;
  request.set_breaker(std::string(breaker));
  request.set_attempt(ask.attempt);
  request.set_hedge(ask.hedge);
  if (ask.previous_failure.has_value()) {
    request.set_previous_outcome(ToProto(*ask.previous_failure));
  }
  return request;
}

// Without one there is no server, or one that speaks another language.
bool HasDecision(const v1::AllowResponse& answer) {
  return v1::Decision_IsValid(answer.decision()) && answer.decision() != v1::DECISION_UNSPECIFIED;
}

}  // namespace

// Whoever comes second, the answer or the end of the caller's patience, has it to themselves.
struct Remote::Question {
  v1::AllowRequest request;
  v1::AllowResponse answer;
  grpc::ClientContext context;

  Mutex mutex;
  std::condition_variable answered;
  std::optional<grpc::Status> status ABSL_GUARDED_BY(mutex);
  bool is_given_up ABSL_GUARDED_BY(mutex) = false;
};

Remote::Remote(v1::BreakerService::Stub& stub, Reporter& reporter,
               const LocalBreaker::Surroundings& surroundings, Settings settings)
    : stub_(stub),
      reporter_(reporter),
      clock_(surroundings.clock),
      settings_(std::move(settings)),
      guard_("fusebox", std::make_shared<const RulingPolicy>(AroundServer()), surroundings) {}

Remote::~Remote() {
  std::unique_lock<std::mutex> lock(mutex_.native());
  [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    for (Question* const question : under_way_) question->context.TryCancel();
  }();
  ended_.wait(lock, [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return under_way_.empty(); });
}

std::optional<v1::AllowResponse> Remote::Ask(absl::string_view breaker, const Gate::Ask& ask) {
  if (guard_.next_deadline() <= Now()) guard_.Advance();
  Breaker::Permit permit = around_.Allow();
  if (!permit.allowed()) return std::nullopt;
  const auto question = std::make_shared<Question>();
  question->request = RequestFor(breaker, ask);
  question->request.set_client(settings_.client);
  Send(question);
  absl::Status status = absl::DeadlineExceededError(
      absl::StrCat("no answer within ", absl::FormatDuration(settings_.timeout)));
  if (Wait(*question)) {
    MutexLock lock(question->mutex);
    status = FromGrpc(*question->status);
  }
  if (status.ok() && !HasDecision(question->answer)) {
    status = absl::UnimplementedError("an answer without a decision");
  }
  permit.Record(status);
  Note(status);
  if (!status.ok()) return std::nullopt;
  return std::move(question->answer);
}

void Remote::Send(const std::shared_ptr<Question>& question) {
  question->context.set_deadline(std::chrono::system_clock::now() + kLongest);
  {
    MutexLock lock(mutex_);
    under_way_.insert(question.get());
  }
  stub_.async()->Allow(&question->context, &question->request, &question->answer,
                       [this, question](const grpc::Status& status) { Take(*question, status); });
}

bool Remote::Wait(Question& question) {
  std::unique_lock<std::mutex> lock(question.mutex.native());
  return [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const bool is_answered = question.answered.wait_for(
        lock, absl::ToChronoNanoseconds(settings_.timeout),
        [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return question.status.has_value(); });
    question.is_given_up = !is_answered;
    return is_answered;
  }();
}

void Remote::Take(Question& question, const grpc::Status& status) {
  bool is_late = false;
  {
    MutexLock lock(question.mutex);
    is_late = question.is_given_up;
    question.status = status;
    question.answered.notify_one();
  }
  if (is_late && status.ok() && !question.answer.permit().empty()) {
    v1::BatchRecordItem item;
    item.set_breaker(question.request.breaker());
    item.set_permit(std::move(*question.answer.mutable_permit()));
    item.set_outcome(v1::OUTCOME_IGNORED);
    reporter_.Add(std::move(item));
  }
  MutexLock lock(mutex_);
  under_way_.erase(&question);
  ended_.notify_all();
}

bool Remote::IsConnected() const { return IsReachable() && last_heard().has_value(); }

absl::Status Remote::error() const {
  MutexLock lock(mutex_);
  return error_;
}

std::optional<Tick> Remote::last_heard() const {
  MutexLock lock(mutex_);
  return last_heard_;
}

void Remote::Note(const absl::Status& status) {
  const bool is_heard = !absl::IsUnavailable(status) && !absl::IsDeadlineExceeded(status);
  const Tick now = Now();
  MutexLock lock(mutex_);
  error_ = status;
  if (is_heard) last_heard_ = now;
}

}  // namespace fusebox::internal
