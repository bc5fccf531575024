#include "server/records/records.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "server/records/events.h"
#include "server/records/record.pb.h"

namespace fusebox {
namespace {

absl::Status Unreadable(absl::string_view what) {
  return MakeError(absl::StatusCode::kDataLoss, "STORE_CORRUPT",
                   absl::StrCat("a row is no ", what, "; another program wrote it"));
}

template <typename Message>
absl::StatusOr<Message> Parse(absl::string_view bytes, absl::string_view what) {
  Message message;
  if (message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return message;
  return Unreadable(what);
}

bool IsSameBoot(absl::string_view boot_id, const RecordTime& now) {
  return !now.boot_id.empty() && boot_id == now.boot_id;
}

// When that which was to end at `end` on the clock of `boot_id`, `left` after it was written, ends
// on the clock of now.
Tick Translate(Tick end, absl::Duration left, absl::string_view boot_id, const RecordTime& now) {
  if (IsSameBoot(boot_id, now)) return end;
  const bool is_known = !boot_id.empty() && boot_id == now.earlier.boot_id;
  if (is_known) left = std::min(left, end - now.earlier.tick);
  return now.anchor.tick + std::max(left, absl::ZeroDuration());
}

}  // namespace

std::string TransitionKey(uint64_t number) {
  std::string key;
  for (int shift = 56; shift >= 0; shift -= 8) key.push_back(static_cast<char>(number >> shift));
  return key;
}

std::string EncodeTransition(const Event& event, const RecordTime& now) {
  return ToProto(event, now.anchor).SerializeAsString();
}

absl::StatusOr<Event> DecodeTransition(absl::string_view bytes, const RecordTime& now) {
  const absl::StatusOr<v1::Transition> message = Parse<v1::Transition>(bytes, "transition");
  if (!message.ok()) return message.status();
  return FromProto(*message, now.anchor);
}

std::string EncodeOutage(const Outage& outage, absl::string_view breaker, const RecordTime& now) {
  store::v1::OutageRecord record;
  record.set_state(ToProto(outage.state));
  record.set_boot_id(now.boot_id);
  record.set_open_until_nanos(outage.open_until.nanos());
  const absl::Duration left = outage.open_until - now.anchor.tick;
  *record.mutable_remaining() = ToProto(std::max(left, absl::ZeroDuration()));
  record.set_reopens(outage.reopens);
  *record.mutable_last() = ToProto(outage.last, breaker, now.anchor);
  return record.SerializeAsString();
}

absl::StatusOr<Outage> DecodeOutage(absl::string_view bytes, const RecordTime& now) {
  // There may be as many as breakers: each is parsed into the memory of the one before.
  thread_local store::v1::OutageRecord record;
  if (!record.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Unreadable("outage");
  }
  return Outage{.state = record.state() == v1::STATE_HALF_OPEN ? State::kHalfOpen : State::kOpen,
                .open_until = Translate(Tick::FromNanos(record.open_until_nanos()),
                                        FromProto(record.remaining()), record.boot_id(), now),
                .reopens = record.reopens(),
                .last = TransitionFromProto(record.last(), now.anchor)};
}

std::string EncodeOverride(const Override& override, const RecordTime& now) {
  store::v1::OverrideRecord record;
  *record.mutable_override() = ToProto(override, now.anchor);
  record.set_boot_id(now.boot_id);
  record.set_order(override.order);
  if (override.expires != Tick::Max()) record.set_expires_nanos(override.expires.nanos());
  return record.SerializeAsString();
}

absl::StatusOr<Override> DecodeOverride(absl::string_view bytes, const RecordTime& now) {
  auto record = Parse<store::v1::OverrideRecord>(bytes, "override");
  if (!record.ok()) return record.status();
  // What is left may be nothing by now, which is no error here.
  const absl::Duration left = FromProto(record->override().remaining());
  record->mutable_override()->clear_remaining();
  absl::StatusOr<Override> override = FromProto(record->override(), now.anchor);
  if (!override.ok()) return Unreadable("override");
  override->order = record->order();
  if (!record->has_expires_nanos()) return override;
  override->expires =
      Translate(Tick::FromNanos(record->expires_nanos()), left, record->boot_id(), now);
  return override;
}

std::string EncodeServer(const ServerState& state) {
  store::v1::ServerRecord record;
  record.set_life(state.life);
  record.set_boot_id(state.seen.boot_id);
  record.set_seen_nanos(state.seen.tick.nanos());
  return record.SerializeAsString();
}

absl::StatusOr<ServerState> DecodeServer(absl::string_view bytes) {
  const auto record = Parse<store::v1::ServerRecord>(bytes, "server");
  if (!record.ok()) return record.status();
  return ServerState{record->life(), {record->boot_id(), Tick::FromNanos(record->seen_nanos())}};
}

}  // namespace fusebox
