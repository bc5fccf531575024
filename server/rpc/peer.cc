#include "server/rpc/peer.h"

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

}  // namespace

std::string PeerClient(absl::string_view client, absl::string_view peer, absl::string_view proven) {
  std::string claimed = Claimed(client, peer);
  if (proven.empty() || proven.size() + 1 + claimed.size() > kMaxNameBytes) return claimed;
  return absl::StrCat(proven, "@", claimed);
}

}  // namespace fusebox
