#include "core/leases.h"

#include <cassert>
#include <utility>

namespace fusebox {
namespace {

// No lease was taken then: time does not go back beyond its origin.
constexpr Tick kGap = Tick::FromNanos(-1);

bool IsGap(const Lease& lease) { return lease.taken == kGap; }

}  // namespace

void Leases::Add(const Lease& lease) {
  assert(empty() || Newest().permit < lease.permit);
  if (span_ == capacity_ && size_ <= capacity_ / 2) CloseGaps();
  if (span_ == capacity_) Resize(2 * capacity_);
  At(span_++) = lease;
  ++size_;
}

std::optional<Lease> Leases::Remove(PermitId permit) {
  const uint32_t position = PositionOf(permit);
  if (position == span_) return std::nullopt;
  const Lease& found = At(position);
  if (found.permit != permit || IsGap(found)) return std::nullopt;
  return RemoveAt(position);
}

Lease Leases::RemoveAt(uint32_t position) {
  const Lease removed = At(position);
  At(position).taken = kGap;
  --size_;
  DropGapsAtTheEnds();
  const bool sparse = capacity_ > kFew && size_ < capacity_ / 8;
  if (sparse) {
    Resize(capacity_ / 2);
  } else if (span_ > 2 * size_ + kFew) {
    CloseGaps();
  }
  return removed;
}

uint32_t Leases::PositionOf(PermitId permit) const {
  uint32_t from = 0, to = span_;
  while (from < to) {
    const uint32_t middle = from + (to - from) / 2;
    if (At(middle).permit < permit) {
      from = middle + 1;
    } else {
      to = middle;
    }
  }
  return from;
}

void Leases::DropGapsAtTheEnds() {
  while (span_ > 0 && IsGap(At(0))) {
    first_ = (first_ + 1) & (capacity_ - 1);
    --span_;
  }
  while (span_ > 0 && IsGap(At(span_ - 1))) --span_;
}

void Leases::CloseGaps() {
  uint32_t next = 0;
  for (uint32_t position = 0; position < span_; ++position) {
    if (!IsGap(At(position))) At(next++) = At(position);
  }
  span_ = next;
  assert(span_ == size_);
}

void Leases::Resize(uint32_t capacity) {
  CloseGaps();
  assert(size_ <= capacity);
  auto many = capacity > kFew ? std::make_unique<Lease[]>(capacity) : nullptr;
  std::array<Lease, kFew> few;
  Lease* const ring = many == nullptr ? few.data() : many.get();
  for (uint32_t position = 0; position < span_; ++position) ring[position] = At(position);
  many_ = std::move(many);
  few_ = few;
  capacity_ = capacity;
  first_ = 0;
}

}  // namespace fusebox
