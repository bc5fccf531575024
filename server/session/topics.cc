#include "server/session/topics.h"

namespace fusebox {

size_t Topic::followers() const {
  MutexLock lock(&mutex_);
  return seats_.size();
}

void Topic::Tell() {
  std::vector<std::shared_ptr<Follower>> to_wake;
  {
    MutexLock lock(&mutex_);
    for (const auto& [follower, handle] : seats_) {
      if (!follower->Note(handle)) continue;
      // One that is just ending has nobody to talk to any more.
      if (auto live = follower->weak_from_this().lock()) to_wake.push_back(std::move(live));
    }
  }
  for (const std::shared_ptr<Follower>& follower : to_wake) follower->Wake();
}

std::shared_ptr<Topic> Topics::Join(absl::string_view name, Follower& follower, uint32_t handle,
                                    bool& doubled) {
  MutexLock lock(&mutex_);
  std::shared_ptr<Topic>& topic = topics_[name];
  if (topic == nullptr) topic = std::make_shared<Topic>(std::string(name));
  MutexLock topic_lock(&topic->mutex_);
  topic->seats_.insert({&follower, handle});
  const size_t seats = topic->seats_.size();
  doubled = seats > 1 && (seats & (seats - 1)) == 0;
  return topic;
}

void Topics::Leave(const std::shared_ptr<Topic>& topic, Follower& follower, uint32_t handle) {
  MutexLock lock(&mutex_);
  bool is_empty = false;
  {
    MutexLock topic_lock(&topic->mutex_);
    topic->seats_.erase({&follower, handle});
    is_empty = topic->seats_.empty();
  }
  if (is_empty) topics_.erase(topic->name());
}

std::shared_ptr<Topic> Topics::Find(absl::string_view name) const {
  MutexLock lock(&mutex_);
  const auto found = topics_.find(name);
  return found == topics_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<Topic>> Topics::All() const {
  std::vector<std::shared_ptr<Topic>> all;
  MutexLock lock(&mutex_);
  all.reserve(topics_.size());
  for (const auto& [name, topic] : topics_) all.push_back(topic);
  return all;
}

size_t Topics::size() const {
  MutexLock lock(&mutex_);
  return topics_.size();
}

}  // namespace fusebox
