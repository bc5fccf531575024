// Texts that are no YAML, too large, too deep or damaged: an answer, and never a crash.
#include <random>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "fusebox/v1/breaker.pb.h"
#include "fusebox/v1/policy.pb.h"
#include "gmock/gmock.h"
#include "google/protobuf/struct.pb.h"
#include "gtest/gtest.h"
#include "proto/yaml/yaml.h"
#include "proto/yaml_fixture.h"

namespace fusebox {
namespace {

using ::fusebox::v1::BatchRecordRequest;
using ::fusebox::v1::Policy;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

TEST(ReadYamlTest, SaysWhereTheTextIsNoYaml) {
  EXPECT_THAT(Errors<Policy>("name: a\nmatch: [b\nclassification: {}\n"),
              ElementsAre(AllOf(StartsWith("f.yaml:3: this is no YAML: "), HasSubstr("column"),
                                HasSubstr("check indents, colons and quotes"))));
  for (const char* text :
       {"]", "a: b: c", "\"", "- a\nb", "a: *nobody", "&", "!!", "%YAML 9", "{", "a:\n\t- b", "? [",
        "|", ">\n", "@", "`", ": :", "- - -", "*", "--- ---"}) {
    EXPECT_THAT(Errors<Policy>(text), SizeIs(1)) << text;
  }
}

TEST(ReadYamlTest, RefusesASecondDocument) {
  EXPECT_THAT(Errors<Policy>("name: a\n---\nname: b\n"),
              ElementsAre("f.yaml:2: the document is over before this line; remove the --- or the "
                          "stray character"));
}

// yaml-cpp reads endless empty documents from such a text, or a single one.
TEST(ReadYamlTest, RefusesAStrayCharacterThatEndsTheDocument) {
  EXPECT_THAT(Errors<Policy>("# a policy\n,name: a\n"),
              ElementsAre("f.yaml:2: the document is over before this line; remove the --- or the "
                          "stray character"));
  EXPECT_THAT(Errors<Policy>("name: a\n}\n"), ElementsAre(StartsWith("f.yaml:2: ")));
}

// yaml-cpp would stop reading at U+0004 and say nothing.
TEST(ReadYamlTest, RefusesWhatIsNoText) {
  EXPECT_THAT(Errors<Policy>("name: a\n\x04\nbad: key\n"),
              ElementsAre("f.yaml:2: this line holds the control character \"\\x04\"; remove it"));
  EXPECT_THAT(Errors<Policy>(absl::string_view("name: a\0b", 9)),
              ElementsAre("f.yaml:1: this line holds the control character \"\\x00\"; remove it"));
  EXPECT_THAT(Errors<Policy>("name: a\nmatch: [\xff\xfe]\n"),
              ElementsAre("f.yaml:2: this line is not in UTF-8; save the file as UTF-8"));
}

TEST(ReadYamlTest, RefusesATextThatIsTooLarge) {
  std::string text = "name: a\n#";
  text.resize(kMaxYamlBytes, '-');
  EXPECT_EQ(Read<Policy>(text).name(), "a");
  text += '-';
  EXPECT_THAT(Errors<Policy>(text),
              ElementsAre("f.yaml:1: the document has more than 4194304 bytes; make it smaller"));
}

TEST(ReadYamlTest, RefusesAliasesThatGrowBeyondMeasure) {
  std::string text = "items:\n- &i {breaker: &b a, latency: &l 1s, count: 1}\n";
  for (int i = 0; i < 100'000; ++i) absl::StrAppend(&text, "- *i\n");
  EXPECT_THAT(Errors<BatchRecordRequest>(text),
              ElementsAre(AllOf(StartsWith("f.yaml:"),
                                HasSubstr("is one value too many; write at most 200000, counting "
                                          "each use of an alias"))));
}

TEST(ReadYamlTest, RefusesAnAliasThatHoldsItself) {
  EXPECT_THAT(Errors<google::protobuf::Struct>("fields: &f\n  a: {struct_value: {fields: *f}}\n"),
              ElementsAre(HasSubstr("is nested too deep; nest at most 32 levels and let no alias "
                                    "hold itself")));
}

TEST(ReadYamlTest, SurvivesDeepNesting) {
  for (const char* level : {"[", "{a: ", "- ", "? "}) {
    std::string text;
    while (text.size() < 100'000) text += level;
    EXPECT_THAT(Errors<Policy>(text), SizeIs(1)) << level;
    EXPECT_THAT(Errors<Policy>("name: " + text), SizeIs(1)) << level;
  }
}

// Whatever an editor, a disk or an enemy does to a file: an answer, and never a crash.
TEST(ReadYamlTest, SurvivesDamagedText) {
  constexpr unsigned kSeed = 7400;
  constexpr absl::string_view kMarks = "[]{}:,-?&*!|>'\"%@`#~ \n\tab9\xC3\x04";
  std::mt19937 random(kSeed);
  for (int round = 0; round < 5'000; ++round) {
    std::string text = kWholePolicy;
    for (int edits = 1 + static_cast<int>(random() % 6); edits > 0; --edits) {
      const size_t at = random() % text.size();
      const char mark = kMarks[random() % kMarks.size()];
      if (random() % 2 == 0) {
        text[at] = mark;
      } else {
        text.insert(at, 1, mark);
      }
    }
    Policy policy;
    SourceMap sources;
    const absl::Status status = ReadYaml("f.yaml", text, &policy, &sources);
    if (!status.ok()) {
      ASSERT_TRUE(absl::StartsWith(status.message(), "f.yaml:")) << status << "\n" << text;
      continue;
    }
    // What could be read can be written and read again.
    ASSERT_THAT(Read<Policy>(WriteYaml(policy)), EqualsProto(policy)) << text;
  }
}

}  // namespace
}  // namespace fusebox
