// Shows breakers as they are now, the worst first, until told to stop.
#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/cli/errors.h"
#include "client/cli/flags.h"
#include "client/cli/screen.h"
#include "client/cli/top_view.h"
#include "client/cli/verbs/verbs.h"

namespace fusebox::cli {
namespace {

// How long the screen may be behind what is known, or a signal unheard.
constexpr absl::Duration kFrame = absl::Milliseconds(200);
// However often somebody wants to look, the server has other work.
constexpr absl::Duration kLeastInterval = absl::Milliseconds(50);
// Room for a name, whatever else there is.
constexpr int kLeastName = 16;

constexpr char kTopFooter[] =
    R"(Keys: q ends; arrows, PgUp, PgDn, Home and End scroll; / shows only names with a text in them.
FAILED/LIMIT is the failure rate of the window and where the policy opens the breaker.
With --once it looks twice, --interval apart, and prints what the second look saw.)";

struct TopFlags {
  std::string match;
  absl::Duration interval = absl::Seconds(1);
  bool once = false;
};

volatile std::sig_atomic_t received_signal = 0;

// Hears the signals that end a program, so that the terminal is given back before they do.
class Signals {
 public:
  Signals() {
    struct sigaction action = {};
    action.sa_handler = [](int number) { received_signal = number; };
    for (const int number : kAll) sigaction(number, &action, nullptr);
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  // Ends the process by the signal that came, if one came.
  ~Signals() {
    for (const int number : kAll) std::signal(number, SIG_DFL);
    if (received_signal != 0) std::raise(received_signal);
  }

  static bool Received() { return received_signal != 0; }

 private:
  static constexpr int kAll[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
};

// Looks again and again, on a thread of its own, so that keys are heard while a server is slow.
class Looker {
 public:
  Looker(Connection& server, const TopFlags& flags, std::shared_ptr<const Sample> first)
      : server_(server),
        interval_(std::max(flags.interval, kLeastInterval)),
        selection_{flags.match, ""},
        latest_(std::move(first)),
        thread_([this] { Run(); }) {}
  Looker(const Looker&) = delete;
  Looker& operator=(const Looker&) = delete;
  ~Looker() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stop_ = true;
    }
    server_.Cancel();
    wake_.notify_one();
    thread_.join();
  }

  std::shared_ptr<const Sample> latest() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return latest_;
  }

  // Why the last look failed; OK if it did not.
  grpc::Status error() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return error_;
  }

  // Looks only at names that hold `part` from now on, and at once.
  void Select(const std::string& part) {
    const std::lock_guard<std::mutex> lock(mutex_);
    selection_.part = part;
    hurry_ = true;
    wake_.notify_one();
  }

 private:
  void Run() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
      wake_.wait_for(lock, absl::ToChronoNanoseconds(interval_),
                     [this] { return stop_ || hurry_; });
      if (stop_) return;
      hurry_ = false;
      const Selection selection = selection_;
      const std::shared_ptr<const Sample> before = latest_;
      lock.unlock();
      auto next = std::make_shared<Sample>();
      const grpc::Status status = TakeSample(server_, selection, before.get(), next.get());
      lock.lock();
      error_ = status;
      if (status.ok()) latest_ = std::move(next);
    }
  }

  Connection& server_;
  const absl::Duration interval_;
  std::mutex mutex_;  // Guards the next ones, up to the thread.
  std::condition_variable wake_;
  Selection selection_;
  std::shared_ptr<const Sample> latest_;
  grpc::Status error_;
  bool hurry_ = false;
  bool stop_ = false;
  std::thread thread_;  // Last: it uses all others.
};

// What is on the screen, and what keys do to it.
class Display {
 public:
  Display(Screen& screen, Looker& looker, std::string address)
      : screen_(screen), looker_(looker), address_(std::move(address)) {}

  // Until a key or a signal says that it is enough.
  void Run() {
    while (!Signals::Received() && !done_) {
      Draw();
      Take(screen_.WaitForKey(kFrame));
    }
  }

 private:
  void Draw() {
    const std::shared_ptr<const Sample> sample = looker_.latest();
    const std::vector<std::vector<Cell>> rows = Rows(*sample);
    page_ = std::max(1, screen_.height() - 4);
    const int last_top = std::max(0, static_cast<int>(rows.size()) - 1 - page_);
    top_ = std::clamp(top_, 0, last_top);
    screen_.Clear();
    screen_.Line(0,
                 {absl::StrCat("fuseboxctl top  ", address_, "  ",
                               absl::FormatTime("%H:%M:%S", sample->wall, absl::LocalTimeZone()))},
                 /*bold=*/true);
    screen_.Line(1, {SummaryText(*sample)});
    screen_.Line(2, rows[0], /*bold=*/true);
    for (int i = 0; i < page_ && top_ + 1 + i < static_cast<int>(rows.size()); ++i) {
      screen_.Line(3 + i, rows[top_ + 1 + i]);
    }
    screen_.Line(screen_.height() - 1, {Footer(*sample)});
    screen_.Show();
  }

  // Names give way, so that the numbers behind them can be read.
  std::vector<std::vector<Cell>> Rows(const Sample& sample) const {
    std::vector<std::vector<Cell>> rows = TopTable(sample).Aligned();
    size_t rest = 0;  // Without the name and the last column, whose end may be cut.
    for (size_t i = 1; i + 1 < rows[0].size(); ++i) rest += rows[0][i].text.size();
    const int room = screen_.width() - static_cast<int>(rest + rows[0].back().text.size()) - 2;
    return TopTable(sample, std::max(kLeastName, room)).Aligned();
  }

  Cell Footer(const Sample& sample) {
    if (typing_) return absl::StrCat("/", part_);
    if (const grpc::Status error = looker_.error(); !error.ok()) {
      return {absl::StrCat(
                  "no answer for ",
                  absl::FormatDuration(absl::Trunc(absl::Now() - sample.wall, absl::Seconds(1))),
                  ": ", error.error_message()),
              Colour::kRed};
    }
    return absl::StrCat("q quit  arrows, PgUp, PgDn scroll  / names",
                        part_.empty() ? "" : absl::StrCat(" with \"", part_, "\" (Esc: all)"));
  }

  void Take(const Key& key) {
    if (typing_) return Type(key);
    switch (key.kind) {
      case Key::Kind::kUp:
        top_ -= 1;
        return;
      case Key::Kind::kDown:
        top_ += 1;
        return;
      case Key::Kind::kPageUp:
        top_ -= page_;
        return;
      case Key::Kind::kPageDown:
        top_ += page_;
        return;
      case Key::Kind::kHome:
        top_ = 0;
        return;
      case Key::Kind::kEnd:
        top_ = kTopRows;
        return;
      case Key::Kind::kEscape:
        return Select("");
      case Key::Kind::kCharacter:
        if (key.character == 'q') done_ = true;
        if (key.character == '/') typing_ = true;
        return;
      default:
        return;
    }
  }

  void Type(const Key& key) {
    switch (key.kind) {
      case Key::Kind::kCharacter:
        return Select(part_ + key.character);
      case Key::Kind::kBackspace:
        return Select(part_.substr(0, part_.empty() ? 0 : part_.size() - 1));
      case Key::Kind::kEnter:
        typing_ = false;
        return;
      case Key::Kind::kEscape:
        typing_ = false;
        return Select("");
      default:
        return;
    }
  }

  void Select(const std::string& part) {
    part_ = part;
    top_ = 0;
    looker_.Select(part);
  }

  Screen& screen_;
  Looker& looker_;
  const std::string address_;
  std::string part_;
  int top_ = 0;
  int page_ = 1;
  bool typing_ = false;
  bool done_ = false;
};

int PrintOnce(Invocation& cli, const TopFlags& flags, const Sample& before) {
  absl::SleepFor(flags.interval);
  Sample sample;
  const grpc::Status status = TakeSample(cli.server, {flags.match, ""}, &before, &sample);
  if (!status.ok()) return ReportRpcError(cli.err, cli.server, status);
  std::vector<std::string> names;
  for (const v1::Breaker& breaker : sample.breakers.breakers()) names.push_back(breaker.name());
  if (cli.out.for_people()) cli.err << SummaryText(sample) << "\n";
  cli.out.Print({sample.breakers, [&sample](bool) { return TopTable(sample); }, names});
  return kOk;
}

int ShowLive(Invocation& cli, const TopFlags& flags, std::shared_ptr<const Sample> first) {
  const Signals signals;  // Raises after the terminal was given back.
  absl::StatusOr<std::unique_ptr<Screen>> screen = Screen::Open(cli.out.colour());
  if (!screen.ok()) {
    cli.err << "fuseboxctl: " << screen.status().message()
            << ", so there is nothing to draw on; `fuseboxctl top --once` prints one look.\n";
    return kUsage;
  }
  Looker looker(cli.server, flags, std::move(first));
  Display(**screen, looker, cli.server.address()).Run();
  screen->reset();  // At once, however long the last look takes to end.
  return kOk;
}

int Top(Invocation& cli, const TopFlags& flags) {
  auto first = std::make_shared<Sample>();
  const grpc::Status status = TakeSample(cli.server, {flags.match, ""}, nullptr, first.get());
  if (!status.ok()) return ReportRpcError(cli.err, cli.server, status);
  return flags.once ? PrintOnce(cli, flags, *first) : ShowLive(cli, flags, std::move(first));
}

}  // namespace

void AddTop(Commands& commands) {
  auto [verb, flags] = commands.Add<TopFlags>("top", "Shows breakers live, the worst first", Top);
  AddGlob(verb, flags.match);
  verb.Add("--interval", flags.interval, "How long to wait between two looks").ShowDefault("1s");
  verb.Add("--once", flags.once, "Print what is to be seen and end");
  verb.Footer(kTopFooter);
}

}  // namespace fusebox::cli
