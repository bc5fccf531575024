#ifndef FUSEBOX_SERVER_HTTP_HANDSHAKE_LOG_H_
#define FUSEBOX_SERVER_HTTP_HANDSHAKE_LOG_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "server/log/line_limit.h"
#include "server/log/log.h"
#include "server/log/log_line.h"

namespace fusebox {

// Says which handshakes failed, in at most ten lines a second: any stranger may cause them. Of one
// thread.
class HandshakeLog {
 public:
  // `now` is of any clock that does not go back.
  void Failed(const std::string& peer, const std::string& why, absl::Time now) {
    const std::optional<uint64_t> left_out = limit_.Admit(now);
    if (!left_out.has_value()) return;
    const LogField from = {"peer", peer};
    const LogField error = {"error", why};
    if (*left_out == 0) return Log(Severity::kWarning, "http_handshake_failed", {from, error});
    Log(Severity::kWarning, "http_handshake_failed", {from, error, {"left_out", *left_out}});
  }

 private:
  LineLimit limit_{10};
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_HTTP_HANDSHAKE_LOG_H_
