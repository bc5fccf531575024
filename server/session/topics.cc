#include "server/session/topics.h"

namespace fusebox {
namespace {

// So long without a sign of trouble a breaker is well again. As long as it takes, at least, until
// something costly is looked at again.
constexpr absl::Duration kCalm = absl::Seconds(1);

}  // namespace

bool Topic::NoteFollowers() {
  const auto now = static_cast<uint32_t>(handles_.size());
  const uint32_t told = told_followers();
  if (now < 2 * told && 2 * now > told) return false;
  told_followers_.store(now, std::memory_order_relaxed);
  return true;
}

bool Topic::NoteHealth(bool healthy, Tick now) {
  if (!healthy) {
    unhealthy_at_.store(now, std::memory_order_relaxed);
    return !hurries() && !hurries_.exchange(true, std::memory_order_relaxed);
  }
  if (!hurries() || now - unhealthy_at_.load(std::memory_order_relaxed) < kCalm) return false;
  return hurries_.exchange(false, std::memory_order_relaxed);
}

bool Topic::IsTimeToLook(Tick now) {
  Tick due = look_at_.load(std::memory_order_relaxed);
  return now >= due && look_at_.compare_exchange_strong(due, now + kCalm);
}

void Topic::Tell() {
  std::vector<std::shared_ptr<Follower>> to_wake;
  {
    MutexLock lock(&mutex_);
    for (const auto& [follower, handle] : handles_) {
      if (!follower->Note(handle)) continue;
      // One that is just ending has nobody to talk to any more.
      if (auto live = follower->weak_from_this().lock()) to_wake.push_back(std::move(live));
    }
  }
  for (const std::shared_ptr<Follower>& follower : to_wake) follower->Wake();
}

std::shared_ptr<Topic> Topics::Join(absl::string_view name, Follower& follower, uint32_t handle) {
  std::shared_ptr<Topic> topic;
  bool is_news = false;
  {
    MutexLock lock(&mutex_);
    std::shared_ptr<Topic>& place = topics_[name];
    if (place == nullptr) place = std::make_shared<Topic>(std::string(name));
    MutexLock topic_lock(&place->mutex_);
    if (!place->handles_.emplace(&follower, handle).second) return nullptr;
    is_news = place->NoteFollowers();
    topic = place;
  }
  if (is_news) Publish(topic);
  return topic;
}

void Topics::Leave(const std::shared_ptr<Topic>& topic, Follower& follower) {
  bool is_news = false;
  {
    MutexLock lock(&mutex_);
    MutexLock topic_lock(&topic->mutex_);
    topic->handles_.erase(&follower);
    is_news = topic->NoteFollowers();
    if (topic->handles_.empty()) topics_.erase(topic->name());
  }
  if (is_news) Publish(topic);
}

void Topics::Publish(const std::shared_ptr<Topic>& topic) {
  if (topic->is_pending_.exchange(true)) return;
  {
    MutexLock lock(&pending_mutex_);
    pending_.push_back(topic);
  }
  wake_();
}

void Topics::Publish(absl::string_view name) {
  std::shared_ptr<Topic> topic;
  {
    MutexLock lock(&mutex_);
    const auto found = topics_.find(name);
    if (found == topics_.end()) return;
    topic = found->second;
  }
  Publish(topic);
}

void Topics::PublishAll() {
  std::vector<std::shared_ptr<Topic>> all;
  {
    MutexLock lock(&mutex_);
    all.reserve(topics_.size());
    for (const auto& [name, topic] : topics_) all.push_back(topic);
  }
  for (const std::shared_ptr<Topic>& topic : all) Publish(topic);
}

void Topics::TellPending() {
  std::vector<std::shared_ptr<Topic>> pending;
  {
    MutexLock lock(&pending_mutex_);
    pending.swap(pending_);
  }
  for (const std::shared_ptr<Topic>& topic : pending) {
    topic->is_pending_.store(false);  // What is news from now on is told once more.
    topic->Tell();
  }
}

size_t Topics::size() const {
  MutexLock lock(&mutex_);
  return topics_.size();
}

}  // namespace fusebox
