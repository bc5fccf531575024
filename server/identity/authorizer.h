#ifndef FUSEBOX_SERVER_IDENTITY_AUTHORIZER_H_
#define FUSEBOX_SERVER_IDENTITY_AUTHORIZER_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/identity/credentials.h"
#include "server/identity/identities.h"
#include "server/identity/identity.h"
#include "server/sync/mutex.h"

namespace fusebox {

// Which breakers a call is about. Refers to the texts that it was made of.
class Scope {
 public:
  // This one, whether it exists or not.
  static Scope Name(absl::string_view breaker) { return {Kind::kName, {breaker}}; }
  // All that a name or a glob matches, or each of several.
  static Scope Match(absl::string_view glob) { return {Kind::kMatch, {glob}}; }
  template <typename Globs>
  static Scope MatchAll(const Globs& globs) {
    return {Kind::kMatch, {globs.begin(), globs.end()}};
  }
  // All.
  static Scope All() { return {Kind::kMatch, {"**"}}; }
  // Whichever the caller may; the handler asks the Caller about each.
  static Scope Some() { return {Kind::kSome, {}}; }

  bool IsGrantedTo(const Identity& identity, Role role) const;
  // For errors: `"db/orders"`.
  std::string Describe() const;

 private:
  enum class Kind { kName, kMatch, kSome };

  Scope(Kind kind, std::vector<absl::string_view> texts) : kind_(kind), texts_(std::move(texts)) {}

  Kind kind_;
  std::vector<absl::string_view> texts_;
};

// Who makes a call that was let through, and what else they may do. A value.
class Caller {
 public:
  // Somebody unknown, who may do everything: where nobody is asked who they are.
  Caller() = default;
  explicit Caller(std::shared_ptr<const Identity> identity)
      : identity_(std::move(identity)), name_(identity_->name()) {}
  // Somebody who may do everything.
  explicit Caller(std::string name) : name_(std::move(name)) {}

  // How the history calls them; empty for somebody unknown.
  const std::string& name() const { return name_; }
  // Who did it: what the server knows goes before what the request claims.
  const std::string& ActorOr(const std::string& claimed) const {
    return name_.empty() ? claimed : name_;
  }

  // With one breaker; with all or with some that a glob matches.
  bool May(Role role, absl::string_view breaker) const {
    return identity_ == nullptr || identity_->May(role, breaker);
  }
  bool MayAll(Role role, const Glob& glob) const {
    return identity_ == nullptr || identity_->MayAll(role, glob);
  }
  bool MaySome(Role role, const Glob& glob) const {
    return identity_ == nullptr || identity_->MaySome(role, glob);
  }
  // Tells callers apart who may do different things, while this process lives; empty for who may do
  // everything.
  std::string fingerprint() const;

  // The error for who may not.
  absl::Status Check(Role role, const Scope& scope, absl::string_view method) const;

 private:
  friend class Authorizer;

  std::shared_ptr<const Identity> identity_;  // Null: may do everything.
  std::string name_;
};

// Decides whether a call may be made: each handler asks, before it does anything else.
//
//   grpc::ServerUnaryReactor* AdminService::ResetBreaker(context, request, response) {
//     const absl::StatusOr<Caller> caller =
//         authorizer_.Check(*context, Role::kOperator, Scope::Name(request->name()));
//     if (!caller.ok()) return Finish(context, caller.status());
//     ... engine_.Reset(request->name(), caller->ActorOr(request->actor())) ...
//
// A bearer token goes before a client certificate; of the certificate's names, URIs go before DNS
// names, and the first that is known counts. Until there are identities everybody may do
// everything, which costs one branch; with them a call costs about a microsecond more. Thread-safe.
//
// Errors: UNAUTHENTICATED with reason CREDENTIALS_MISSING, TOKEN_INVALID (the header is not
// "Bearer" and one token), TOKEN_UNKNOWN, CERTIFICATE_UNKNOWN or CERTIFICATE_EXPIRED;
// PERMISSION_DENIED with reason PERMISSION_DENIED. None of them depends on what exists.
class Authorizer {
 public:
  // `wall_now` tells whether a certificate has expired that TLS has not looked at now; without it
  // none has.
  explicit Authorizer(std::function<absl::Time()> wall_now = nullptr)
      : wall_now_(std::move(wall_now)) {}
  Authorizer(const Authorizer&) = delete;
  Authorizer& operator=(const Authorizer&) = delete;

  // Lets everybody do everything; for services without identities.
  static const Authorizer& Open();

  // From now on these may call, and nobody else.
  void SetIdentities(Identities identities);

  // From now on callers are named by their certificates also without identities.
  void NameByCertificate() { asks_ = true; }

  // Who makes the call. `method` is its name, and by itself that of the function that asks.
  absl::StatusOr<Caller> Check(const grpc::CallbackServerContext& context, Role role,
                               const Scope& scope,
                               absl::string_view method = __builtin_FUNCTION()) const {
    if (!asks_.load(std::memory_order_relaxed)) return Caller();
    return Check(ReadCredentials(context), role, scope, method);
  }
  absl::StatusOr<Caller> Check(const Credentials& credentials, Role role, const Scope& scope,
                               absl::string_view method) const;

  // Whether the caller is still known, by the same credentials and with the same grants. Streams
  // ask, which outlive what they were granted with.
  bool IsCurrent(const Caller& caller) const;

 private:
  std::shared_ptr<const Identities> Current() const;
  absl::Status CheckExpiry(const Credentials& credentials, absl::string_view method) const;

  const std::function<absl::Time()> wall_now_;
  std::atomic<bool> asks_{false};
  mutable Mutex mutex_;
  std::shared_ptr<const Identities> identities_ ABSL_GUARDED_BY(mutex_);  // Null: none.
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_IDENTITY_AUTHORIZER_H_
