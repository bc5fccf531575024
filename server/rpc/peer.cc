#include "server/rpc/peer.h"

#include <cstddef>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/name.h"

namespace fusebox {
namespace {

std::string Claimed(absl::string_view client, absl::string_view peer) {
  if (!client.empty()) return std::string(client);
  if (absl::StartsWith(peer, "unix")) return "unix";
  if (absl::ConsumePrefix(&peer, "ipv4:")) return std::string(peer.substr(0, peer.rfind(':')));
  if (absl::ConsumePrefix(&peer, "ipv6:")) {
    peer = peer.substr(0, peer.rfind(':'));
    absl::ConsumePrefix(&peer, "%5B");
    absl::ConsumePrefix(&peer, "[");
    absl::ConsumeSuffix(&peer, "%5D");
    absl::ConsumeSuffix(&peer, "]");
  }
  return std::string(peer);
}

// As much of it as a client's name may have, in whole characters.
std::string CutToName(std::string text) {
  if (text.size() <= kMaxNameBytes) return text;
  constexpr int kTopBits = 0xC0;
  constexpr int kContinuation = 0x80;
  size_t size = kMaxNameBytes;
  while (size > 0 && (text[size] & kTopBits) == kContinuation) --size;
  text.resize(size);
  return text;
}

}  // namespace

std::string PeerClient(absl::string_view client, absl::string_view peer, absl::string_view proven) {
  std::string claimed = Claimed(client, peer);
  if (proven.empty() || claimed.size() > kMaxNameBytes) return claimed;
  return CutToName(absl::StrCat(proven, "@", claimed));
}

}  // namespace fusebox
