// What every store promises, of each of them.
#include "server/store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/store/memory_store.h"
#include "server/store/sqlite_store.h"
#include "testing/temporary_directory.h"

namespace fusebox {
namespace {

using ::testing::ElementsAre;
using ::testing::FieldsAre;
using ::testing::IsEmpty;
using Row = std::tuple<Table, std::string, std::string>;

enum class Kind : uint8_t { kMemory, kSqlite };

class StoreTest : public ::testing::TestWithParam<Kind> {
 protected:
  StoreTest() {
    if (GetParam() == Kind::kMemory) {
      store_ = std::make_unique<MemoryStore>();
    } else {
      store_ = *SqliteStore::Open({.data_dir = directory_.path() + "/data"});
    }
    EXPECT_THAT(Rows(), IsEmpty());
  }

  std::vector<Row> Rows() {
    std::vector<Row> rows;
    const absl::Status read = store_->Read([&rows](const RowView& row) {
      rows.emplace_back(row.table, std::string(row.key), std::string(row.value));
    });
    EXPECT_TRUE(read.ok()) << read;
    return rows;
  }

  void Commit(const Changes& changes) {
    const absl::Status committed = store_->Commit(changes);
    EXPECT_TRUE(committed.ok()) << committed;
  }

  TemporaryDirectory directory_;
  std::unique_ptr<Store> store_;
};

TEST_P(StoreTest, ShowsWhatWasPut) {
  Changes changes;
  changes.Put(Table::kPolicies, "payments", "v1");
  Commit(changes);
  EXPECT_THAT(Rows(), ElementsAre(FieldsAre(Table::kPolicies, "payments", "v1")));
}

TEST_P(StoreTest, ShowsRowsByTableAndKeyInTheOrderOfBytes) {
  Changes changes;
  changes.Put(Table::kBreakers, "b", "1");
  changes.Put(Table::kBreakers, std::string("a\0b", 3), "2");
  changes.Put(Table::kBreakers, "a", "3");
  changes.Put(Table::kBreakers, "\xff", "4");
  changes.Put(Table::kServer, "z", "5");
  Commit(changes);
  EXPECT_THAT(
      Rows(),
      ElementsAre(FieldsAre(Table::kServer, "z", "5"), FieldsAre(Table::kBreakers, "a", "3"),
                  FieldsAre(Table::kBreakers, std::string("a\0b", 3), "2"),
                  FieldsAre(Table::kBreakers, "b", "1"), FieldsAre(Table::kBreakers, "\xff", "4")));
}

TEST_P(StoreTest, TheLaterOfTwoChangesOfOneRowHolds) {
  Changes changes;
  changes.Put(Table::kPolicies, "a", "old");
  changes.Put(Table::kPolicies, "a", "new");
  changes.Put(Table::kPolicies, "b", "gone");
  changes.Erase(Table::kPolicies, "b");
  changes.Erase(Table::kPolicies, "c");
  changes.Put(Table::kPolicies, "c", "back");
  Commit(changes);
  EXPECT_THAT(Rows(), ElementsAre(FieldsAre(Table::kPolicies, "a", "new"),
                                  FieldsAre(Table::kPolicies, "c", "back")));
}

TEST_P(StoreTest, TablesDoNotShareKeys) {
  Changes changes;
  changes.Put(Table::kPolicies, "a", "policy");
  changes.Put(Table::kRetryBudgets, "a", "budget");
  Commit(changes);
  Changes erasure;
  erasure.Erase(Table::kPolicies, "a");
  Commit(erasure);
  EXPECT_THAT(Rows(), ElementsAre(FieldsAre(Table::kRetryBudgets, "a", "budget")));
}

TEST_P(StoreTest, KeysAndValuesAreAnyBytes) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
  Changes changes;
  changes.Put(Table::kOverrides, bytes, bytes);
  changes.Put(Table::kOverrides, "empty", "");
  changes.Put(Table::kOverrides, "large", std::string(1 << 20, 'x'));
  Commit(changes);
  EXPECT_THAT(Rows(),
              ElementsAre(FieldsAre(Table::kOverrides, bytes, bytes),
                          FieldsAre(Table::kOverrides, "empty", ""),
                          FieldsAre(Table::kOverrides, "large", std::string(1 << 20, 'x'))));
}

TEST_P(StoreTest, ReplaceForgetsAllElse) {
  Changes changes;
  changes.Put(Table::kPolicies, "a", "1");
  changes.Put(Table::kTransitions, "7", "2");
  Commit(changes);
  const absl::Status replaced = store_->Replace([](Store::Show show) {
    show({Table::kPolicies, "b", "3"});
    show({Table::kBreakers, "c", "4"});
  });
  ASSERT_TRUE(replaced.ok()) << replaced;
  EXPECT_THAT(Rows(), ElementsAre(FieldsAre(Table::kPolicies, "b", "3"),
                                  FieldsAre(Table::kBreakers, "c", "4")));
  Changes more;
  more.Put(Table::kPolicies, "d", "5");
  Commit(more);
  EXPECT_EQ(Rows().size(), 3);
}

INSTANTIATE_TEST_SUITE_P(All, StoreTest, ::testing::Values(Kind::kMemory, Kind::kSqlite),
                         [](const auto& info) {
                           return info.param == Kind::kMemory ? "Memory" : "Sqlite";
                         });

}  // namespace
}  // namespace fusebox
