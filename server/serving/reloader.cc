#include "server/serving/reloader.h"

#include <utility>
#include <vector>

#include "google/protobuf/util/message_differencer.h"
#include "server/control/policy_changes.h"
#include "server/log/log.h"
#include "server/serving/configuration.h"

namespace fusebox {
namespace {

constexpr absl::Duration kLookPeriod = absl::Seconds(1);

}  // namespace

Reloader::Reloader(const Options& options, Control& control, const Clock& clock)
    : path_(options.reread ? options.config_path : ""),
      running_(options.config.server()),
      reread_(options.reread),
      control_(control),
      clock_(clock) {
  const std::optional<Stamp> stamp = Look();
  const bool is_current = IsStill(options);
  MutexLock lock(&mutex_);
  condition_.time = clock_.WallNow();
  if (is_current) seen_ = stamp;
}

// What was written since the options were read is found by the first look.
bool Reloader::IsStill(const Options& options) const {
  if (path_.empty()) return true;
  const absl::StatusOr<Options> now = reread_();
  using google::protobuf::util::MessageDifferencer;
  return now.ok() && MessageDifferencer::Equals(now->config, options.config);
}

std::optional<Reloader::Stamp> Reloader::Look() const {
  struct stat status {};
  if (path_.empty() || stat(path_.c_str(), &status) != 0) return std::nullopt;
  constexpr int64_t kNanosPerSecond = 1'000'000'000;
  return Stamp{status.st_ino, status.st_size,
               status.st_mtim.tv_sec * kNanosPerSecond + status.st_mtim.tv_nsec};
}

void Reloader::Start() {
  if (path_.empty()) return;
  thread_ = std::thread([this] {
    while (!stop_.WaitFor(kLookPeriod)) {
      const std::optional<Stamp> now = Look();
      bool is_new = false;
      {
        MutexLock lock(&mutex_);
        is_new = now != seen_;
      }
      if (is_new) Reload();
    }
  });
}

void Reloader::Stop() {
  stop_.Stop();
  if (thread_.joinable()) thread_.join();
}

void Reloader::Reload() {
  if (path_.empty()) return;
  // What is read later is submitted later.
  const std::lock_guard<std::mutex> one_at_a_time(reload_mutex_);
  {
    // Before it is read: what is written meanwhile is found by the next look.
    MutexLock lock(&mutex_);
    seen_ = Look();
  }
  const absl::StatusOr<Options> options = reread_();
  if (!options.ok()) return Note(options.status());
  if (absl::Status sound = ConfigureEngine(*options).status(); !sound.ok()) return Note(sound);
  WarnOfServerOptions(*options);
  const config::v1::ConfigFile& file = options->config;
  std::vector<v1::Policy> policies(file.policies().begin(), file.policies().end());
  std::vector<v1::RetryBudget> budgets(file.retry_budgets().begin(), file.retry_budgets().end());
  control_.Submit(
      {.make = [policies = std::move(policies), budgets = std::move(budgets)](
                   Draft& draft) { return ReplaceFileResources(policies, budgets, draft); },
       .done = [this](const absl::Status& status) { Note(status); },
       .kind = Control::Kind::kVolatile});
}

void Reloader::Note(const absl::Status& status) {
  if (status.ok()) {
    Log(Severity::kInfo, "config_loaded", {{"file", path_}});
  } else {
    Log(Severity::kError, "config_refused",
        {{"file", path_},
         {"error", std::string(status.message())},
         {"hint", "the policies before it stay in force"}});
  }
  MutexLock lock(&mutex_);
  ++(status.ok() ? condition_.loads : condition_.failures);
  condition_.error = std::string(status.message());
  if (status.ok()) condition_.time = clock_.WallNow();
}

void Reloader::WarnOfServerOptions(const Options& options) const {
  using google::protobuf::util::MessageDifferencer;
  if (MessageDifferencer::Equals(running_, options.config.server())) return;
  Log(Severity::kWarning, "restart_needed",
      {{"file", path_}, {"hint", "its server options changed; they are read when it starts"}});
}

ConfigCondition Reloader::condition() const {
  MutexLock lock(&mutex_);
  return condition_;
}

}  // namespace fusebox
