#ifndef FUSEBOX_TESTS_CORE_REFERENCE_CALLS_H_
#define FUSEBOX_TESTS_CORE_REFERENCE_CALLS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "core/outcome_window.h"
#include "core/policy.h"
#include "core/tick.h"

namespace fusebox {

// The rule of buckets: time is cut into tenths of the window, and the last ten are inside.
inline bool IsRecent(Tick then, Tick now, absl::Duration window) {
  const int64_t tenth = absl::ToInt64Nanoseconds(window) / 10;
  return then.nanos() / tenth > now.nanos() / tenth - 10;
}

// What the reference model knows of the calls of one epoch: every single one, from the first.
class ReferenceCalls {
 public:
  // `calls` alike of one client have ended.
  void Add(const CircuitBreakerPolicy& policy, uint32_t calls, bool failed, bool slow,
           const std::string& client, Tick now) {
    calls_.insert(calls_.end(), calls, {now, failed, slow});
    if (failed) Note(policy, client, failures_, now);
    if (slow) Note(policy, client, slow_, now);
  }

  WindowCounts Window(const CircuitBreakerPolicy& policy, Tick now) const {
    WindowCounts counts;
    for (size_t i = 0; i < calls_.size(); ++i) {
      if (!IsInside(policy, calls_[i].time, i, now)) continue;
      counts += {1, calls_[i].failed, calls_[i].slow};
    }
    return counts;
  }

  std::vector<std::string> FailingClients(const CircuitBreakerPolicy& policy, Tick now) const {
    std::vector<std::string> clients = ClientsOf(failures_, policy, now);
    for (const std::string& client : ClientsOf(slow_, policy, now)) {
      if (std::count(clients.begin(), clients.end(), client) == 0) clients.push_back(client);
    }
    return clients;
  }

  bool EnoughFailed(const CircuitBreakerPolicy& policy, Tick now) const {
    return HasQuorum(failures_, policy, now);
  }
  bool EnoughWereSlow(const CircuitBreakerPolicy& policy, Tick now) const {
    return HasQuorum(slow_, policy, now);
  }

  // What the old window holds comes again, now: the good calls first and the bad ones last. A
  // smaller window of calls keeps the proportions.
  void ChangeWindow(const CircuitBreakerPolicy& from, const CircuitBreakerPolicy& to, Tick now) {
    WindowCounts held = Window(from, now);
    for (std::vector<Failure>* failures : {&failures_, &slow_}) {
      std::erase_if(*failures,
                    [&](const Failure& f) { return !IsInside(from, f.time, f.call, now); });
    }
    const uint32_t room = to.window_calls;
    if (room != 0 && held.calls > room) {
      held = {room, held.failures * room / held.calls, held.slow * room / held.calls};
    }
    calls_.clear();
    for (uint32_t left = held.calls; left > 0; --left) {
      calls_.push_back({now, left <= held.failures, left <= held.slow});
    }
    for (std::vector<Failure>* failures : {&failures_, &slow_}) {
      for (Failure& failure : *failures) failure = {failure.client, now, calls_.size() - 1};
    }
  }

 private:
  struct Call {
    Tick time;
    bool failed;
    bool slow;
  };
  struct Failure {
    std::string client;
    Tick time;
    size_t call;  // Which of the calls it was.
  };

  bool IsInside(const CircuitBreakerPolicy& policy, Tick time, size_t call, Tick now) const {
    if (policy.window_calls != 0) return calls_.size() - call <= policy.window_calls;
    return IsRecent(time, now, policy.window_duration);
  }

  std::vector<std::string> ClientsOf(const std::vector<Failure>& failures,
                                     const CircuitBreakerPolicy& policy, Tick now) const {
    std::vector<std::string> clients;
    for (const Failure& failure : failures) {
      if (IsInside(policy, failure.time, failure.call, now)) clients.push_back(failure.client);
    }
    return clients;
  }

  void Note(const CircuitBreakerPolicy& policy, const std::string& client,
            std::vector<Failure>& failures, Tick now) const {
    std::erase_if(failures, [&](const Failure& f) { return f.client == client; });
    failures.push_back({client, now, calls_.size() - 1});
    while (failures.size() > policy.min_failing_clients) failures.erase(failures.begin());
  }

  bool HasQuorum(const std::vector<Failure>& failures, const CircuitBreakerPolicy& policy,
                 Tick now) const {
    const uint32_t quorum = policy.min_failing_clients;
    return quorum <= 1 || ClientsOf(failures, policy, now).size() >= quorum;
  }

  std::vector<Call> calls_;
  std::vector<Failure> failures_;  // One per client, the most recent last; up to the quorum.
  std::vector<Failure> slow_;      // The same, of slow calls.
};

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_CORE_REFERENCE_CALLS_H_
