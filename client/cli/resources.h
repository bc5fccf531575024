// Policies and retry budgets: what can be made, changed and removed by name.
//
// Both have the same RPCs with messages of their own; Resource<M> makes them look the same, so that
// `apply`, `diff`, `edit`, `policy` and `budget` are written once.
//
//   v1::Policy policy;
//   grpc::Status status = Resource<v1::Policy>::Get(cli.server, "payments", &policy);
#ifndef FUSEBOX_CLIENT_CLI_RESOURCES_H_
#define FUSEBOX_CLIENT_CLI_RESOURCES_H_

#include <google/protobuf/repeated_ptr_field.h>
#include <grpcpp/grpcpp.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "client/cli/channel.h"
#include "client/cli/documents.pb.h"
#include "fusebox/v1/policy.pb.h"

namespace fusebox::cli {

// How a change is asked for.
struct Change {
  std::string actor;
  bool validate_only = false;
};

// M is v1::Policy or v1::RetryBudget.
template <typename M>
struct Resource;

template <>
struct Resource<v1::Policy> {
  static constexpr absl::string_view kKind = "policy";
  static constexpr absl::string_view kField = "policies";        // Of a Manifest.
  static constexpr absl::string_view kRequestField = "policy.";  // Where requests have it.

  static google::protobuf::RepeatedPtrField<v1::Policy>& In(Manifest& manifest) {
    return *manifest.mutable_policies();
  }

  static grpc::Status Get(Connection& server, const std::string& name, v1::Policy* policy);
  // Adds all that there are, by name.
  static grpc::Status List(Connection& server, Manifest* manifest);
  static grpc::Status Create(Connection& server, const v1::Policy& policy, const Change& change,
                             v1::Policy* result);
  static grpc::Status Update(Connection& server, const v1::Policy& policy, const Change& change,
                             v1::Policy* result);
  static grpc::Status Delete(Connection& server, const std::string& name, const Change& change);

  // Takes out what is the server's to say, which leaves what a file would say.
  static void Strip(v1::Policy& policy) { policy.clear_info(); }
};

template <>
struct Resource<v1::RetryBudget> {
  static constexpr absl::string_view kKind = "budget";
  static constexpr absl::string_view kField = "retry_budgets";
  static constexpr absl::string_view kRequestField = "retry_budget.";

  static google::protobuf::RepeatedPtrField<v1::RetryBudget>& In(Manifest& manifest) {
    return *manifest.mutable_retry_budgets();
  }

  static grpc::Status Get(Connection& server, const std::string& name, v1::RetryBudget* budget);
  static grpc::Status List(Connection& server, Manifest* manifest);
  static grpc::Status Create(Connection& server, const v1::RetryBudget& budget,
                             const Change& change, v1::RetryBudget* result);
  static grpc::Status Update(Connection& server, const v1::RetryBudget& budget,
                             const Change& change, v1::RetryBudget* result);
  static grpc::Status Delete(Connection& server, const std::string& name, const Change& change);

  static void Strip(v1::RetryBudget& budget) {
    budget.clear_info();
    budget.clear_status();
  }
};

// Whether what Get() returned leaves it open that there is none: to who may not see all, a server
// says PERMISSION_DENIED of what is not there as of what is somebody else's.
inline bool MayBeAbsent(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::NOT_FOUND ||
         status.error_code() == grpc::StatusCode::PERMISSION_DENIED;
}

// "policy/payments".
template <typename M>
std::string FullName(const std::string& name) {
  return absl::StrCat(Resource<M>::kKind, "/", name);
}

// "payments" of "payments" and of "policy/payments".
template <typename M>
std::string ShortName(absl::string_view name) {
  absl::ConsumePrefix(&name, absl::StrCat(Resource<M>::kKind, "/"));
  return std::string(name);
}

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_RESOURCES_H_
