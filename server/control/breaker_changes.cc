#include "server/control/breaker_changes.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "core/name.h"
#include "proto/convert/convert.h"

namespace fusebox {
namespace {

constexpr size_t kMaxReasonBytes = 500;
constexpr absl::Duration kMinTtl = absl::Seconds(1), kMaxTtl = absl::Hours(8760);

absl::Status Invalid(absl::string_view reason, absl::string_view field, absl::string_view value,
                     absl::string_view remedy) {
  return MakeError(absl::StatusCode::kInvalidArgument, reason,
                   absl::StrCat(field, " is ", value, "; ", remedy), field);
}

// Text that ends in terminals and logs.
bool IsShowable(absl::string_view text) {
  return text.size() <= kMaxReasonBytes && CheckClientName(text.substr(0, kMaxNameBytes)).ok() &&
         CheckClientName(text.substr(std::min(text.size(), kMaxNameBytes))).ok();
}

absl::Status CheckDrill(const v1::OverrideBreakerRequest& request) {
  if (!request.drill()) return absl::OkStatus();
  if (request.mode() == v1::OVERRIDE_MODE_FORCED_OPEN && request.has_ttl()) return absl::OkStatus();
  return Invalid("DRILL_INVALID", "drill", "true",
                 "a drill is a FORCED_OPEN that ends by itself: set mode to FORCED_OPEN and a ttl");
}

absl::Status CheckTtl(const v1::OverrideBreakerRequest& request) {
  if (!request.has_ttl()) return absl::OkStatus();
  const absl::Duration ttl = FromProto(request.ttl());
  if (ttl >= kMinTtl && ttl <= kMaxTtl) return absl::OkStatus();
  return Invalid("TTL_INVALID", "ttl", absl::FormatDuration(ttl),
                 "set it between 1s and 8760h, or leave it out for no end");
}

absl::Status CheckMode(const v1::OverrideBreakerRequest& request) {
  const int mode = request.mode();
  if (mode >= v1::OVERRIDE_MODE_FORCED_OPEN && mode <= v1::OVERRIDE_MODE_SHADOW) {
    return absl::OkStatus();
  }
  return Invalid("OVERRIDE_MODE_INVALID", "mode", absl::StrCat(mode),
                 "use FORCED_OPEN, FORCED_CLOSED or SHADOW");
}

absl::Status CheckRequest(const v1::OverrideBreakerRequest& request, const Author& author) {
  absl::Status status = CheckMode(request);
  if (status.ok()) status = CheckTtl(request);
  if (status.ok()) status = CheckDrill(request);
  if (status.ok()) status = MakeDeed(request.reason(), author).status();
  return status;
}

}  // namespace

absl::Status CheckActor(absl::string_view actor) {
  if (CheckClientName(actor).ok()) return absl::OkStatus();
  return Invalid("ACTOR_INVALID", "actor", QuoteForError(actor),
                 "use at most 256 bytes of printable text");
}

absl::StatusOr<Deed> MakeDeed(absl::string_view reason, const Author& author) {
  if (reason.empty() || !IsShowable(reason)) {
    return Invalid("REASON_INVALID", "reason", QuoteForError(reason),
                   "say why in 1 to 500 bytes of printable text; it is kept in the history");
  }
  if (absl::Status bad = CheckActor(author.actor); !bad.ok()) return bad;
  return Deed{author.actor, std::string(reason), author.trace_id};
}

absl::StatusOr<Override> ImposeOverride(const v1::OverrideBreakerRequest& request,
                                        const Author& author, const ControlLimits& limits,
                                        Draft& draft) {
  const Tick now = author.now.anchor.tick;
  if (absl::Status status = CheckRequest(request, author); !status.ok()) return status;
  Override override{
      .mode = static_cast<OverrideMode>(request.mode() - v1::OVERRIDE_MODE_FORCED_OPEN),
      .reason = request.reason(),
      .actor = author.actor,
      .began = now,
      .match = request.match(),
      .drill = request.drill()};
  if (request.has_ttl()) override.expires = now + FromProto(request.ttl());
  const bool is_new = draft.book.overrides->Find(override.match) == nullptr;
  if (is_new && draft.book.overrides->all().size() >= limits.max_overrides) {
    return MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_OVERRIDES",
                     absl::StrCat("all ", limits.max_overrides,
                                  " overrides are in use; clear one, cover several breakers by a "
                                  "glob, or raise --max-overrides"));
  }
  absl::StatusOr<std::shared_ptr<const OverrideSet>> next = draft.book.overrides->With(override);
  if (!next.ok()) return next.status();
  draft.book.overrides = *std::move(next);
  override = *draft.book.overrides->Find(override.match);
  draft.rows.Put(Table::kOverrides, override.match, EncodeOverride(override, author.now));
  draft.effects.emplace_back([override, trace_id = author.trace_id](Engine& engine) {
    // Its glob was parsed above.
    engine.SetOverride(override.match, override, trace_id).IgnoreError();
  });
  return override;
}

absl::StatusOr<Override> LiftOverride(const v1::ClearOverrideRequest& request, const Author& author,
                                      Draft& draft) {
  const std::string reason = request.reason().empty() ? "none given" : request.reason();
  const absl::StatusOr<Deed> deed = MakeDeed(reason, author);
  if (!deed.ok()) return deed.status();
  const OverrideSet::Shared before = draft.book.overrides->Find(request.match());
  if (before == nullptr) return Engine::NoSuchOverride(request.match());
  draft.book.overrides = draft.book.overrides->Without(request.match());
  draft.rows.Erase(Table::kOverrides, request.match());
  draft.effects.emplace_back([match = request.match(), deed = *deed](Engine& engine) {
    // It may have expired a moment ago.
    engine.ClearOverride(match, deed).IgnoreError();
  });
  return *before;
}

void DropExpired(Tick now, Draft& draft) {
  OverrideSet::Expiry expiry = draft.book.overrides->WithoutExpired(now);
  for (const OverrideSet::Shared& override : expiry.expired) {
    draft.rows.Erase(Table::kOverrides, override->match);
  }
  draft.book.overrides = std::move(expiry.left);
}

}  // namespace fusebox
