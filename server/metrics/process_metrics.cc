#include "server/metrics/process_metrics.h"

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "server/metrics/family.h"

namespace fusebox {
namespace {

using prometheus::MetricFamily;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// The word at `index` in the first line that begins with `prefix`, as a number.
std::optional<uint64_t> NumberInLine(absl::string_view text, absl::string_view prefix,
                                     size_t index) {
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::StartsWith(line, prefix)) continue;
    const std::vector<absl::string_view> words =
        absl::StrSplit(line.substr(prefix.size()), ' ', absl::SkipEmpty());
    uint64_t number = 0;
    if (index < words.size() && absl::SimpleAtoi(words[index], &number)) return number;
    return std::nullopt;
  }
  return std::nullopt;
}

// The fields of /proc/<pid>/stat as proc(5) numbers them.
class Stat {
 public:
  explicit Stat(const std::string& text) {
    // The second field is the program's name in parentheses, and may itself hold any character.
    const size_t name_end = text.rfind(')');
    if (name_end != std::string::npos) fields_ = text.substr(name_end + 1);
  }

  std::optional<uint64_t> Field(size_t number) const {
    constexpr size_t kFirst = 3;
    return NumberInLine(fields_, "", number - kFirst);
  }

 private:
  std::string fields_;
};

void AddTimes(const Stat& stat, absl::Time boot, std::vector<MetricFamily>& families) {
  const auto ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  const std::optional<uint64_t> user = stat.Field(14), system = stat.Field(15);
  if (user.has_value() && system.has_value()) {
    families.push_back(Counter("process_cpu_seconds_total",
                               "CPU time of the process, user and system, in seconds.",
                               static_cast<double>(*user + *system) / ticks_per_second));
  }
  if (const std::optional<uint64_t> started = stat.Field(22)) {
    families.push_back(Gauge("process_start_time_seconds",
                             "When the process started, in seconds since 1970.",
                             static_cast<double>(absl::ToUnixMillis(boot)) / 1e3 +
                                 static_cast<double>(*started) / ticks_per_second));
  }
}

void AddMemory(const Stat& stat, std::vector<MetricFamily>& families) {
  if (const std::optional<uint64_t> bytes = stat.Field(23)) {
    families.push_back(Gauge("process_virtual_memory_bytes", "Address space in use, in bytes.",
                             static_cast<double>(*bytes)));
  }
  if (const std::optional<uint64_t> pages = stat.Field(24)) {
    families.push_back(
        Gauge("process_resident_memory_bytes", "Memory in use, in bytes.",
              static_cast<double>(*pages) * static_cast<double>(sysconf(_SC_PAGESIZE))));
  }
}

void AddFiles(const std::string& self, std::vector<MetricFamily>& families) {
  std::error_code error;
  size_t open = 0;
  for (std::filesystem::directory_iterator it(self + "/fd", error), end; !error && it != end;
       it.increment(error)) {
    ++open;
  }
  if (!error) {
    families.push_back(
        Gauge("process_open_fds", "File descriptors that are open.", static_cast<double>(open)));
  }
  if (const auto max = NumberInLine(ReadFile(self + "/limits"), "Max open files ", 0)) {
    families.push_back(
        Gauge("process_max_fds", "File descriptors that may be open.", static_cast<double>(*max)));
  }
}

}  // namespace

absl::Time ProcessMetrics::BootTime() {
  timespec since_boot{};
  clock_gettime(CLOCK_BOOTTIME, &since_boot);
  return absl::Now() - absl::DurationFromTimespec(since_boot);
}

std::vector<MetricFamily> ProcessMetrics::Collect() const {
  const std::string self = absl::StrCat(proc_, "/self");
  const Stat stat(ReadFile(self + "/stat"));
  std::vector<MetricFamily> families;
  AddTimes(stat, boot_, families);
  AddMemory(stat, families);
  AddFiles(self, families);
  return families;
}

}  // namespace fusebox
