// Which reports were applied outlives a stream, for a while and for so many sessions.
#include "server/session/session_book.h"

#include "server/engine/engine_fixture.h"

namespace fusebox {
namespace {

using Claim = SessionPage::Claim;

class SessionBookTest : public ::testing::Test {
 protected:
  SessionBook::Opened Open(absl::string_view id, bool resume = true,
                           absl::string_view caller = "") {
    const auto opened = book_.Open(id, caller, resume, now_);
    EXPECT_TRUE(opened.ok()) << opened.status();
    return *opened;
  }

  Tick now_ = Tick::FromNanos(1'000'000'000'000);
  SessionBook book_{/*max_sessions=*/2, /*resume_time=*/absl::Seconds(30)};
};

// A client that comes back goes on where it was.
TEST_F(SessionBookTest, GoesOnAfterABreak) {
  const SessionBook::Opened first = Open("a");
  EXPECT_FALSE(first.resumed);
  EXPECT_EQ(first.applied, 0u);
  for (const uint64_t sequence : {1, 2, 3}) {
    EXPECT_EQ(first.page->ClaimReport(sequence, first.owner), Claim::kApply);
  }
  book_.Close("a", first.owner, now_);
  now_ += absl::Seconds(29);
  const SessionBook::Opened second = Open("a");
  EXPECT_TRUE(second.resumed);
  EXPECT_EQ(second.applied, 3u);
  EXPECT_EQ(second.page->ClaimReport(3, second.owner), Claim::kRepeated);
  EXPECT_EQ(second.page->ClaimReport(5, second.owner), Claim::kGap);
  EXPECT_EQ(second.page->ClaimReport(4, second.owner), Claim::kApply);
}

// It is not kept for ever.
TEST_F(SessionBookTest, ForgetsAfterTheResumeTime) {
  book_.Close("a", Open("a").owner, now_);
  now_ += absl::Seconds(30);
  EXPECT_FALSE(Open("a").resumed);
}

// One that came back in between is not forgotten for its earlier end.
TEST_F(SessionBookTest, CountsTheResumeTimeFromTheLastEnd) {
  book_.Close("a", Open("a").owner, now_);
  now_ += absl::Seconds(20);
  book_.Close("a", Open("a").owner, now_);
  now_ += absl::Seconds(20);
  EXPECT_TRUE(Open("a").resumed);
  now_ += absl::Hours(1);
  book_.Close("b", Open("b").owner, now_);
  EXPECT_TRUE(Open("a").resumed);  // It lives.
}

// The client notices a break before the server does: its new stream takes over at once.
TEST_F(SessionBookTest, ANewStreamTakesOver) {
  const SessionBook::Opened first = Open("a"), second = Open("a");
  EXPECT_EQ(second.replaced, first.owner);
  EXPECT_EQ(first.page->ClaimReport(1, first.owner), Claim::kNotOwner);
  EXPECT_EQ(second.page->ClaimReport(1, second.owner), Claim::kApply);
  book_.Close("a", first.owner, now_);  // Noticed at last: nothing.
  EXPECT_EQ(book_.live(), 1u);
  EXPECT_EQ(second.page->ClaimReport(2, second.owner), Claim::kApply);
}

// What another life of the client's server knew says nothing here.
TEST_F(SessionBookTest, BeginsAnewWhereItMayNotResume) {
  const SessionBook::Opened first = Open("a");
  EXPECT_EQ(first.page->ClaimReport(1, first.owner), Claim::kApply);
  const SessionBook::Opened second = Open("a", /*resume=*/false);
  EXPECT_FALSE(second.resumed);
  EXPECT_EQ(second.applied, 0u);
  EXPECT_EQ(first.page->ClaimReport(2, first.owner), Claim::kNotOwner);
  EXPECT_EQ(book_.live(), 1u);
}

// Both what lives and what is remembered is bounded.
TEST_F(SessionBookTest, IsBounded) {
  const SessionBook::Opened a = Open("a"), b = Open("b");
  ExpectError(book_.Open("c", "", true, now_).status(), absl::StatusCode::kResourceExhausted,
              "TOO_MANY_SESSIONS", {"all 2", "--max-sessions"});
  EXPECT_EQ(Open("b").replaced, b.owner);  // It takes no further place.
  book_.Close("a", a.owner, now_);
  for (const char* id : {"c", "d"}) book_.Close(id, Open(id).owner, now_);
  EXPECT_EQ(book_.live(), 1u);
  EXPECT_TRUE(Open("d").resumed);
  book_.Close("d", Open("d").owner, now_);
  EXPECT_FALSE(Open("a").resumed);  // The one that ended first made way.
}

// An id is 128 random bits; that somebody else has it is no accident, or else the same client under
// a new name, which then begins anew.
TEST_F(SessionBookTest, IsOfOneCallerAtATime) {
  const SessionBook::Opened opened = Open("a", true, "payments");
  ExpectError(book_.Open("a", "cart", true, now_).status(), absl::StatusCode::kAborted,
              "SESSION_ID_IN_USE", {"another caller"});
  EXPECT_EQ(opened.page->ClaimReport(1, opened.owner), Claim::kApply);
  book_.Close("a", opened.owner, now_);
  const SessionBook::Opened renamed = Open("a", true, "cart");
  EXPECT_FALSE(renamed.resumed);
  EXPECT_EQ(renamed.applied, 0u);
}

}  // namespace
}  // namespace fusebox
