#ifndef FUSEBOX_SERVER_PROCESS_SIGNALS_H_
#define FUSEBOX_SERVER_PROCESS_SIGNALS_H_

#include <csignal>
#include <functional>

namespace fusebox {

// The signals that ask a server to stop, SIGTERM and SIGINT, as something to wait for; and SIGHUP,
// which asks it to read its configuration again.
//
//   const StopRequests requests;          // First thing in main: threads inherit the mask.
//   requests.Wait([&] { server.Reload(); });
//   requests.WaitDuring([&] { server.Drain(); }, hurry);
class StopRequests {
 public:
  // Blocks the signals in the calling thread and all that it starts from now on. Ignores SIGPIPE:
  // who reads what the process writes may go away.
  StopRequests();
  StopRequests(const StopRequests&) = delete;
  StopRequests& operator=(const StopRequests&) = delete;

  // Returns at the next one; until then, calls `reload` at every SIGHUP.
  void Wait(const std::function<void()>& reload) const;

  // Runs `work`; whoever asks meanwhile is answered by `hurry`, on another thread, once.
  void WaitDuring(const std::function<void()>& work, const std::function<void()>& hurry) const;

 private:
  sigset_t signals_;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_PROCESS_SIGNALS_H_
