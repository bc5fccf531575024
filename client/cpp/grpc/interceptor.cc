#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/cpp/grpc/outcome_name.h"
#include "client/cpp/grpc/retry_metadata.h"
#include "client/cpp/local/mutex.h"
#include "fusebox/grpc.h"

namespace fusebox {
namespace {

using grpc::experimental::ClientRpcInfo;
using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::InterceptorBatchMethods;

// One call. gRPC calls it for each batch of its operations: for the first before all others.
class CallInterceptor final : public grpc::experimental::Interceptor {
 public:
  explicit CallInterceptor(const Breaker& breaker) : breaker_(breaker) {}

  void Intercept(InterceptorBatchMethods* methods) override {
    // It comes from whoever cancels, at any time.
    if (IsAt(*methods, InterceptionHookPoints::PRE_SEND_CANCEL)) return methods->Proceed();
    // In the first batch. That has the call's metadata, unless they are corked.
    if (!permit_.has_value()) {
      permit_ = breaker_.Allow(AttemptIn(methods->GetSendInitialMetadata()));
      if (!permit_->allowed()) return Refuse(*methods);
    }
    if (refusal_.has_value()) {
      AnswerInstead(*methods);
    } else if (IsAt(*methods, InterceptionHookPoints::POST_RECV_STATUS)) {
      Record(*methods);
    }
    methods->Proceed();
  }

 private:
  using Metadata = std::multimap<std::string, std::string>;

  static bool IsAt(InterceptorBatchMethods& methods, InterceptionHookPoints point) {
    return methods.QueryInterceptionHookPoint(point);
  }

  // As GrpcAttempt says.
  static Attempt AttemptIn(const Metadata* metadata) {
    Attempt attempt;
    if (metadata == nullptr) return attempt;
    const auto number = metadata->find(kAttemptMetadata);
    const bool has_number =
        number != metadata->end() && absl::SimpleAtoi(number->second, &attempt.number);
    attempt.number = has_number ? std::max(attempt.number, 1u) : 1;
    const auto previous = metadata->find(kPreviousOutcomeMetadata);
    if (previous != metadata->end()) attempt.previous = internal::OutcomeNamed(previous->second);
    return attempt;
  }

  // gRPC comes back at once with what the batch would have received.
  void Refuse(InterceptorBatchMethods& methods) {
    refusal_ = ToGrpc(permit_->status());
    methods.Hijack();
  }

  void AnswerInstead(InterceptorBatchMethods& methods) const {
    if (IsAt(methods, InterceptionHookPoints::PRE_SEND_MESSAGE)) methods.FailHijackedSendMessage();
    if (IsAt(methods, InterceptionHookPoints::PRE_RECV_MESSAGE)) methods.FailHijackedRecvMessage();
    if (IsAt(methods, InterceptionHookPoints::PRE_RECV_STATUS)) {
      *methods.GetRecvStatus() = *refusal_;
    }
  }

  void Record(InterceptorBatchMethods& methods) {
    const auto* const metadata = methods.GetRecvTrailingMetadata();
    permit_->Record(FromGrpc(*methods.GetRecvStatus()),
                    metadata == nullptr ? absl::ZeroDuration() : internal::RetryAfterIn(*metadata));
  }

  const Breaker breaker_;
  std::optional<Breaker::Permit> permit_;
  std::optional<grpc::Status> refusal_;
};

class InterceptorFactory final : public grpc::experimental::ClientInterceptorFactoryInterface {
 public:
  InterceptorFactory(Client& client, ChannelOptions options)
      : client_(client), options_(std::move(options)) {}

  grpc::experimental::Interceptor* CreateClientInterceptor(ClientRpcInfo* info) override {
    const std::optional<Breaker> breaker = BreakerOf(absl::StripPrefix(info->method(), "/"));
    return breaker.has_value() ? new CallInterceptor(*breaker) : nullptr;
  }

 private:
  std::optional<Breaker> BreakerOf(absl::string_view method) {
    {
      internal::MutexLock lock(mutex_);
      const auto found = breakers_.find(method);
      if (found != breakers_.end()) return found->second;
    }
    const std::string name = NameOf(method);
    if (name.empty()) return std::nullopt;
    const absl::StatusOr<Breaker> breaker = client_.GetBreaker(name);
    if (!breaker.ok()) return std::nullopt;
    internal::MutexLock lock(mutex_);
    return breakers_.emplace(method, *breaker).first->second;
  }

  std::string NameOf(absl::string_view method) const {
    if (options_.breaker_of) return options_.breaker_of(method);
    if (options_.prefix.empty()) return std::string(method);
    return absl::StrCat(options_.prefix, "/", method);
  }

  Client& client_;
  const ChannelOptions options_;
  internal::Mutex mutex_;
  absl::flat_hash_map<std::string, Breaker> breakers_ ABSL_GUARDED_BY(mutex_);  // By method.
};

}  // namespace

std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface> MakeInterceptorFactory(
    Client& client, ChannelOptions options) {
  return std::make_unique<InterceptorFactory>(client, std::move(options));
}

std::shared_ptr<grpc::Channel> CreateChannel(
    Client& client, const std::string& target,
    const std::shared_ptr<grpc::ChannelCredentials>& credentials, ChannelOptions options,
    const grpc::ChannelArguments& arguments) {
  std::vector<std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>> factories;
  factories.push_back(MakeInterceptorFactory(client, std::move(options)));
  return grpc::experimental::CreateCustomChannelWithInterceptors(target, credentials, arguments,
                                                                 std::move(factories));
}

}  // namespace fusebox
