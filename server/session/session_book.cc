#include "server/session/session_book.h"

#include <utility>

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

SessionPage::Owner SessionPage::Disown() {
  MutexLock lock(&mutex_);
  return std::exchange(owner_, 0);
}

void SessionPage::Own(Owner owner, absl::string_view caller) {
  MutexLock lock(&mutex_);
  owner_ = last_owner_ = owner;
  caller_ = std::string(caller);
}

bool SessionPage::IsOf(absl::string_view caller) const {
  MutexLock lock(&mutex_);
  return caller_ == caller;
}

bool SessionPage::IsLive() const {
  MutexLock lock(&mutex_);
  return owner_ != 0;
}

bool SessionPage::IsOwnedBy(Owner owner) const {
  MutexLock lock(&mutex_);
  return owner_ == owner;
}

bool SessionPage::EndedWith(Owner owner) const {
  MutexLock lock(&mutex_);
  return owner_ == 0 && last_owner_ == owner;
}

absl::StatusOr<SessionBook::Opened> SessionBook::Open(absl::string_view id,
                                                      absl::string_view caller, bool resume,
                                                      Tick now) {
  MutexLock lock(&mutex_);
  ForgetOld(now);
  const auto found = pages_.find(id);
  std::shared_ptr<SessionPage> page = found == pages_.end() ? nullptr : found->second;
  const bool is_theirs = page != nullptr && page->IsOf(caller);
  if (page != nullptr && !is_theirs && page->IsLive()) {
    return MakeError(
        absl::StatusCode::kAborted, "SESSION_ID_IN_USE",
        "session_id is that of another caller's session; draw 16 random bytes, or come "
        "back when that has ended");
  }
  if ((page == nullptr || !page->IsLive()) && live_ >= max_sessions_) {
    return MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_SESSIONS",
                     absl::StrCat("all ", max_sessions_,
                                  " sessions are in use; end one or raise --max-sessions"));
  }
  Opened opened{.owner = ++last_owner_, .resumed = resume && is_theirs};
  if (page != nullptr) opened.replaced = page->Disown();
  if (opened.replaced == 0) ++live_;
  if (!opened.resumed) pages_[id] = page = std::make_shared<SessionPage>();
  page->Own(opened.owner, caller);
  opened.applied = page->applied();
  opened.page = std::move(page);
  return opened;
}

void SessionBook::Close(absl::string_view id, SessionPage::Owner owner, Tick now) {
  MutexLock lock(&mutex_);
  const auto found = pages_.find(id);
  if (found == pages_.end() || !found->second->IsOwnedBy(owner)) return;
  found->second->Disown();
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
  const auto found = pages_.find(ended_.front().id);
  if (found != pages_.end() && found->second->EndedWith(ended_.front().owner)) {
    pages_.erase(found);
  }
  ended_.pop_front();
}

}  // namespace fusebox
