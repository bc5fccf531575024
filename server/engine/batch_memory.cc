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
  if (const auto known = ids_.find(id); known != ids_.end()) {
    if (known->second) return false;
    return MakeError(absl::StatusCode::kUnavailable, "BATCH_RUNNING",
                     "the batch came before and is still being counted; send it again in a moment, "
                     "with the same batch_id");
  }
  if (ids_.size() >= capacity_) {
    return MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_BATCHES",
                     absl::StrCat("all ", capacity_,
                                  " places for batch ids are in use; send larger batches less "
                                  "often, or raise --max-batches"));
  }
  ids_.emplace(id, false);
  in_order_.push_back({now + kMemory, std::string(id)});
  return true;
}

void BatchMemory::Finish(absl::string_view id) {
  MutexLock lock(&mutex_);
  if (const auto known = ids_.find(id); known != ids_.end()) known->second = true;
}

}  // namespace fusebox
