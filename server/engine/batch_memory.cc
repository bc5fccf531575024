#include "server/engine/batch_memory.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "core/error.h"

namespace fusebox {

absl::StatusOr<bool> BatchMemory::Remember(absl::string_view id, Tick now) {
  constexpr absl::Duration kMemory = absl::Seconds(60);
  MutexLock lock(&mutex_);
  while (!in_order_.empty() && in_order_.front().until <= now) {
    ids_.erase(in_order_.front().id);
    in_order_.pop_front();
  }
  if (ids_.contains(id)) return false;
  if (ids_.size() >= capacity_) {
    return MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_BATCHES",
                     absl::StrCat("all ", capacity_,
                                  " places for batch ids are in use; send larger batches less "
                                  "often, or raise --max-batches"));
  }
  ids_.emplace(id);
  in_order_.push_back({now + kMemory, std::string(id)});
  return true;
}

}  // namespace fusebox
