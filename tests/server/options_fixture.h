#ifndef FUSEBOX_TESTS_SERVER_OPTIONS_FIXTURE_H_
#define FUSEBOX_TESTS_SERVER_OPTIONS_FIXTURE_H_

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "server/options/options.h"

namespace fusebox {

using config::v1::ServerOptions;
using google::protobuf::FieldDescriptor;

// A server that is about to start: its arguments, its environment and its file.
class OptionsTest : public ::testing::Test {
 public:
  ~OptionsTest() override {
    if (!path_.empty()) std::remove(path_.c_str());
  }

 protected:
  // Writes the file and has FUSEBOX_CONFIG name it.
  void File(absl::string_view text) {
    path_ = absl::StrCat(testing::TempDir(), getpid(), "-",
                         testing::UnitTest::GetInstance()->current_test_info()->name(), ".yaml");
    std::ofstream(path_, std::ios::binary) << text;
    environment_["FUSEBOX_CONFIG"] = path_;
  }

  absl::StatusOr<Options> Parse(std::vector<const char*> flags = {}) {
    flags.insert(flags.begin(), "fusebox");
    return ParseOptions(static_cast<int>(flags.size()), flags.data(),
                        [this](absl::string_view name) -> std::optional<std::string> {
                          const auto value = environment_.find(std::string(name));
                          if (value == environment_.end()) return std::nullopt;
                          return value->second;
                        });
  }

  ServerOptions Server(const std::vector<const char*>& flags = {}) {
    const absl::StatusOr<Options> options = Parse(flags);
    EXPECT_TRUE(options.ok()) << options.status();
    return options.ok() ? options->config.server() : ServerOptions();
  }

  // The lines of the error, with FILE for the file's name; none if there is no error.
  std::vector<std::string> Errors(const std::vector<const char*>& flags = {}) {
    const absl::StatusOr<Options> options = Parse(flags);
    if (options.ok()) return {};
    EXPECT_EQ(options.status().code(), absl::StatusCode::kInvalidArgument);
    std::vector<std::string> lines = absl::StrSplit(options.status().message(), '\n');
    for (std::string& line : lines) {
      if (!path_.empty()) line = absl::StrReplaceAll(line, {{path_, "FILE"}});
    }
    return lines;
  }

  std::map<std::string, std::string> environment_;
  std::string path_;
};

inline std::vector<const FieldDescriptor*> AllFields() {
  std::vector<const FieldDescriptor*> fields;
  const auto* type = ServerOptions::descriptor();
  for (int i = 0; i < type->field_count(); ++i) fields.push_back(type->field(i));
  return fields;
}

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_SERVER_OPTIONS_FIXTURE_H_
