#include "server/registry/registry.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/error.h"

namespace fusebox {

// A few more slots than breakers: threads that race to create one name take a slot each.
constexpr size_t kSpareSlots = 1024;

Registry::Registry(size_t max_breakers)
    : max_breakers_(max_breakers), chunks_((max_breakers + kSpareSlots) / kChunkEntries + 1) {
  shards_.reserve(kShards);
  for (size_t i = 0; i < kShards; ++i) shards_.push_back(std::make_unique<Shard>(this));
}

Registry::~Registry() {
  for (std::atomic<Chunk*>& chunk : chunks_) delete chunk.load(std::memory_order_acquire);
}

Slot Registry::Lookup(absl::string_view name) {
  const size_t hash = absl::HashOf(name);
  Shard& shard = ShardOf(hash);
  absl::MutexLock lock(&shard.mutex);
  const auto found = shard.slots.find(name, hash);
  return found == shard.slots.end() ? kNoSlot : *found;
}

LockedBreaker Registry::Find(absl::string_view name) {
  while (true) {
    const Slot slot = Lookup(name);
    if (slot == kNoSlot) return {};
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
  if (!breaker->alive()) return {};
  return breaker;
}

absl::StatusOr<LockedBreaker> Registry::FindOrCreate(absl::string_view name, const Birth& birth,
                                                     bool& born) {
  const size_t hash = absl::HashOf(name);
  Shard& shard = ShardOf(hash);
  while (true) {
    born = false;
    if (LockedBreaker breaker = Find(name)) return breaker;
    const Slot slot = TakeSlot();
    if (slot == kNoSlot) {
      return MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_BREAKERS",
                       absl::StrCat("breaker \"", name, "\" would be one too many: all ",
                                    max_breakers_, " are in use; raise --max-breakers, lower "
                                    "--idle-ttl, or use fewer names"));
    }
    Settle(slot, name, birth);
    {
      absl::MutexLock lock(&shard.mutex);
      born = shard.slots.insert(slot).second;
    }
    if (born) {
      if (LockedBreaker breaker = FindAt(slot, name)) return breaker;
      continue;
    }
    {
      const LockedBreaker loser = At(slot);
      Vacate(*loser);
    }
    FreeSlot(slot);
  }
}

void Registry::Settle(Slot slot, absl::string_view name, const Birth& birth) {
  const LockedBreaker locked(EntryAt(slot));
  locked->name_ = std::make_unique<char[]>(name.size());
  std::copy(name.begin(), name.end(), locked->name_.get());
  locked->name_size_ = static_cast<uint16_t>(name.size());
  locked->slot_ = slot;
  locked->guard = Guard(birth.epoch, birth.now);
  locked->ruling = birth.ruling;
  locked->policy_generation = birth.policy_generation;
  locked->last_allow = birth.now;
  locked->queued_for = Tick::Max();
}

void Registry::Vacate(BreakerEntry& entry) {
  entry.name_.reset();
  entry.name_size_ = 0;
  entry.guard = Guard(0, Tick());
  entry.ruling.reset();
}

Slot Registry::TakeSlot() {
  absl::MutexLock lock(&free_mutex_);
  if (size_.load(std::memory_order_relaxed) >= max_breakers_) return kNoSlot;
  size_.fetch_add(1, std::memory_order_relaxed);
  if (!free_.empty()) {
    const Slot slot = free_.back();
    free_.pop_back();
    return slot;
  }
  const Slot slot = end_.load(std::memory_order_relaxed);
  std::atomic<Chunk*>& chunk = chunks_[slot / kChunkEntries];
  if (chunk.load(std::memory_order_relaxed) == nullptr) {
    chunk.store(new Chunk, std::memory_order_release);
  }
  end_.store(slot + 1, std::memory_order_release);
  return slot;
}

void Registry::FreeSlot(Slot slot) {
  absl::MutexLock lock(&free_mutex_);
  free_.push_back(slot);
  size_.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace fusebox
