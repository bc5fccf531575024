// Only what this server granted, for this breaker, comes back.
#include <limits>

#include "server/engine/engine_fixture.h"
#include "server/engine/permit_seal.h"

namespace fusebox {
namespace {

constexpr uint64_t kFirstEpoch = uint64_t{1'000} << TransitionNumbers::kCounterBits;

// A server that has handed out some epochs.
class PermitSealTest : public ::testing::Test {
 protected:
  static constexpr uint64_t kEpochs = 10;

  PermitSealTest() {
    while (numbers_.next_epoch() < kFirstEpoch + kEpochs) numbers_.NextEpoch();
  }

  TransitionNumbers numbers_{1'000};
};

Permit SomePermit() { return {.epoch = kFirstEpoch + 3, .number = 41, .attempt = 2}; }

std::string Bytes(const SealedPermit& sealed) { return std::string(sealed.bytes()); }

void ExpectInvalid(const absl::Status& status, const std::vector<std::string>& named = {}) {
  ExpectError(status, absl::StatusCode::kInvalidArgument, "PERMIT_INVALID", named);
  EXPECT_EQ(ErrorField(status), "permit");
}

// Everything that the guard will ask about the call survives the way to the caller and back.
TEST_F(PermitSealTest, OpensWhatItSealed) {
  const PermitSeal seal(numbers_);
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  for (const uint64_t number : {uint64_t{0}, uint64_t{1} << 40, kMax}) {
    for (const bool votes : {false, true}) {
      for (const bool earns : {false, true}) {
        const Permit permit{.epoch = kFirstEpoch + 1,
                            .number = number,
                            .attempt = 7,
                            .votes = votes,
                            .earns = earns};
        const absl::StatusOr<OpenedPermit> opened =
            seal.Open(seal.Seal(permit, 0xfeedbeef, "db/orders").bytes(), "db/orders");
        ASSERT_TRUE(opened.ok()) << opened.status();
        EXPECT_EQ(opened->slot, 0xfeedbeef);
        EXPECT_EQ(opened->permit.epoch, permit.epoch);
        EXPECT_EQ(opened->permit.number, number);
        EXPECT_EQ(opened->permit.attempt, 7u);
        EXPECT_EQ(opened->permit.votes, votes);
        EXPECT_EQ(opened->permit.earns, earns);
      }
    }
  }
}

// One breaker's permit must not vote in another.
TEST_F(PermitSealTest, RefusesThePermitOfAnotherBreaker) {
  const PermitSeal seal(numbers_);
  const SealedPermit sealed = seal.Seal(SomePermit(), 1, "db/orders");
  ExpectInvalid(seal.Open(sealed.bytes(), "db/users").status(), {"another breaker"});
  ExpectInvalid(seal.Open(sealed.bytes(), "db/order").status());
  ExpectInvalid(seal.Open(sealed.bytes(), std::string(5'000, 'x')).status());
}

// Two servers may be of one life; their permits are their own.
TEST_F(PermitSealTest, RefusesThePermitOfAnotherServer) {
  const PermitSeal ours(numbers_), theirs(numbers_);
  const SealedPermit sealed = theirs.Seal(SomePermit(), 1, "db/orders");
  ExpectInvalid(ours.Open(sealed.bytes(), "db/orders").status(), {"corrupt"});
}

// Not a permit at all.
TEST_F(PermitSealTest, RefusesWhatHasTheWrongSize) {
  const PermitSeal seal(numbers_);
  const std::string whole = Bytes(seal.Seal(SomePermit(), 1, "db/orders"));
  for (const size_t size : {0, 1, 33, 35, 1'000'000}) {
    std::string bytes = whole;
    bytes.resize(size);
    ExpectInvalid(seal.Open(bytes, "db/orders").status(),
                  {"of " + std::to_string(size) + " bytes", "Allow"});
  }
}

// No single wrong bit passes as a permit of this life. One that now looks like that of another life
// cannot be checked; it is late and earns nothing, so it does no harm.
TEST_F(PermitSealTest, AWrongBitAnywhereVotesForNothing) {
  const PermitSeal seal(numbers_);
  const std::string whole = Bytes(seal.Seal(SomePermit(), 1, "db/orders"));
  int refused = 0;
  for (size_t byte = 0; byte < whole.size(); ++byte) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string corrupt = whole;
      corrupt[byte] = static_cast<char>(corrupt[byte] ^ (1 << bit));
      const absl::StatusOr<OpenedPermit> opened = seal.Open(corrupt, "db/orders");
      if (opened.ok()) {
        const uint64_t epoch = opened->permit.epoch;
        EXPECT_TRUE(epoch < kFirstEpoch || epoch >= kFirstEpoch + kEpochs) << byte << "." << bit;
        EXPECT_FALSE(opened->permit.earns) << byte << "." << bit;
      } else {
        ExpectInvalid(opened.status());
        ++refused;
      }
    }
  }
  // All but the bits of the epoch that name one of another life.
  EXPECT_GT(refused, 34 * 8 - 64);
}

class PermitTest : public EngineTest {
 protected:
  absl::StatusOr<Verdict> TryRecord(absl::string_view permit, absl::string_view breaker = kOrders) {
    return engine_.Record(breaker, permit, {.result = Result::Of(Outcome::kFailure)});
  }
};

// Whatever bytes arrive: the answer is an error or "late", the server goes on, nothing is counted,
// and the true permit still counts.
TEST_F(PermitTest, CorruptPermitsCountNothing) {
  const std::string permit = Granted();
  for (size_t byte = 0; byte < permit.size(); ++byte) {
    for (const int flip : {0x01, 0x80, 0xff}) {
      std::string corrupt = permit;
      corrupt[byte] = static_cast<char>(corrupt[byte] ^ flip);
      const absl::StatusOr<Verdict> verdict = TryRecord(corrupt);
      if (verdict.ok()) {
        EXPECT_EQ(verdict->counted, Counted::kLate) << byte;
      } else {
        ExpectInvalid(verdict.status());
      }
    }
  }
  EXPECT_EQ(Look().window.calls, 0u);
  EXPECT_EQ(Look().consecutive_failures, 0u);
  EXPECT_EQ(TryRecord(permit)->counted, Counted::kCounted);
}

// A foreign permit is a mistake of the caller's and is told so; it makes no breaker either.
TEST_F(PermitTest, AForeignPermitIsRefused) {
  ExpectInvalid(TryRecord(Granted(kOrders), kUsers).status());
  EXPECT_EQ(engine_.breakers(), 1u);
}

// Who was told to proceed before a restart may still report; it is too late to matter.
TEST_F(PermitTest, APermitOfAnEarlierLifeIsLate) {
  Engine earlier({}, clock_, kLife - 1);
  const std::string permit(earlier.Allow(kOrders, {}, "")->permit.bytes());
  EXPECT_EQ(TryRecord(permit)->counted, Counted::kLate);
  EXPECT_EQ(engine_.breakers(), 0u);  // It makes none.

  Allow();
  const int64_t balance = Look().budget_balance;
  EXPECT_EQ(Record(permit, Outcome::kSuccess).counted, Counted::kLate);
  EXPECT_EQ(Look().budget_balance, balance);  // It earns nothing: it may be forged.
  EXPECT_EQ(Look().window.calls, 0u);
  EXPECT_EQ(Look().totals.late, 1u);
}

// A wall clock that was set back makes a life before this one look later. Its callers did no wrong.
TEST_F(PermitTest, APermitOfALaterLifeIsLate) {
  Engine later({}, clock_, kLife + 1);
  const std::string permit(later.Allow(kOrders, {}, "")->permit.bytes());
  Allow();
  EXPECT_EQ(TryRecord(permit)->counted, Counted::kLate);
  const int64_t balance = Look().budget_balance;
  EXPECT_EQ(Record(permit, Outcome::kSuccess).counted, Counted::kLate);
  EXPECT_EQ(Look().budget_balance, balance);
  EXPECT_EQ(Look().window.calls, 0u);
}

// A forged slot leads nowhere: the name decides.
TEST_F(PermitTest, ASlotOfNobodyIsSearchedByName) {
  const TransitionNumbers none(0);
  const PermitSeal forger(none);
  Allow(kUsers);
  Allow(kOrders);
  for (const Slot slot : {0u, 1u, 2u, 5'000'000u, ~0u}) {
    const SealedPermit old = forger.Seal({.epoch = 1, .number = 0}, slot, kOrders);
    EXPECT_EQ(TryRecord(old.bytes())->counted, Counted::kLate);
  }
  EXPECT_EQ(Look(kOrders).totals.late, 5u);
  EXPECT_EQ(Look(kUsers).totals.late, 0u);
}

// A probe that is reported twice must not close the breaker by itself.
TEST_F(PermitTest, AReplayedProbeVotesOnce) {
  HalfOpen();
  const std::string probe = Granted();
  EXPECT_EQ(Record(probe, Outcome::kSuccess).counted, Counted::kCounted);
  EXPECT_EQ(Record(probe, Outcome::kSuccess).counted, Counted::kRepeated);
  EXPECT_EQ(Look().state, State::kHalfOpen);
}

}  // namespace
}  // namespace fusebox
