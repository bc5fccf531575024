#include "core/idempotency_keys.h"

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <random>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "core/prefetch.h"

namespace fusebox {
namespace {

using Pad = std::array<char, kMaxIdempotencyKeyBytes>;

Pad DrawPad() {
  std::random_device random;
  std::uniform_int_distribution<int> byte(0, 255);
  Pad pad;
  for (char& one : pad) one = static_cast<char>(byte(random));
  return pad;
}

// Callers choose keys, and there are keys that have one hash whatever it is seeded with. So what is
// hashed is not the key but what nobody can choose: the key under a pad that nobody knows.
size_t HashOf(absl::string_view key) {
  static const Pad kPad = DrawPad();
  Pad padded;
  const size_t size = std::min(key.size(), padded.size());
  for (size_t i = 0; i < size; ++i) padded[i] = static_cast<char>(key[i] ^ kPad[i]);
  return absl::HashOf(absl::string_view(padded.data(), size));
}

size_t HashOf(PermitId permit) { return absl::HashOf(permit.epoch, permit.number); }

// Whether the upstream answered that it did not do it. Who cannot be sure says TIMEOUT or IGNORED.
bool IsKnownNotDone(Outcome outcome) {
  return outcome == Outcome::kFailure || outcome == Outcome::kCallerError ||
         outcome == Outcome::kRateLimited;
}

}  // namespace

absl::Status CheckIdempotencyKey(absl::string_view key) {
  if (!key.empty() && key.size() <= kMaxIdempotencyKeyBytes) return absl::OkStatus();
  return MakeError(absl::StatusCode::kInvalidArgument, "IDEMPOTENCY_KEY_INVALID",
                   absl::StrCat("idempotency_key ", QuoteForError(key), " is ", key.size(),
                                " bytes long; use 1 to ", kMaxIdempotencyKeyBytes, " bytes"),
                   "idempotency_key");
}

// Where a key stands.
struct IdempotencyKeys::Standing {
  PermitId permit = {};  // Who can end it, if `awaited`.
  Tick in_flight_until = {};
  Tick known_until = {};   // Then it is forgotten.
  bool awaited = false;    // Else nobody can end it any more.
  bool succeeded = false;  // Else it is IN_FLIGHT or, after that, UNKNOWN.
  bool doubted = false;    // What became of an earlier permit is unknown.

  Begun At(Tick now) const {
    if (succeeded) return Begun::kSucceeded;
    return now < in_flight_until ? Begun::kInFlight : Begun::kUnknown;
  }
};

// The bytes of the key are behind it.
struct IdempotencyKeys::Node {
  using Memory = std::allocator<char>;  // As aligned as `new`.

  static Node* New(absl::string_view key, size_t hash) {
    char* const memory = Memory().allocate(sizeof(Node) + key.size());
    Node* const node = new (memory)
        Node{.hash = static_cast<uint32_t>(hash), .key_size = static_cast<uint32_t>(key.size())};
    key.copy(reinterpret_cast<char*>(node + 1), key.size());
    return node;
  }
  static void Delete(Node* node) {
    const size_t size = sizeof(Node) + node->key_size;
    node->~Node();
    Memory().deallocate(reinterpret_cast<char*>(node), size);
  }

  absl::string_view Key() const { return {reinterpret_cast<const char*>(this + 1), key_size}; }
  Tick Due() const { return standing.known_until; }

  Node* next_by_key = nullptr;
  uint32_t hash = 0;
  uint32_t key_size = 0;
  Node* next_by_permit = nullptr;
  DueLink<Node> link = {};
  Standing standing = {};
  std::unique_ptr<Standing> before = {};  // Of an UNKNOWN that was tried again.
};

size_t IdempotencyKeys::ByKey::Hash(const Node& node) { return node.hash; }
IdempotencyKeys::Node*& IdempotencyKeys::ByKey::Next(Node& node) { return node.next_by_key; }
size_t IdempotencyKeys::ByPermit::Hash(const Node& node) { return HashOf(node.standing.permit); }
IdempotencyKeys::Node*& IdempotencyKeys::ByPermit::Next(Node& node) { return node.next_by_permit; }

IdempotencyKeys::~IdempotencyKeys() {
  for (Dues* dues : {&pending_, &succeeded_}) {
    while (Node* const node = dues->First()) {
      dues->Remove(*node);
      Node::Delete(node);
    }
  }
}

IdempotencyKeys::Node* IdempotencyKeys::Find(absl::string_view key, size_t hash) {
  return by_key_.Find(hash, [key, hash](const Node& node) {
    return node.hash == static_cast<uint32_t>(hash) && node.Key() == key;
  });
}

IdempotencyKeys::Node* IdempotencyKeys::FindAwaited(PermitId permit) {
  return by_permit_.Find(HashOf(permit),
                         [permit](const Node& node) { return node.standing.permit == permit; });
}

IdempotencyKeys::Dues& IdempotencyKeys::DuesOf(const Node& node) {
  return node.standing.succeeded ? succeeded_ : pending_;
}

void IdempotencyKeys::Enlist(Node& node, const Standing& standing) {
  node.standing = standing;
  DuesOf(node).Add(node);
  if (standing.awaited) by_permit_.Add(node);
}

void IdempotencyKeys::Unlist(Node& node) {
  DuesOf(node).Remove(node);
  if (node.standing.awaited) by_permit_.Remove(node);
}

void IdempotencyKeys::Change(Node& node, const Standing& standing) {
  Unlist(node);
  Enlist(node, standing);
}

void IdempotencyKeys::Forget(Node& node) {
  Unlist(node);
  by_key_.Remove(node);
  Node::Delete(&node);
}

IdempotencyKeys::Begun IdempotencyKeys::Begin(const IdempotencyPolicy& policy,
                                              absl::string_view key, PermitId permit,
                                              absl::Duration lease, bool retry_unknown, Tick now) {
  PrefetchAll(*this);
  const size_t hash = HashOf(key);
  Advance(now);
  const Standing in_flight{.permit = permit,
                           .in_flight_until = now + lease,
                           .known_until = now + lease + policy.ttl,
                           .awaited = true};
  Node* const known = Find(key, hash);
  if (known == nullptr) {
    if (pending_.size() >= policy.max_keys) {
      ++refused_;
      return Begun::kFull;
    }
    Node& node = *Node::New(key, hash);
    by_key_.Add(node);
    Enlist(node, in_flight);
    ++begun_;
    return Begun::kFresh;
  }
  const Begun first = known->standing.At(now);
  if (first == Begun::kUnknown && retry_unknown) {
    Retry(*known, in_flight);
    ++begun_;
    return Begun::kFresh;
  }
  ++duplicates_;
  return first;
}

std::optional<IdempotencyKeys::Begun> IdempotencyKeys::RefuseDuplicate(absl::string_view key,
                                                                       bool retry_unknown,
                                                                       Tick now) {
  Advance(now);
  const Node* const known = Find(key, HashOf(key));
  if (known == nullptr) return std::nullopt;
  const Begun first = known->standing.At(now);
  if (first == Begun::kUnknown && retry_unknown) return std::nullopt;
  ++duplicates_;
  return first;
}

void IdempotencyKeys::Retry(Node& node, Standing in_flight) {
  node.before = std::make_unique<Standing>(node.standing);
  in_flight.doubted = true;
  Change(node, in_flight);
}

bool IdempotencyKeys::End(const IdempotencyPolicy& policy, PermitId permit, Outcome outcome,
                          Tick now) {
  PrefetchAll(*this);
  Advance(now);
  Node* const awaited = FindAwaited(permit);
  if (awaited == nullptr) return false;
  if (IsKnownNotDone(outcome)) {
    TakeNotDone(*awaited, now);
  } else if (outcome == Outcome::kSuccess) {
    Settle(*awaited, {.known_until = now + policy.ttl, .succeeded = true});
    ForgetSuccessesAbove(policy.max_keys);
  } else {
    Settle(*awaited, {.known_until = now + policy.ttl});
  }
  return true;
}

bool IdempotencyKeys::GiveBack(PermitId permit, Tick now) {
  Advance(now);
  Node* const awaited = FindAwaited(permit);
  if (awaited == nullptr) return false;
  TakeNotDone(*awaited, now);
  --begun_;
  return true;
}

// This try did nothing, so the key stands as it did before; but what a doubted one may have done
// before, nobody knows.
void IdempotencyKeys::TakeNotDone(Node& node, Tick now) {
  const Standing& standing = node.standing;
  const bool expired = standing.in_flight_until <= now;
  if (expired && standing.doubted) return Settle(node, {.known_until = standing.known_until});
  const std::unique_ptr<Standing> before = std::move(node.before);
  if (before == nullptr || before->known_until <= now) return Forget(node);
  Change(node, *before);
}

// Nobody can end it any more.
void IdempotencyKeys::Settle(Node& node, const Standing& settled) {
  node.before.reset();
  Change(node, settled);
}

void IdempotencyKeys::ForgetSuccessesAbove(uint32_t most) {
  for (; size() > most && succeeded_.size() > 0; ++forgotten_) Forget(*succeeded_.First());
}

void IdempotencyKeys::Advance(Tick now) {
  for (Dues* dues : {&pending_, &succeeded_}) {
    while (Node* const node = dues->First()) {
      PrefetchAll(*node);
      if (node->Due() > now) break;
      Forget(*node);
    }
  }
}

}  // namespace fusebox
