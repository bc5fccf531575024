// Breakers by how bad they are.
#ifndef FUSEBOX_CLIENT_CLI_WORST_H_
#define FUSEBOX_CLIENT_CLI_WORST_H_

#include <cstddef>
#include <optional>

#include "fusebox/v1/admin.pb.h"

namespace fusebox::cli {

// Keeps the worst of the breakers that it is given. The worst are known only when all are, so every
// page is to be read; with a limit no more than that and one page is held at a time.
class Worst {
 public:
  explicit Worst(std::optional<int> limit) : limit_(limit) {}

  void Take(const v1::ListBreakersResponse& page);

  // The worst first: those that refuse calls, that probe, that are unwell, and the others; among
  // equals by score, of which one that is no number is the worst, and then by name. Ends this.
  v1::ListBreakersResponse Finish();

  // How many it was given.
  size_t seen() const { return seen_; }

 private:
  const std::optional<int> limit_;
  // With a limit a heap: the best, which is the next to go, is the first.
  v1::ListBreakersResponse list_;
  size_t seen_ = 0;
};

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_WORST_H_
