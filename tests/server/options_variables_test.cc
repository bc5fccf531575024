// A variable that nobody reads, and was meant for the server, is found.
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/options/command_line.h"
#include "server/options/variables.h"
#include "server/options_fixture.h"

namespace fusebox {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::Not;

auto IsSlip(const std::string& name, const std::string& meant) {
  return AllOf(Field("name", &Misspelt::name, name), Field("meant", &Misspelt::meant, meant));
}

TEST(MisspeltVariablesTest, NamesWhatWasMeant) {
  EXPECT_THAT(
      MisspeltVariables({"PATH", "FUSEBOX_MAX_BREAKER", "FUSEBOX_LSITEN", "FUSEBOX_COMFIG"}),
      ElementsAre(IsSlip("FUSEBOX_MAX_BREAKER", "FUSEBOX_MAX_BREAKERS"),
                  IsSlip("FUSEBOX_LSITEN", "FUSEBOX_LISTEN"),
                  IsSlip("FUSEBOX_COMFIG", "FUSEBOX_CONFIG")));
  EXPECT_THAT(MisspeltVariables({"FUSEBOX_max_breakers"}),
              ElementsAre(IsSlip("FUSEBOX_max_breakers", "FUSEBOX_MAX_BREAKERS")));
}

TEST(MisspeltVariablesTest, EveryOptionsOwnIsNone) {
  std::vector<std::string> names = {kConfigVariable};
  for (const FieldDescriptor* field : AllFields()) names.push_back(VariableOf(field));
  EXPECT_THAT(MisspeltVariables(names), IsEmpty());
}

TEST(MisspeltVariablesTest, EveryOptionIsMissedByALetter) {
  for (const FieldDescriptor* field : AllFields()) {
    const std::string meant = VariableOf(field);
    const std::string name = absl::StrCat(meant, "X");
    EXPECT_THAT(MisspeltVariables({name}), ElementsAre(IsSlip(name, meant)));
  }
}

TEST(MisspeltVariablesTest, WhatIsSomebodyElsesIsLeftAlone) {
  EXPECT_THAT(
      MisspeltVariables({"FUSEBOX_SERVER", "FUSEBOX_TOKEN", "FUSEBOX_TLS", "FUSEBOX_TLS_CA",
                         "FUSEBOX_TLS_CLIENT_CERT", "FUSEBOX_WAIT_TIMEOUT", "FUSEBOX_LIST_LIMIT"}),
      IsEmpty())
      << "fuseboxctl's";
  EXPECT_THAT(MisspeltVariables({"FUSEBOX_PORT", "FUSEBOX_PORT_7400_TCP_ADDR",
                                 "FUSEBOX_SERVICE_HOST", "FUSEBOX_CANARY_SERVICE_PORT_GRPC"}),
              IsEmpty())
      << "made by Kubernetes";
  EXPECT_THAT(MisspeltVariables({"LISTEN", "FUSEBOX", "FUSEBOX_", ""}), IsEmpty());
}

TEST(ProcessVariablesTest, AreThoseThatAreSet) {
  ASSERT_EQ(setenv("FUSEBOX_VARIABLES_TEST", "a=b", 1), 0);
  EXPECT_THAT(ProcessVariables(), Contains("FUSEBOX_VARIABLES_TEST"));
  ASSERT_EQ(unsetenv("FUSEBOX_VARIABLES_TEST"), 0);
  EXPECT_THAT(ProcessVariables(), Not(Contains("FUSEBOX_VARIABLES_TEST")));
}

}  // namespace
}  // namespace fusebox
