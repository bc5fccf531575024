// What is built into the program is what is in the folder.
#include "server/pages/assets.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace fusebox {
namespace {

TEST(AssetsTest, ThePageLoadsNothingThatIsNotThere) {
  const Asset* index = FindAsset("index.html");
  ASSERT_NE(index, nullptr);
  EXPECT_EQ(index->content_type, "text/html; charset=utf-8");
  for (const absl::string_view name : {"style.css", "app.js", "icon.svg"}) {
    EXPECT_TRUE(absl::StrContains(index->body, absl::StrCat("/ui/", name))) << name;
    EXPECT_NE(FindAsset(name), nullptr) << name;
  }
}

TEST(AssetsTest, EachHasATypeThatBrowsersTake) {
  for (const Asset& asset : Assets()) {
    EXPECT_FALSE(asset.body.empty()) << asset.name;
    const absl::string_view type = asset.content_type;
    if (absl::EndsWith(asset.name, ".js")) {
      EXPECT_EQ(type, "text/javascript; charset=utf-8") << asset.name;
    }
    if (absl::EndsWith(asset.name, ".css")) {
      EXPECT_EQ(type, "text/css; charset=utf-8");
    }
  }
}

// Bytes beyond ASCII come through whole, such as the shapes of states.
TEST(AssetsTest, TextsAreWhole) {
  const Asset* format = FindAsset("format.js");
  ASSERT_NE(format, nullptr);
  EXPECT_TRUE(absl::StrContains(format->body, "OPEN: \"\xE2\x96\xA0\""));
  EXPECT_TRUE(absl::EndsWith(format->body, "}\n"));
}

// No content delivery network: the page works where there is no internet.
TEST(AssetsTest, NothingIsLoadedFromElsewhere) {
  for (const Asset& asset : Assets()) {
    for (const absl::string_view way : {"src=\"http", "href=\"http", "from \"http", "url(http"}) {
      EXPECT_FALSE(absl::StrContains(asset.body, way)) << asset.name;
    }
  }
}

TEST(AssetsTest, AnUnknownOneIsNone) { EXPECT_EQ(FindAsset("../secret"), nullptr); }

}  // namespace
}  // namespace fusebox
