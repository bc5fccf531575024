#ifndef FUSEBOX_SERVER_IDENTITY_IDENTITIES_H_
#define FUSEBOX_SERVER_IDENTITY_IDENTITIES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/hash/hash.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/identity/identity.h"

namespace fusebox {

// Everybody who may call, found by what they show. See identities.proto for the file.
//
//   absl::StatusOr<Identities> identities = Identities::Parse("identities.yaml", text);
//   // identities.yaml:7: identities[1].token_sha256[0] is "s3cret"; write the SHA-256 ...
//   std::shared_ptr<const Identity> ci = identities->FindByToken(token);
//
// Tokens are not kept, only their SHA-256: they are long and random, so that says nothing of them.
// Immutable, so safe to share between threads.
class Identities {
 public:
  // `file` names the text in errors. INVALID_ARGUMENT: there is a line for each problem, which
  // names the line of the file, the value and the remedy.
  static absl::StatusOr<Identities> Parse(absl::string_view file, absl::string_view text);

  // Null if there is none. How long it takes says nothing of the tokens that would be found.
  std::shared_ptr<const Identity> FindByToken(absl::string_view token) const;
  std::shared_ptr<const Identity> FindByUri(absl::string_view san) const;
  std::shared_ptr<const Identity> FindByDns(absl::string_view san) const;

  // Whether it is among them with the same tokens, names and grants.
  bool Has(const Identity& identity) const;

  size_t size() const { return by_name_.size(); }

 private:
  friend class IdentitiesReader;

  static constexpr size_t kDigestSize = 32;
  using Digest = std::array<uint8_t, kDigestSize>;
  using Found = std::shared_ptr<const Identity>;
  struct DigestEq {  // In constant time.
    bool operator()(const Digest& a, const Digest& b) const;
  };

  absl::flat_hash_map<std::string, Found> by_name_;
  absl::flat_hash_map<Digest, Found, absl::Hash<Digest>, DigestEq> by_token_;
  absl::flat_hash_map<std::string, Found> by_uri_;
  absl::flat_hash_map<std::string, Found> by_dns_;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_IDENTITY_IDENTITIES_H_
