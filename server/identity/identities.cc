#include "server/identity/identities.h"

#include <sodium.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/error.h"
#include "proto/yaml/source_map.h"
#include "proto/yaml/yaml.h"
#include "server/identity/identities.pb.h"

namespace fusebox {
namespace {

constexpr size_t kMaxNameBytes = 63, kMaxSanBytes = 2048;

bool IsIdentityName(absl::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return absl::ascii_isalnum(c) || absl::StrContains("._@-", c); });
}

bool IsSan(absl::string_view san) {
  return !san.empty() && san.size() <= kMaxSanBytes &&
         std::all_of(san.begin(), san.end(), absl::ascii_isgraph);
}

bool IsUri(absl::string_view san) { return absl::StrContains(san, ':'); }

template <typename Map>
std::shared_ptr<const Identity> Find(const Map& map, const typename Map::key_type& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : found->second;
}

template <typename DigestType>
DigestType Sha256(absl::string_view text) {
  DigestType digest;
  crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(text.data()),
                     text.size());
  return digest;
}

}  // namespace

// Turns the file's messages into identities, and collects what is wrong with them.
class IdentitiesReader {
 public:
  explicit IdentitiesReader(const SourceMap& sources) : sources_(sources) {}

  void Read(const config::v1::Identity& message, int index) {
    const std::string path = absl::StrCat("identities[", index, "]");
    if (!IsIdentityName(message.name())) {
      Refuse(absl::StrCat(path, ".name"), message.name(),
             "use 1 to 63 letters, digits and any of . _ @ -");
    }
    const auto identity = std::make_shared<const Identity>(
        message.name(), ReadGrants(message, path), message.SerializeAsString());
    if (!result_.by_name_.emplace(message.name(), identity).second) {
      Refuse(absl::StrCat(path, ".name"), message.name(),
             "an identity above has that name; give each its own");
    }
    for (int i = 0; i < message.token_sha256_size(); ++i) {
      AddToken(message.token_sha256(i), absl::StrCat(path, ".token_sha256[", i, "]"), identity);
    }
    for (int i = 0; i < message.san_size(); ++i) {
      AddSan(message.san(i), absl::StrCat(path, ".san[", i, "]"), identity);
    }
    if (message.token_sha256().empty() && message.san().empty()) {
      Complain(path, "has neither token_sha256 nor san; nobody could prove to be it: add one");
    }
  }

  absl::StatusOr<Identities> Result() && {
    if (problems_.empty()) return std::move(result_);
    return absl::InvalidArgumentError(absl::StrJoin(problems_, "\n"));
  }

 private:
  using Digest = Identities::Digest;
  using Found = Identities::Found;

  void Complain(const std::string& path, absl::string_view what) {
    problems_.push_back(absl::StrCat(sources_.Name(path), " ", what));
  }
  void Refuse(const std::string& path, absl::string_view value, absl::string_view remedy) {
    Complain(path, absl::StrCat("is ", QuoteForError(value), "; ", remedy));
  }

  std::vector<Grant> ReadGrants(const config::v1::Identity& message, const std::string& path) {
    std::vector<Grant> grants;
    if (message.grants().empty()) {
      Complain(path, "has no grants; add one, or remove the identity");
    }
    for (int i = 0; i < message.grants_size(); ++i) {
      grants.push_back(ReadGrant(message.grants(i), absl::StrCat(path, ".grants[", i, "]")));
    }
    return grants;
  }

  Grant ReadGrant(const config::v1::Grant& message, const std::string& path) {
    if (!message.has_role()) Complain(path, "has no role; write CALLER, READER or OPERATOR");
    // The message's roles stand in the order of ours, after UNSPECIFIED.
    Grant grant{.role = static_cast<Role>(message.role() - config::v1::ROLE_CALLER), .match = {}};
    // A list that was emptied, or of which nothing is written yet, must not turn into all.
    if (message.match().empty()) {
      Complain(path, "has no match; write the globs of its breakers, [\"**\"] for all");
    }
    for (int i = 0; i < message.match_size(); ++i) {
      absl::StatusOr<Glob> glob = Glob::Parse(message.match(i));
      if (glob.ok()) {
        grant.match.push_back(*std::move(glob));
      } else {
        Refuse(absl::StrCat(path, ".match[", i, "]"), message.match(i), glob.status().message());
      }
    }
    return grant;
  }

  // What is no digest may be the token itself: it is not repeated.
  void AddToken(const std::string& text, const std::string& path, const Found& identity) {
    Digest digest{};
    const bool is_hex = text.size() == 2 * digest.size() &&
                        std::all_of(text.begin(), text.end(), absl::ascii_isxdigit);
    if (!is_hex) {
      return Complain(
          path, absl::StrCat("is not the SHA-256 of a token, 64 hex digits, but ", text.size(),
                             " bytes of something else; write what "
                             "printf %s \"$TOKEN\" | sha256sum prints"));
    }
    const std::string bytes = absl::HexStringToBytes(text);
    std::copy(bytes.begin(), bytes.end(), digest.begin());
    if (digest == Sha256<Digest>("")) {
      return Complain(path, "is the SHA-256 of nothing at all; hash the token");
    }
    if (result_.by_token_.emplace(digest, identity).second) return;
    Complain(path, "is there already; give each identity tokens of its own");
  }

  void AddSan(const std::string& san, const std::string& path, const Found& identity) {
    if (!IsSan(san)) {
      return Refuse(path, san, "write a URI like spiffe://prod/payments or a DNS name");
    }
    auto& map = IsUri(san) ? result_.by_uri_ : result_.by_dns_;
    if (map.emplace(san, identity).second) return;
    Refuse(path, san, "it is there already; give each identity names of its own");
  }

  const SourceMap& sources_;
  Identities result_;
  std::vector<std::string> problems_;
};

absl::StatusOr<Identities> Identities::Parse(absl::string_view file, absl::string_view text) {
  SourceMap sources;
  config::v1::IdentitiesFile message;
  const absl::Status status = ReadYaml(file, text, &message, &sources);
  if (!status.ok()) return status;
  if (!sources.HasLine("identities")) {
    return absl::InvalidArgumentError(
        absl::StrCat(file, " is empty; write who may call, or \"identities: []\" if nobody may"));
  }
  IdentitiesReader reader(sources);
  for (int i = 0; i < message.identities_size(); ++i) reader.Read(message.identities(i), i);
  return std::move(reader).Result();
}

bool Identities::DigestEq::operator()(const Digest& a, const Digest& b) const {
  return sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::shared_ptr<const Identity> Identities::FindByToken(absl::string_view token) const {
  return Find(by_token_, Sha256<Digest>(token));
}

std::shared_ptr<const Identity> Identities::FindByUri(absl::string_view san) const {
  return Find(by_uri_, std::string(san));
}

std::shared_ptr<const Identity> Identities::FindByDns(absl::string_view san) const {
  return Find(by_dns_, std::string(san));
}

bool Identities::Has(const Identity& identity) const {
  const Found found = Find(by_name_, identity.name());
  return found != nullptr && found->record() == identity.record();
}

}  // namespace fusebox
