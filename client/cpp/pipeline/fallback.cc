#include "fusebox/fallback.h"

#include "core/classification.h"

namespace fusebox {

bool IsWorthFallback(const absl::Status& status) {
  return IsFailure(Classification().Classify(Result::Grpc(static_cast<int>(status.code()))));
}

}  // namespace fusebox
