#include "server/registry/slot_memo.h"

#include <gtest/gtest.h>

#include <memory>

namespace fusebox {
namespace {

constexpr size_t kHash = 0x0123'4567'89AB'CDEF;

// As of a name that is asked for again and again.
void NoteOften(SlotMemo& memo, size_t hash, uint32_t slot) {
  for (int i = 0; i < 100; ++i) memo.Note(hash, slot);
}

class SlotMemoTest : public ::testing::Test {
 protected:
  std::unique_ptr<SlotMemo> memo_ = std::make_unique<SlotMemo>();
};

TEST_F(SlotMemoTest, GuessesWhereANameIsThatWasFoundOften) {
  NoteOften(*memo_, kHash, 7);
  EXPECT_EQ(memo_->Guess(kHash), 7u);
}

// A name of the same cell is another one.
TEST_F(SlotMemoTest, GuessesNothingForOthers) {
  NoteOften(*memo_, kHash, 7);
  EXPECT_EQ(memo_->Guess(kHash ^ (size_t{1} << 40)), std::nullopt);
  EXPECT_EQ(memo_->Guess(kHash + 1), std::nullopt);
}

// It was forgotten and made anew.
TEST_F(SlotMemoTest, GuessesWhereANameWasFoundLast) {
  NoteOften(*memo_, kHash, 7);
  NoteOften(*memo_, kHash, 8);
  EXPECT_EQ(memo_->Guess(kHash), 8u);
}

// Very many names that are asked for once each take few cells from those that are asked for often.
TEST_F(SlotMemoTest, NotesFewOfThoseThatComeOnce) {
  constexpr uint32_t kNames = 4'096;
  uint32_t guessed = 0;
  for (uint32_t name = 0; name < kNames; ++name) {
    memo_->Note(name | size_t{1} << 40, name);
    if (memo_->Guess(name | size_t{1} << 40).has_value()) ++guessed;
  }
  EXPECT_EQ(guessed, kNames / 16);
}

}  // namespace
}  // namespace fusebox
