#ifndef FUSEBOX_SERVER_RECORDS_EVENTS_H_
#define FUSEBOX_SERVER_RECORDS_EVENTS_H_

#include "fusebox/v1/admin.pb.h"
#include "proto/convert/convert.h"
#include "server/registry/event.h"

namespace fusebox {

// An event as readers of the history see it, and as it is kept. Pure functions.
v1::Transition ToProto(const Event& event, const WallAnchor& anchor);
Event FromProto(const v1::Transition& message, const WallAnchor& anchor);

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_RECORDS_EVENTS_H_
