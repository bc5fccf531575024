#ifndef FUSEBOX_TESTS_CORE_RANDOM_LIMITS_H_
#define FUSEBOX_TESTS_CORE_RANDOM_LIMITS_H_

#include <rapidcheck.h>

#include <algorithm>
#include <ostream>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/guard.h"
#include "core/random_world.h"

namespace fusebox {

// A policy with some of the limits, in small numbers, so that short stories reach every corner.
struct LimitedPolicy {
  Policy policy;
};

// One thing that happens to a breaker with limits, with everything that it may need.
struct Event {
  enum Kind { kAsk, kRecord, kReplay, kRefuse, kPass, kPolicy, kReset, kOverride, kTrim };

  Kind kind = kPass;
  uint32_t pick = 0;     // Which call, policy or override.
  uint32_t attempt = 1;  // Of a question, as are the next.
  bool hedge = false;
  uint32_t key = 0;  // Of KeyOf().
  bool retry_unknown = false;
  int outcome = 0;  // Of a call that ended.
  int64_t ms = 0;   // How much time passes.
};

// None, or one of a few.
inline absl::string_view KeyOf(const Event& event) {
  constexpr absl::string_view kKeys[] = {"", "a", "b", "c", "d"};
  return kKeys[event.key];
}

inline Question QuestionOf(const Event& event) {
  return {.attempt = event.attempt,
          .hedge = event.hedge,
          .idempotency_key = KeyOf(event),
          .retry_unknown = event.retry_unknown};
}

inline std::ostream& operator<<(std::ostream& out, const Event& event) {
  constexpr const char* kNames[] = {"ask",    "record", "replay",   "refuse", "pass",
                                    "policy", "reset",  "override", "trim"};
  return out << absl::StrCat(kNames[event.kind], "(pick ", event.pick, ", attempt ", event.attempt,
                             ", hedge ", event.hedge, ", key '", KeyOf(event), "', retry-unknown ",
                             event.retry_unknown, ", outcome ", event.outcome, ", ms ", event.ms,
                             ")");
}

inline std::ostream& operator<<(std::ostream& out, const LimitedPolicy& limited) {
  const Policy& p = limited.policy;
  return out << p
             << absl::StrCat("{bulkhead ", p.bulkhead.max_concurrent, " for ",
                             absl::FormatDuration(p.bulkhead.lease_timeout), ", rate ",
                             p.rate_limit.rate, " per ", absl::FormatDuration(p.rate_limit.per),
                             " burst ", p.rate_limit.burst, ", keys ", p.idempotency.max_keys,
                             " for ", absl::FormatDuration(p.idempotency.ttl), "}");
}

inline rc::Gen<Event> AnyEvent() {
  return rc::gen::build<Event>(
      rc::gen::set(&Event::kind, rc::gen::weightedElement<Event::Kind>({{40, Event::kAsk},
                                                                        {25, Event::kRecord},
                                                                        {4, Event::kReplay},
                                                                        {4, Event::kRefuse},
                                                                        {15, Event::kPass},
                                                                        {3, Event::kPolicy},
                                                                        {1, Event::kReset},
                                                                        {3, Event::kOverride},
                                                                        {2, Event::kTrim}})),
      rc::gen::set(&Event::pick, rc::gen::inRange<uint32_t>(0, 1'000)),
      rc::gen::set(&Event::attempt, OneOf<uint32_t>({1, 1, 1, 2, 3})),
      rc::gen::set(&Event::hedge, OneOf<bool>({false, false, false, true})),
      rc::gen::set(&Event::key, rc::gen::inRange<uint32_t>(0, 5)),
      rc::gen::set(&Event::retry_unknown, rc::gen::arbitrary<bool>()),
      rc::gen::set(&Event::outcome, OneOf<int>({0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5})),
      rc::gen::set(&Event::ms, OneOf<int64_t>({0, 1, 50, 99, 100, 333, 1'000, 5'000, 61'000})));
}

// A story of up to so many events. Shorter ones are tried when it fails.
inline rc::Gen<std::vector<Event>> AnyEvents(int at_most) {
  return rc::gen::resize(at_most, rc::gen::container<std::vector<Event>>(AnyEvent()));
}

inline rc::Gen<BulkheadPolicy> AnyBulkheadPolicy() {
  using P = BulkheadPolicy;
  return rc::gen::build<P>(
      rc::gen::set(&P::max_concurrent, OneOf<uint32_t>({0, 1, 2, 3, 6})),
      rc::gen::set(&P::lease_timeout,
                   OneOf<absl::Duration>({absl::Milliseconds(100), absl::Seconds(1),
                                          absl::Seconds(5), absl::Seconds(60)})));
}

inline rc::Gen<RateLimitPolicy> AnyRateLimitPolicy() {
  using P = RateLimitPolicy;
  return rc::gen::build<P>(
      rc::gen::set(&P::rate, OneOf<uint32_t>({0, 1, 3, 7, 50})),
      rc::gen::set(&P::per, OneOf<absl::Duration>({absl::Milliseconds(50), absl::Seconds(1),
                                                   absl::Nanoseconds(1'000'000'007)})),
      rc::gen::set(&P::burst, OneOf<uint32_t>({0, 1, 2, 10})));
}

inline rc::Gen<IdempotencyPolicy> AnyIdempotencyPolicy() {
  using P = IdempotencyPolicy;
  return rc::gen::build<P>(
      rc::gen::set(&P::ttl, OneOf<absl::Duration>({absl::ZeroDuration(), absl::Milliseconds(100),
                                                   absl::Seconds(5), absl::Minutes(5)})),
      rc::gen::set(&P::max_keys, OneOf<uint32_t>({1, 2, 3, 100})));
}

inline rc::Gen<LimitedPolicy> AnyLimitedPolicy() {
  const auto parts = rc::gen::tuple(AnyPolicy(), AnyBulkheadPolicy(), AnyRateLimitPolicy(),
                                    AnyIdempotencyPolicy());
  return rc::gen::map(
      parts,
      [](const std::tuple<Policy, BulkheadPolicy, RateLimitPolicy, IdempotencyPolicy>& drawn) {
        LimitedPolicy limited{std::get<0>(drawn)};
        limited.policy.bulkhead = std::get<1>(drawn);
        limited.policy.rate_limit = std::get<2>(drawn);
        limited.policy.idempotency = std::get<3>(drawn);
        return limited;
      });
}

// Those that a story may switch between; the first rules at the start.
inline rc::Gen<std::vector<LimitedPolicy>> AnyLimitedPolicies() {
  return rc::gen::container<std::vector<LimitedPolicy>>(3, AnyLimitedPolicy());
}

// Where everything stands that a question may take and a refusal must give back.
struct Holdings {
  uint32_t tokens = 0;  // Of the rate limit, that are there;
  uint64_t tokens_granted = 0;
  uint32_t places = 0;  // of the bulkhead, that are taken;
  uint64_t places_granted = 0;
  uint32_t keys = 0;  // and that are remembered.
  uint64_t begun = 0;
  int64_t balance = 0;  // Of the private budget, in thousandths of a retry.
  uint64_t spent = 0;   // In retries.
  uint32_t probes = 0;

  friend bool operator==(const Holdings&, const Holdings&) = default;
};

inline Holdings StandingOf(const Snapshot& snapshot) {
  const RateLimitStatus rate_limit = snapshot.rate_limit.value_or(RateLimitStatus());
  const BulkheadStatus bulkhead = snapshot.bulkhead.value_or(BulkheadStatus());
  const IdempotencyStatus keys = snapshot.idempotency.value_or(IdempotencyStatus());
  return {.tokens = rate_limit.available,
          .tokens_granted = rate_limit.granted,
          .places = bulkhead.in_use,
          .places_granted = bulkhead.granted,
          .keys = keys.keys,
          .begun = keys.begun,
          .balance = snapshot.budget_balance,
          .spent = snapshot.budget_spent,
          .probes = snapshot.probes};
}

// Fails the story unless everything stands as it is expected to.
inline void ExpectStanding(const Holdings& expected, const Holdings& actual) {
  if (expected == actual) return;
  const auto show = [](const Holdings& s) {
    return absl::StrCat("{tokens ", s.tokens, " of ", s.tokens_granted, " granted, places ",
                        s.places, " of ", s.places_granted, ", keys ", s.keys, " of ", s.begun,
                        ", balance ", s.balance, " after ", s.spent, ", probes ", s.probes, "}");
  };
  RC_FAIL(absl::StrCat("expected ", show(expected), ", not ", show(actual)));
}

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_CORE_RANDOM_LIMITS_H_
