#include "client/cli/tool.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"

namespace fusebox::cli {
namespace {

// Attributes of a process that obeys Ctrl-C although this one does not.
class Obedient {
 public:
  Obedient() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGQUIT);
    posix_spawnattr_init(&attributes_);
    posix_spawnattr_setsigdefault(&attributes_, &signals);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGDEF);
  }
  Obedient(const Obedient&) = delete;
  Obedient& operator=(const Obedient&) = delete;
  ~Obedient() { posix_spawnattr_destroy(&attributes_); }

  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

}  // namespace

NoInterrupts::NoInterrupts() {
  struct sigaction ignore = {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGINT, &ignore, &interrupt_);
  sigaction(SIGQUIT, &ignore, &quit_);
}

NoInterrupts::~NoInterrupts() {
  sigaction(SIGINT, &interrupt_, nullptr);
  sigaction(SIGQUIT, &quit_, nullptr);
}

int RunTool(const std::string& command, const std::vector<std::string>& arguments) {
  // "$@" keeps arguments apart whatever they hold; the first after the script is its $0.
  std::vector<std::string> words = {"sh", "-c", absl::StrCat(command, " \"$@\""), "sh"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const NoInterrupts ignored;
  const Obedient attributes;
  pid_t child = 0;
  if (posix_spawn(&child, "/bin/sh", nullptr, attributes.get(), argv.data(), environ) != 0) {
    return -1;
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace fusebox::cli
