#include "server/flusher/records.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "server/flusher/record.pb.h"

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

}  // namespace

std::string TransitionKey(uint64_t number) {
  std::string key;
  for (int shift = 56; shift >= 0; shift -= 8) key.push_back(static_cast<char>(number >> shift));
  return key;
}

std::string EncodeTransition(const Event& event, const RecordTime& now) {
  return ToProto(event.transition, event.breaker, now.anchor).SerializeAsString();
}

absl::StatusOr<Event> DecodeTransition(absl::string_view bytes, const RecordTime& now) {
  const absl::StatusOr<v1::Transition> message = Parse<v1::Transition>(bytes, "transition");
  if (!message.ok()) return message.status();
  return Event{message->breaker(), FromProto(*message, now.anchor)};
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
  const auto record = Parse<store::v1::OutageRecord>(bytes, "outage");
  if (!record.ok()) return record.status();
  const bool same_boot = !now.boot_id.empty() && record->boot_id() == now.boot_id;
  const absl::Duration left = std::max(FromProto(record->remaining()), absl::ZeroDuration());
  return Outage{.state = record->state() == v1::STATE_HALF_OPEN ? State::kHalfOpen : State::kOpen,
                .open_until = same_boot ? Tick::FromNanos(record->open_until_nanos())
                                        : now.anchor.tick + left,
                .reopens = record->reopens(),
                .last = FromProto(record->last(), now.anchor)};
}

std::string EncodeLife(uint64_t life) {
  store::v1::ServerRecord record;
  record.set_life(life);
  return record.SerializeAsString();
}

absl::StatusOr<uint64_t> DecodeLife(absl::string_view bytes) {
  const auto record = Parse<store::v1::ServerRecord>(bytes, "server");
  if (!record.ok()) return record.status();
  return record->life();
}

}  // namespace fusebox
