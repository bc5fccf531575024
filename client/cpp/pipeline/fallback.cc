#include "fusebox/fallback.h"

#include "core/classification.h"

namespace fusebox {

bool IsWorthFallback(const absl::Status& status) {
  return IsFailure(Classification().Classify(Result::Grpc(status.raw_code())));
}

}  // namespace fusebox
