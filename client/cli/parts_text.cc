#include "client/cli/parts_text.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/cli/enums.h"
#include "client/cli/output.h"

namespace fusebox::cli {

void AddParts(const v1::Breaker& breaker, Table& table) {
  const std::string waiting =
      breaker.waiting() == 0 ? "" : absl::StrCat(", ", breaker.waiting(), " calls wait");
  if (breaker.has_bulkhead()) {
    const v1::BulkheadStatus& part = breaker.bulkhead();
    const bool full = part.in_use() >= part.max_concurrent();
    table.AddRow({"Bulkhead",
                  {absl::StrCat(part.in_use(), " of ", part.max_concurrent(), " places taken",
                                waiting, "; ", part.granted(), " granted, ", part.refused(),
                                " refused, ", part.expired(), " never came back"),
                   full ? Colour::kRed : Colour::kNone}});
  }
  if (breaker.has_rate_limit()) {
    const v1::RateLimitStatus& part = breaker.rate_limit();
    table.AddRow(
        {"Rate limit",
         {absl::StrCat(part.available(), " calls left now", breaker.has_bulkhead() ? "" : waiting,
                       "; ", part.granted(), " granted, ", part.refused(), " refused"),
          part.available() == 0 ? Colour::kRed : Colour::kNone}});
  }
  if (breaker.has_idempotency()) {
    const v1::IdempotencyStatus& part = breaker.idempotency();
    table.AddRow({"Idempotency",
                  absl::StrCat(part.keys(), " keys known; ", part.begun(), " calls begun, ",
                               part.duplicates(), " duplicates, ", part.refused(), " refused")});
  }
  if (breaker.has_hedge_delay()) {
    table.AddRow({"Hedge", "a second copy after " + DurationText(breaker.hedge_delay())});
  }
}

void AddRetryEstimates(const v1::Breaker& breaker, Table& table) {
  if (breaker.retry_estimates().empty()) return;
  table.AddRow({""});
  const std::string first = PercentText(breaker.retry_estimates(0).success_probability());
  const bool alike = std::all_of(breaker.retry_estimates().begin(), breaker.retry_estimates().end(),
                                 [&first](const v1::RetryEstimate& one) {
                                   return PercentText(one.success_probability()) == first;
                                 });
  if (alike) {
    table.AddRow({"Retries", first + " would succeed, of whatever kind, as far as is known"});
    return;
  }
  table.AddRow({"Retries", "would succeed, as far as is known"});
  for (const v1::RetryEstimate& one : breaker.retry_estimates()) {
    const std::string later = one.attempt() >= 4 ? " and later" : "";
    table.AddRow({absl::StrCat("  after ", EnumText(one.previous_outcome()), ", attempt ",
                               one.attempt(), later),
                  PercentText(one.success_probability())});
  }
}

}  // namespace fusebox::cli
