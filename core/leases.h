#ifndef FUSEBOX_CORE_LEASES_H_
#define FUSEBOX_CORE_LEASES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "core/permit_id.h"
#include "core/tick.h"

namespace fusebox {

// One place, taken by one permit.
struct Lease {
  PermitId permit = {};
  Tick taken = {};
  Tick own_end = Tick::Max();  // Where its holder said how long.
};

// The leases that are out, in the order in which they were taken, which is that of their permits.
//
// A ring without pointers, as adding one and looking at the oldest is what every call does: among
// very many breakers each piece of memory that this takes is one to wait for. So the first four are
// in place, too. One that ends between others leaves a gap; gaps are closed when there are four
// more of them than leases, so that the ring's size follows theirs.
//
// With more than four takes 32 to 256 bytes per lease. Remove() is O(log leases), the others are
// O(1), all of them amortized: now and then one moves all leases. Not thread-safe.
class Leases {
 public:
  Leases() = default;
  Leases(const Leases&) = delete;
  Leases& operator=(const Leases&) = delete;

  // `lease.permit` is newer than all before it.
  void Add(const Lease& lease);

  // Ends it. Absent if it was not out.
  std::optional<Lease> Remove(PermitId permit);

  // Not of none.
  const Lease& Oldest() const { return At(0); }
  const Lease& Newest() const { return At(span_ - 1); }
  Lease RemoveOldest() { return RemoveAt(0); }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // For how many there is room, for tests.
  size_t capacity() const { return capacity_; }

 private:
  static constexpr uint32_t kFew = 4;

  // By position: 0 is the oldest, which is never a gap, and nor is the newest.
  Lease& At(uint32_t position) {
    Lease* const ring = many_ == nullptr ? few_.data() : many_.get();
    return ring[(first_ + position) & (capacity_ - 1)];
  }
  const Lease& At(uint32_t position) const { return const_cast<Leases*>(this)->At(position); }
  // Of the permit, or of the first one that is newer.
  uint32_t PositionOf(PermitId permit) const;
  Lease RemoveAt(uint32_t position);
  void DropGapsAtTheEnds();
  void CloseGaps();
  void Resize(uint32_t capacity);

  // Positions are numbers of 32 bits, as 2^31 leases would take 64 GB.
  std::unique_ptr<Lease[]> many_;  // Null while `few_` are enough.
  uint32_t capacity_ = kFew;       // A power of two.
  uint32_t first_ = 0;
  uint32_t span_ = 0;  // From the oldest to the newest, with the gaps.
  uint32_t size_ = 0;
  std::array<Lease, kFew> few_;
};

}  // namespace fusebox

#endif  // FUSEBOX_CORE_LEASES_H_
