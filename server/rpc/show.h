#ifndef FUSEBOX_SERVER_RPC_SHOW_H_
#define FUSEBOX_SERVER_RPC_SHOW_H_

#include "fusebox/v1/admin.pb.h"
#include "server/engine/engine.h"

namespace fusebox {

// A breaker as readers see it.
v1::Breaker ShowBreaker(const Engine& engine, const BreakerView& view);

// How many breakers feel together; there must be one.
v1::GetHealthResponse ShowHealth(const HealthRollup& rollup);

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_RPC_SHOW_H_
