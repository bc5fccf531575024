#ifndef FUSEBOX_CORE_FAILING_CLIENTS_H_
#define FUSEBOX_CORE_FAILING_CLIENTS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/outcome_window.h"
#include "core/tick.h"

namespace fusebox {

// The most recent distinct clients that failed, up to the policy's quorum.
//
// The quorum is met when it is full and the least recent of them is still inside the window: then,
// and only then, so many distinct clients failed inside it.
class FailingClients {
 public:
  // `stamp` is the window's stamp of this failure; `quorum` how many clients are kept.
  void Note(absl::string_view client, int64_t stamp, size_t quorum);

  bool QuorumIsMet(const OutcomeWindow& window, Tick now, size_t quorum) const;

  // Those inside the window, the most recent last.
  std::vector<std::string> Names(const OutcomeWindow& window, Tick now) const;

  // Follows a breaker from one window to another: forgets who had left the old one, and takes the
  // rest, like their failures, for new.
  void MoveTo(const OutcomeWindow& to, const OutcomeWindow& from, Tick now);

 private:
  struct Failure {
    std::string client;
    int64_t stamp;
  };

  std::vector<Failure> failures_;  // The most recent last.
};

}  // namespace fusebox

#endif  // FUSEBOX_CORE_FAILING_CLIENTS_H_
