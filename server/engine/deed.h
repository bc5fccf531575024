#ifndef FUSEBOX_SERVER_ENGINE_DEED_H_
#define FUSEBOX_SERVER_ENGINE_DEED_H_

#include <string>

#include "absl/functional/function_ref.h"

namespace fusebox {

// Who did something, why, and in which trace: 32 hexadecimal digits, empty if it is not known.
struct Deed {
  std::string actor = {};
  std::string reason = {};
  std::string trace_id = {};
};

// Says who a call is from, as CheckClientName() passes it. Asked only where it matters, since to
// find out takes longer than to decide.
using ClientSource = absl::FunctionRef<std::string()>;

// Says the trace of a call. Asked only if something comes of the call, which is rare.
using TraceSource = absl::FunctionRef<std::string()>;

inline std::string NoTrace() { return ""; }

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_ENGINE_DEED_H_
