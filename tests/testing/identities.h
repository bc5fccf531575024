#ifndef FUSEBOX_TESTS_TESTING_IDENTITIES_H_
#define FUSEBOX_TESTS_TESTING_IDENTITIES_H_

#include <sodium.h>

#include <array>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"

namespace fusebox {

// What the file of identities says of a token.
inline std::string TokenSha256(absl::string_view token) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
  crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(token.data()),
                     token.size());
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
}

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_TESTING_IDENTITIES_H_
