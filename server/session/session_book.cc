#include "server/session/session_book.h"

#include "absl/strings/str_cat.h"
#include "core/error.h"

namespace fusebox {

SessionPage::Claim SessionPage::ClaimReport(uint64_t sequence, Owner owner) {
  MutexLock lock(&mutex_);
  if (owner != owner_) return Claim::kNotOwner;
  if (sequence <= applied_) return Claim::kRepeated;
  if (sequence != applied_ + 1) return Claim::kGap;
  applied_ = sequence;
  return Claim::kApply;
}

uint64_t SessionPage::applied() const {
  MutexLock lock(&mutex_);
  return applied_;
}

void SessionPage::SetOwner(Owner owner) {
  MutexLock lock(&mutex_);
  owner_ = owner;
}

absl::StatusOr<SessionBook::Opened> SessionBook::Open(absl::string_view id,
                                                      absl::string_view caller, bool resume,
                                                      Tick now) {
  MutexLock lock(&mutex_);
  ForgetOld(now);
  const auto found = entries_.find(id);
  const bool is_known = found != entries_.end();
  const bool is_theirs = is_known && found->second.caller == caller;
  const bool was_live = is_known && found->second.is_live;
  if (was_live && !is_theirs) {
    return MakeError(
        absl::StatusCode::kAborted, "SESSION_ID_IN_USE",
        "session_id is that of another caller's session; draw 16 random bytes, or come "
        "back when that has ended");
  }
  if (!was_live && live_ >= max_sessions_) {
    return MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_SESSIONS",
                     absl::StrCat("all ", max_sessions_,
                                  " sessions are in use; end one or raise --max-sessions"));
  }
  if (!was_live) ++live_;
  Entry& entry = entries_[id];
  Opened opened{.owner = ++last_owner_,
                .replaced = was_live ? entry.owner : 0,
                .resumed = resume && is_theirs};
  if (!opened.resumed) {
    if (entry.page != nullptr) entry.page->SetOwner(0);
    entry.page = std::make_shared<SessionPage>();
  }
  entry.page->SetOwner(opened.owner);
  entry.caller = std::string(caller);
  entry.owner = opened.owner;
  entry.is_live = true;
  opened.applied = entry.page->applied();
  opened.page = entry.page;
  return opened;
}

void SessionBook::Close(absl::string_view id, SessionPage::Owner owner, Tick now) {
  MutexLock lock(&mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second.owner != owner || !found->second.is_live) return;
  found->second.page->SetOwner(0);
  found->second.is_live = false;
  --live_;
  ended_.push_back({now, std::string(id), owner});
  ForgetOld(now);
}

size_t SessionBook::live() const {
  MutexLock lock(&mutex_);
  return live_;
}

void SessionBook::ForgetOld(Tick now) {
  while (!ended_.empty() &&
         (ended_.size() > max_sessions_ || now - ended_.front().at >= resume_time_)) {
    ForgetOldest();
  }
}

// One that came back, and perhaps ended again, is further behind if it is there at all.
void SessionBook::ForgetOldest() {
  const auto found = entries_.find(ended_.front().id);
  const bool is_over = found != entries_.end() && !found->second.is_live;
  if (is_over && found->second.owner == ended_.front().owner) entries_.erase(found);
  ended_.pop_front();
}

}  // namespace fusebox
