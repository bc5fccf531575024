#ifndef FUSEBOX_SERVER_REGISTRY_REGISTRY_H_
#define FUSEBOX_SERVER_REGISTRY_REGISTRY_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/guard.h"
#include "core/policy_set.h"
#include "core/prefetch.h"
#include "core/tick.h"
#include "server/registry/compact_name.h"
#include "server/registry/slot_memo.h"
#include "server/sync/mutex.h"

namespace fusebox {

// Where a breaker is kept. The same for as long as it lives; may be another's afterwards.
using Slot = uint32_t;

// One breaker and what its server knows of it. Reached through a LockedBreaker only. Takes four
// cache lines, all of one page.
class alignas(256) BreakerEntry {
 public:
  absl::string_view name() const { return name_.view(); }
  Slot slot() const { return slot_; }

  Guard guard{0, Tick()};
  std::shared_ptr<const RulingPolicy> ruling;  // Never null while it is a breaker.
  Tick last_used;
  Tick queued_for = Tick::Max();  // When the engine's timer looks at it next.
  uint32_t generation = 0;        // Of the rules that it was matched with.

 private:
  friend class Registry;
  friend class LockedBreaker;

  // Whether it is the breaker of its name: it is in the index.
  bool IsAlive() const { return ruling != nullptr; }

  Slot slot_ = 0;
  CompactName name_;
  Mutex mutex_;
};

// Exclusive use of one breaker, until it goes out of scope; false if there is none. Hold it for
// arithmetic only: no I/O, no callback, no other lock.
class LockedBreaker {
 public:
  LockedBreaker() = default;
  LockedBreaker(LockedBreaker&& other) noexcept : entry_(std::exchange(other.entry_, nullptr)) {}
  LockedBreaker& operator=(LockedBreaker&& other) noexcept {
    Unlock();
    entry_ = std::exchange(other.entry_, nullptr);
    return *this;
  }
  ~LockedBreaker() { Unlock(); }

  explicit operator bool() const { return entry_ != nullptr; }
  BreakerEntry* operator->() const { return entry_; }
  BreakerEntry& operator*() const { return *entry_; }

  void Unlock() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    if (entry_ != nullptr) std::exchange(entry_, nullptr)->mutex_.Unlock();
  }

 private:
  friend class Registry;
  explicit LockedBreaker(BreakerEntry& entry) ABSL_NO_THREAD_SAFETY_ANALYSIS : entry_(&entry) {
    entry.mutex_.Lock();
  }

  BreakerEntry* entry_ = nullptr;
};

// All breakers of a server by name, at most `max_breakers`.
//
//   name --hash--> shard { mutex, set of slots } --slot--> entry { mutex, policy, guard }
//          `-----> memo of slots ------------------^
//
// Entries live in chunks that are never freed, so a slot that was found may be locked without any
// other lock; whoever locks it checks that it still is who they were looking for. The index holds
// slots and compares the names in the entries. A name changes only while its slot is in no index,
// and under the entry's mutex, so holding either is enough to read it.
//
// Lock order, where two are held at all (a birth and Erase): shard, then entry. Thread-safe.
class Registry {
 public:
  // What a new breaker starts with. Its epoch is drawn from `source` once it is the breaker of its
  // name, so that it is greater than any of a breaker of this name before.
  struct Birth {
    TransitionSource* source = nullptr;
    Tick now = {};
    std::shared_ptr<const RulingPolicy> ruling = {};  // Not null.
    uint32_t generation = 0;
  };

  explicit Registry(size_t max_breakers);
  ~Registry();

  LockedBreaker Find(absl::string_view name);

  // As Find(), by slot: for who knows both, and without touching the index.
  LockedBreaker FindAt(Slot slot, absl::string_view name);

  // Whoever lives in the slot.
  LockedBreaker At(Slot slot);

  // The breaker, made if there is none; `born` says which. The error is RESOURCE_EXHAUSTED with
  // reason TOO_MANY_BREAKERS.
  absl::StatusOr<LockedBreaker> FindOrCreate(absl::string_view name, const Birth& birth,
                                             bool& born);

  // Makes room in the index for so many more.
  void Reserve(size_t breakers);

  // Forgets the breaker if `slot` is still its own and `may` still says so, under its lock.
  // True if it did.
  template <typename Predicate>
  bool Erase(Slot slot, absl::string_view name, Predicate may);

  size_t size() const { return size_.load(std::memory_order_relaxed); }
  size_t max_breakers() const { return max_breakers_; }

  // One past the highest slot ever used: walk from 0 to it to see every breaker.
  Slot end() const { return end_.load(); }

 private:
  static constexpr size_t kChunkEntries = 1024;
  static constexpr int kShardBits = 6;
  static constexpr size_t kShards = size_t{1} << kShardBits;
  using Chunk = std::array<BreakerEntry, kChunkEntries>;

  // What is looked for. Its hash is taken once, for the shard and for the place in it.
  struct HashedName {
    explicit HashedName(absl::string_view name) : name(name), hash(absl::HashOf(name)) {}
    absl::string_view name;
    size_t hash;
  };
  struct NameHash {
    using is_transparent = void;
    const Registry* registry;
    size_t operator()(const HashedName& name) const { return name.hash; }
    size_t operator()(Slot slot) const { return absl::HashOf(registry->EntryAt(slot).name()); }
  };
  struct NameEqual {
    using is_transparent = void;
    const Registry* registry;
    absl::string_view Name(const HashedName& name) const { return name.name; }
    absl::string_view Name(Slot slot) const {
      const BreakerEntry& entry = registry->EntryAt(slot);
      PrefetchAll(entry);  // Whoever compares the name is about to use the rest.
      return entry.name();
    }
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return Name(a) == Name(b);
    }
  };
  struct Shard {
    explicit Shard(const Registry* registry) : slots(0, NameHash{registry}, NameEqual{registry}) {}
    Mutex mutex;
    absl::flat_hash_set<Slot, NameHash, NameEqual> slots ABSL_GUARDED_BY(mutex);
  };

  static constexpr Slot kNoSlot = ~Slot{0};

  BreakerEntry& EntryAt(Slot slot) const {
    Chunk* chunk = chunks_[slot / kChunkEntries].load(std::memory_order_acquire);
    return (*chunk)[slot % kChunkEntries];
  }
  // By the highest bits: the shard's own table uses the lower ones.
  Shard& ShardOf(const HashedName& name) { return *shards_[name.hash >> (64 - kShardBits)]; }
  LockedBreaker FindByMemo(const HashedName& key);
  Slot Lookup(const HashedName& key);
  // Makes the settled slot the breaker of its name and returns it locked, unless there is one
  // already (an empty result) or there are as many as may be (an error).
  absl::StatusOr<LockedBreaker> Enlist(Slot slot, absl::string_view name, const Birth& birth);
  bool TakePlace();
  absl::Status TooMany(absl::string_view name) const;

  Slot TakeSlot();
  void FreeSlot(Slot slot);
  void Settle(Slot slot, absl::string_view name, const Birth& birth);
  static void Vacate(BreakerEntry& entry);

  const size_t max_breakers_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<std::atomic<Chunk*>> chunks_;
  SlotMemo memo_;
  std::atomic<size_t> size_{0};  // Breakers that are alive.
  std::atomic<Slot> end_{0};     // Sequentially consistent, for those who watch for births.

  Mutex free_mutex_;
  std::vector<Slot> free_ ABSL_GUARDED_BY(free_mutex_);
};

template <typename Predicate>
bool Registry::Erase(Slot slot, absl::string_view name, Predicate may) {
  const HashedName key(name);
  Shard& shard = ShardOf(key);
  {
    MutexLock lock(&shard.mutex);
    const auto found = shard.slots.find(key);
    if (found == shard.slots.end() || *found != slot) return false;
    const LockedBreaker breaker = FindAt(slot, name);
    if (!breaker || !may(*breaker)) return false;
    shard.slots.erase(found);
    Vacate(*breaker);
    size_.fetch_sub(1, std::memory_order_relaxed);
  }
  FreeSlot(slot);
  return true;
}

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_REGISTRY_REGISTRY_H_
