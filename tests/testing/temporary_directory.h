#ifndef FUSEBOX_TESTS_TESTING_TEMPORARY_DIRECTORY_H_
#define FUSEBOX_TESTS_TESTING_TEMPORARY_DIRECTORY_H_

#include <cstdlib>
#include <filesystem>
#include <string>

namespace fusebox {

// A directory of its own, gone with everything in it when it goes out of scope.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "fusebox-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_TESTING_TEMPORARY_DIRECTORY_H_
