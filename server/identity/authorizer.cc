#include "server/identity/authorizer.h"

#include <algorithm>
#include <cstddef>

#include "absl/hash/hash.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "core/error.h"

namespace fusebox {
namespace {

// Of a certificate's name that becomes an actor's.
constexpr size_t kMaxActorBytes = 256;

absl::Status Unauthenticated(absl::string_view reason, absl::string_view method,
                             absl::string_view what) {
  return MakeError(absl::StatusCode::kUnauthenticated, reason, absl::StrCat(method, ": ", what));
}

// The certificate's: a URI before a DNS name; empty if it has neither.
std::string FirstName(const Credentials& credentials) {
  for (const auto* names : {&credentials.uris, &credentials.dns_names}) {
    if (!names->empty()) return names->front();
  }
  return "";
}

absl::StatusOr<std::shared_ptr<const Identity>> FindByToken(const Identities& identities,
                                                            const Credentials& credentials,
                                                            absl::string_view method) {
  absl::string_view token = credentials.authorization.front();
  const bool is_bearer = credentials.authorization.size() == 1 && token.size() > 7 &&
                         absl::EqualsIgnoreCase(token.substr(0, 7), "Bearer ");
  if (!is_bearer) {
    return Unauthenticated("TOKEN_INVALID", method,
                           "the header \"authorization\" is not \"Bearer\" and one token; send "
                           "\"authorization: Bearer TOKEN\" once");
  }
  token = absl::StripAsciiWhitespace(token.substr(7));
  if (std::shared_ptr<const Identity> found = identities.FindByToken(token)) return found;
  return Unauthenticated("TOKEN_UNKNOWN", method,
                         "the bearer token is no identity's; send one whose SHA-256 is in the "
                         "server's file of identities, or add it there");
}

absl::StatusOr<std::shared_ptr<const Identity>> FindByCertificate(const Identities& identities,
                                                                  const Credentials& credentials,
                                                                  absl::string_view method) {
  for (const std::string& uri : credentials.uris) {
    if (std::shared_ptr<const Identity> found = identities.FindByUri(uri)) return found;
  }
  for (const std::string& name : credentials.dns_names) {
    if (std::shared_ptr<const Identity> found = identities.FindByDns(name)) return found;
  }
  const std::string first = FirstName(credentials);
  if (first.empty()) {
    return Unauthenticated("CERTIFICATE_UNKNOWN", method,
                           "the client certificate has no URI and no DNS name by which its bearer "
                           "could be known; have one issued with a subjectAltName of either kind, "
                           "or send a bearer token");
  }
  return Unauthenticated("CERTIFICATE_UNKNOWN", method,
                         absl::StrCat("the client certificate is for ", QuoteForError(first),
                                      ", which is no identity's; add it as a san to the server's "
                                      "file of identities, or send a bearer token"));
}

absl::StatusOr<std::shared_ptr<const Identity>> Identify(const Identities& identities,
                                                         const Credentials& credentials,
                                                         absl::string_view method) {
  if (!credentials.authorization.empty()) return FindByToken(identities, credentials, method);
  if (credentials.has_certificate) {
    return FindByCertificate(identities, credentials, method);
  }
  return Unauthenticated("CREDENTIALS_MISSING", method,
                         "the call does not say who makes it; send \"authorization: Bearer TOKEN\" "
                         "or show a client certificate, of an identity that the server knows");
}

// Somebody whom TLS has checked and nobody else knows.
Caller NamedByCertificate(const Credentials& credentials) {
  return Caller(FirstName(credentials).substr(0, kMaxActorBytes));
}

}  // namespace

bool Scope::IsGrantedTo(const Identity& identity, Role role) const {
  if (kind_ == Kind::kSome) return identity.MaySome(role, Glob::All());
  return std::all_of(texts_.begin(), texts_.end(), [&](absl::string_view text) {
    if (kind_ == Kind::kName) return identity.May(role, text);
    // What is no glob is refused later, but only to who may do everything.
    const absl::StatusOr<Glob> glob = Glob::Parse(text);
    return identity.MayAll(role, glob.ok() ? *glob : Glob::All());
  });
}

std::string Scope::Describe() const {
  if (kind_ == Kind::kSome) return "at least one breaker";
  return absl::StrJoin(texts_, ", ", [](std::string* out, absl::string_view text) {
    absl::StrAppend(out, QuoteForError(text));
  });
}

absl::Status Caller::Check(Role role, const Scope& scope, absl::string_view method) const {
  if (identity_ == nullptr || scope.IsGrantedTo(*identity_, role)) return absl::OkStatus();
  return MakeError(absl::StatusCode::kPermissionDenied, "PERMISSION_DENIED",
                   absl::StrCat(method, ": ", QuoteForError(name_), " is no ", RoleName(role),
                                " of ", scope.Describe(), "; grant it role ", RoleName(role),
                                " for that in the server's file of identities"));
}

std::string Caller::fingerprint() const {
  if (identity_ == nullptr) return "";
  return absl::StrCat(absl::Hex(absl::Hash<std::string>()(identity_->record()), absl::kZeroPad16));
}

const Authorizer& Authorizer::Open() {
  static const Authorizer* const kOpen = new Authorizer;
  return *kOpen;
}

void Authorizer::SetIdentities(Identities identities) {
  auto next = std::make_shared<const Identities>(std::move(identities));
  {
    MutexLock lock(&mutex_);
    identities_.swap(next);
  }
  asks_ = true;
}

absl::StatusOr<Caller> Authorizer::Check(const Credentials& credentials, Role role,
                                         const Scope& scope, absl::string_view method) const {
  if (absl::Status status = CheckExpiry(credentials, method); !status.ok()) return status;
  const std::shared_ptr<const Identities> identities = Current();
  if (identities == nullptr) return NamedByCertificate(credentials);
  absl::StatusOr<std::shared_ptr<const Identity>> identity =
      Identify(*identities, credentials, method);
  if (!identity.ok()) return identity.status();
  Caller caller(*std::move(identity));
  if (absl::Status status = caller.Check(role, scope, method); !status.ok()) return status;
  return caller;
}

// Whoever shows a token over such a connection would not have got one anew, either.
absl::Status Authorizer::CheckExpiry(const Credentials& credentials,
                                     absl::string_view method) const {
  const absl::Time expires = credentials.expires;
  if (expires == absl::InfiniteFuture() || wall_now_ == nullptr || wall_now_() <= expires) {
    return absl::OkStatus();
  }
  return Unauthenticated(
      "CERTIFICATE_EXPIRED", method,
      absl::StrCat("the client certificate expired at ",
                   absl::FormatTime(expires, absl::UTCTimeZone()),
                   ", and this connection resumed the session of an earlier one; connect anew with "
                   "a new certificate"));
}

bool Authorizer::IsCurrent(const Caller& caller) const {
  if (caller.identity_ == nullptr) return true;
  const std::shared_ptr<const Identities> identities = Current();
  return identities != nullptr && identities->Has(*caller.identity_);
}

std::shared_ptr<const Identities> Authorizer::Current() const {
  MutexLock lock(&mutex_);
  return identities_;
}

}  // namespace fusebox
