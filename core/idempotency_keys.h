#ifndef FUSEBOX_CORE_IDEMPOTENCY_KEYS_H_
#define FUSEBOX_CORE_IDEMPOTENCY_KEYS_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/chains.h"
#include "core/due_line.h"
#include "core/outcome.h"
#include "core/permit_id.h"
#include "core/policy.h"
#include "core/tick.h"

namespace fusebox {

inline constexpr size_t kMaxIdempotencyKeyBytes = 256;

// Checks a key: 1 to 256 bytes, whichever. The error is INVALID_ARGUMENT with reason
// IDEMPOTENCY_KEY_INVALID.
absl::Status CheckIdempotencyKey(absl::string_view key);

// Which calls are under way or were made, by the keys that their callers gave them, so that none is
// made twice.
//
//             Begin()                SUCCESS
//   forgotten -------> IN_FLIGHT --------------> SUCCEEDED --ttl--> forgotten
//       ^                |    |
//       '----------------'    '--> UNKNOWN --ttl--> forgotten
//    FAILURE, CALLER_ERROR,    TIMEOUT, IGNORED,
//    RATE_LIMITED: not done    or the lease ran out
//
//   keys.Begin(policy, "order-7", permit, minute, false, now)    // kFresh: make the call
//   keys.Begin(policy, "order-7", other, minute, false, now)     // kInFlight: do not
//
// While a key is known, to begin it again is a duplicate, and the answer says how the first stands.
// Of one that is UNKNOWN the caller may decide to try again; if that try is known not to have been
// done, the key is UNKNOWN as before, for the first may have been. What a lost holder reports after
// its lease still counts as long as the key is UNKNOWN and nobody tried again.
//
// At the bound: an end above `max_keys` forgets the oldest SUCCEEDED before its time, whose caller
// has its answer. (A repeat of it would be made again, so `max_keys` should hold the calls of one
// ttl; forgotten() counts them.) What is in flight or UNKNOWN is never forgotten before its time;
// when that are `max_keys`, Begin() answers kFull and remembers nothing. That should refuse the
// call: to make it unprotected were a silent break of what its key asks for. Between a beginning
// and its end there may be more keys, so that taking one back can be exact; never more than twice
// `max_keys`.
//
// Keys are kept as they are: with hashes, a collision would refuse a call that was never made. So a
// key costs its bytes and about 150 more, or 200 if it was tried again. A changed policy holds for
// what begins or ends from then on; a key whose lease runs out keeps the ttl with which it began.
//
// For policies that are on. Time is an argument and never goes back; every operation first does
// what was due, with the time at which it was due, and takes O(log keys), amortized: now and then
// one moves all keys. Not thread-safe: the owner serialises calls.
class IdempotencyKeys {
 public:
  enum class Begun : uint8_t {
    kFresh,      // Begun: make the call and End() it.
    kInFlight,   // Duplicates, and
    kSucceeded,  // how the first
    kUnknown,    // stands.
    kFull,       // Not begun: too many keys are in flight or UNKNOWN.
  };

  IdempotencyKeys() = default;
  IdempotencyKeys(const IdempotencyKeys&) = delete;
  IdempotencyKeys& operator=(const IdempotencyKeys&) = delete;
  ~IdempotencyKeys();

  // Begins the call of `key`, under a permit that is new. Without an end within `lease` it is
  // UNKNOWN.
  Begun Begin(const IdempotencyPolicy& policy, absl::string_view key, PermitId permit,
              absl::Duration lease, bool retry_unknown, Tick now);

  // As Begin(), if the call is a duplicate; else nothing is begun.
  std::optional<Begun> RefuseDuplicate(absl::string_view key, bool retry_unknown, Tick now);

  // The call of `permit` ended. False, and nothing changed, if that is known already or it had no
  // key.
  bool End(const IdempotencyPolicy& policy, PermitId permit, Outcome outcome, Tick now);

  // As if `permit` had never begun a call; after its lease, as if its call had ended as not done.
  // False, and nothing changed, where End() would be.
  bool GiveBack(PermitId permit, Tick now);

  // Forgets what was due.
  void Advance(Tick now);

  // As of the last operation.
  size_t size() const { return by_key_.size(); }

  uint64_t begun() const { return begun_; }  // Less what was given back.
  uint64_t duplicates() const { return duplicates_; }
  uint64_t refused() const { return refused_; }      // For being full.
  uint64_t forgotten() const { return forgotten_; }  // Successes, before their time.

  // Whether forgetting it would change nothing.
  bool IsBlank() const { return size() == 0 && begun_ == 0 && duplicates_ == 0 && refused_ == 0; }

 private:
  // What is known of one key. It and all that finds it are in one piece of memory: among very many
  // breakers each further one is one more to wait for.
  struct Node;
  struct Standing;
  struct ByKey {
    static size_t Hash(const Node& node);
    static Node*& Next(Node& node);
  };
  struct ByPermit {
    static size_t Hash(const Node& node);
    static Node*& Next(Node& node);
  };
  using Dues = DueLine<Node>;

  Node* Find(absl::string_view key, size_t hash);
  Node* FindAwaited(PermitId permit);
  Dues& DuesOf(const Node& node);
  void Enlist(Node& node, const Standing& standing);
  void Unlist(Node& node);
  void Change(Node& node, const Standing& standing);
  void Forget(Node& node);

  void Retry(Node& node, Standing in_flight);
  void Settle(Node& node, const Standing& settled);
  void TakeNotDone(Node& node, Tick now);
  void ForgetSuccessesAbove(uint32_t most);

  Chains<Node, ByKey> by_key_;        // All; it owns them.
  Chains<Node, ByPermit> by_permit_;  // Those that a permit can end.
  Dues pending_;                      // In flight or UNKNOWN.
  Dues succeeded_;
  uint64_t begun_ = 0;
  uint64_t duplicates_ = 0;
  uint64_t refused_ = 0;
  uint64_t forgotten_ = 0;
};

}  // namespace fusebox

#endif  // FUSEBOX_CORE_IDEMPOTENCY_KEYS_H_
