#include "server/registry/registry.h"

#include <cassert>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/error.h"

namespace fusebox {

// A few more slots than breakers: threads that race to create one name take a slot each.
constexpr size_t kSpareSlots = 1024;

static_assert(sizeof(BreakerEntry) == 256, "one more byte would take four more cache lines");

Registry::Registry(size_t max_breakers)
    : max_breakers_(max_breakers), chunks_((max_breakers + kSpareSlots) / kChunkEntries + 1) {
  shards_.reserve(kShards);
  for (size_t i = 0; i < kShards; ++i) shards_.push_back(std::make_unique<Shard>(this));
}

Registry::~Registry() {
  for (std::atomic<Chunk*>& chunk : chunks_) delete chunk.load(std::memory_order_acquire);
}

// Of a name that was found often; empty if it was not, or is elsewhere by now.
LockedBreaker Registry::FindByMemo(const HashedName& key) {
  const std::optional<Slot> slot = memo_.Guess(key.hash);
  if (!slot.has_value() || *slot >= end()) return {};  // Not even slot 0 need be there.
  PrefetchAll(EntryAt(*slot));
  return FindAt(*slot, key.name);
}

Slot Registry::Lookup(const HashedName& key) {
  Shard& shard = ShardOf(key);
  MutexLock lock(&shard.mutex);
  shard.slots.prefetch(key);  // One wait for both of the table's arrays.
  const auto found = shard.slots.find(key);
  return found == shard.slots.end() ? kNoSlot : *found;
}

LockedBreaker Registry::Find(absl::string_view name) {
  const HashedName key(name);
  if (LockedBreaker breaker = FindByMemo(key)) return breaker;
  while (true) {
    const Slot slot = Lookup(key);
    if (slot == kNoSlot) return {};
    memo_.Note(key.hash, slot);
    // Between the two locks it may have been forgotten, and even made again elsewhere.
    if (LockedBreaker breaker = FindAt(slot, name)) return breaker;
  }
}

LockedBreaker Registry::FindAt(Slot slot, absl::string_view name) {
  LockedBreaker breaker = At(slot);
  if (breaker && breaker->name() != name) return {};
  return breaker;
}

LockedBreaker Registry::At(Slot slot) {
  if (slot >= end()) return {};
  LockedBreaker breaker(EntryAt(slot));
  if (!breaker->IsAlive()) return {};
  return breaker;
}

absl::Status Registry::TooMany(absl::string_view name) const {
  return MakeError(
      absl::StatusCode::kResourceExhausted, "TOO_MANY_BREAKERS",
      absl::StrCat("breaker ", QuoteForError(name), " would be one too many: all ", max_breakers_,
                   " are in use; raise --max-breakers, lower "
                   "--idle-ttl, or use fewer names"));
}

void Registry::Reserve(size_t breakers) {
  constexpr double kUneven = 1.1;  // Names do not spread evenly over the shards.
  const auto more = static_cast<size_t>(static_cast<double>(breakers) * kUneven / kShards);
  for (const std::unique_ptr<Shard>& shard : shards_) {
    MutexLock lock(&shard->mutex);
    shard->slots.reserve(shard->slots.size() + more);
  }
}

absl::StatusOr<LockedBreaker> Registry::FindOrCreate(absl::string_view name, const Birth& birth,
                                                     bool& born) {
  while (true) {
    born = false;
    if (LockedBreaker breaker = Find(name)) return breaker;
    const Slot slot = TakeSlot();
    if (slot == kNoSlot) return TooMany(name);
    Settle(slot, name, birth);
    absl::StatusOr<LockedBreaker> enlisted = Enlist(slot, name, birth);
    born = enlisted.ok() && *enlisted;
    if (born) return enlisted;
    {
      const LockedBreaker loser(EntryAt(slot));
      Vacate(*loser);
    }
    FreeSlot(slot);
    if (!enlisted.ok()) return enlisted.status();
  }
}

// Under the lock of the shard, as whoever is there first or finds no place must be so for everyone.
absl::StatusOr<LockedBreaker> Registry::Enlist(Slot slot, absl::string_view name,
                                               const Birth& birth) {
  const HashedName key(name);
  Shard& shard = ShardOf(key);
  MutexLock lock(&shard.mutex);
  // Names without a place must not make the index grow.
  if (size() >= max_breakers_ && !shard.slots.contains(key)) return TooMany(name);
  bool is_new = false;
  const auto place = shard.slots.lazy_emplace(key, [&](const auto& make) {
    make(slot);
    is_new = true;
  });
  if (!is_new) return LockedBreaker();
  if (!TakePlace()) {
    shard.slots.erase(place);
    return TooMany(name);
  }
  LockedBreaker breaker(EntryAt(slot));
  assert(birth.ruling != nullptr);
  breaker->guard = Guard(birth.source->NextEpoch(), birth.now);
  breaker->ruling = birth.ruling;
  return breaker;
}

bool Registry::TakePlace() {
  size_t size = size_.load(std::memory_order_relaxed);
  while (size < max_breakers_) {
    if (size_.compare_exchange_weak(size, size + 1, std::memory_order_relaxed)) return true;
  }
  return false;
}

void Registry::Settle(Slot slot, absl::string_view name, const Birth& birth) {
  const LockedBreaker locked(EntryAt(slot));
  locked->name_.Assign(name);
  locked->slot_ = slot;
  locked->generation = birth.generation;
  locked->last_used = birth.now;
  locked->queued_for = Tick::Max();
}

void Registry::Vacate(BreakerEntry& entry) {
  entry.name_.Clear();
  entry.guard = Guard(0, Tick());
  entry.ruling.reset();
}

Slot Registry::TakeSlot() {
  MutexLock lock(&free_mutex_);
  if (!free_.empty()) {
    const Slot slot = free_.back();
    free_.pop_back();
    return slot;
  }
  const Slot slot = end_.load(std::memory_order_relaxed);
  if (slot >= max_breakers_ + kSpareSlots) return kNoSlot;
  std::atomic<Chunk*>& chunk = chunks_[slot / kChunkEntries];
  if (chunk.load(std::memory_order_relaxed) == nullptr) {
    chunk.store(new Chunk, std::memory_order_release);
  }
  end_.store(slot + 1);
  return slot;
}

void Registry::FreeSlot(Slot slot) {
  MutexLock lock(&free_mutex_);
  free_.push_back(slot);
}

}  // namespace fusebox
