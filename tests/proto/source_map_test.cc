// Which line, flag or variable set a field.
#include "proto/yaml/source_map.h"

#include "gtest/gtest.h"

namespace fusebox {
namespace {

TEST(SourceMapTest, NamesAFieldByTheNearestThingThatSetIt) {
  SourceMap sources("f.yaml");
  sources.SetLine("policies", 3);
  sources.SetLine("policies[0]", 4);
  sources.SetLine("policies[0].name", 5);
  EXPECT_EQ(sources.Name("policies[0].name"), "f.yaml:5: policies[0].name");
  EXPECT_EQ(sources.Name("policies[0].circuit_breaker.jitter"),
            "f.yaml:4: policies[0].circuit_breaker.jitter");
  EXPECT_EQ(sources.Name("policies[1]"), "f.yaml:3: policies[1]");
  EXPECT_EQ(sources.Name("server.listen"), "f.yaml: server.listen");
  EXPECT_EQ(sources.Locate("policies[0].circuit_breaker"), "f.yaml:4");
  EXPECT_EQ(sources.Locate("server"), "f.yaml");
  EXPECT_EQ(sources.Line("server"), 0);
}

TEST(SourceMapTest, LetsAnOriginOverruleTheFile) {
  SourceMap sources("f.yaml");
  sources.SetLine("server.listen", 2);
  sources.SetLine("server.listen[0]", 2);
  sources.SetOrigin("server.listen", "--listen");
  EXPECT_EQ(sources.Name("server.listen[0]"), "--listen");
  EXPECT_EQ(sources.Locate("server.listen"), "--listen");
}

TEST(SourceMapTest, NamesAFieldByItsPathWithoutAFile) {
  EXPECT_EQ(SourceMap().Name("server.listen"), "server.listen");
  EXPECT_EQ(SourceMap().Locate("server.listen"), "");
}

}  // namespace
}  // namespace fusebox
