#include "server/process/signals.h"

#include <pthread.h>

#include <thread>

namespace fusebox {

StopRequests::StopRequests() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGTERM);
  sigaddset(&signals_, SIGINT);
  sigaddset(&signals_, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

void StopRequests::Wait(const std::function<void()>& reload) const {
  int signal = 0;
  while (sigwait(&signals_, &signal) == 0 && signal == SIGHUP) reload();
}

void StopRequests::WaitDuring(const std::function<void()>& work,
                              const std::function<void()>& hurry) const {
  std::thread waiting([this, &hurry] {
    Wait([] {});  // What is about to stop reads nothing more.
    hurry();
  });
  work();
  // Ends the wait, if nobody else did.
  pthread_kill(waiting.native_handle(), SIGINT);
  waiting.join();
}

}  // namespace fusebox
