#ifndef FUSEBOX_SERVER_SESSION_SESSION_H_
#define FUSEBOX_SERVER_SESSION_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/policy_set.h"
#include "fusebox/v1/breaker_service.pb.h"
#include "server/engine/engine.h"
#include "server/session/session_book.h"
#include "server/session/session_counts.h"
#include "server/session/topics.h"
#include "server/sync/mutex.h"

namespace fusebox {

// The server's end of one session stream, without the stream: docs/session.md.
//
//   Take(request)  <- read            Say() -> to be written
//        |                              ^
//     engine, topics                    | handles of breakers that changed, answers owed
//        `------------------------------'<-- Note(handle), from a topic
//
// What is said of a breaker is looked up when it is said. So a client that does not read costs a
// handle for each breaker that changed, however often; and it owes its own requests: while there
// are answers to them that it has not read, it should not be read from either (OwesAnswers).
//
// Take() is to be called by one thread at a time, and so is Say(). Apart from that thread-safe.
class Session final : public Follower {
 public:
  // Of one message.
  static constexpr int kMaxRows = 10'000;
  static constexpr int kMaxSubscribe = 1'000;
  static constexpr int kMaxPermitRequests = 100;
  static constexpr uint32_t kMaxPermits = 100;  // Of one request.

  // Who is at the other end.
  struct Peer {
    std::string client;
    // Whether it may use the breaker of this name.
    std::function<absl::Status(absl::string_view breaker)> check;
  };

  // What is below outlives the session. `wake` is called with nothing locked, from any thread, when
  // there may be something to say after Say() had nothing.
  Session(Engine& engine, Topics& topics, SessionCounts& counts, size_t max_subscriptions,
          SessionBook::Opened opened, Peer peer, std::function<void()> wake);
  ~Session() override;

  // What the client says, after its hello. The error ends the stream, and is the client's.
  absl::Status Take(const v1::SessionRequest& request);

  // Says this with the next message.
  void Say(const v1::Welcome& welcome);
  void Say(const v1::Pace& pace);
  void Say(const v1::GoAway& go_away);

  // What there is to say. With nothing, `wake` is due.
  std::optional<v1::SessionResponse> Say();

  // Whether Say() holds answers to what the client asked.
  bool OwesAnswers() const;

  // How many handles are noted that have yet to be said.
  size_t unsaid() const;

  bool Note(uint32_t handle) override;
  void Wake() override { wake_(); }

 private:
  // What a client was told of a breaker last: it need not hear the same again. Packed: there are
  // as many as all clients have subscriptions.
  struct Told {
    std::shared_ptr<const RulingPolicy> ruling = nullptr;
    uint64_t epoch = 0;
    uint32_t revision = 0;
    uint32_t followers = 0;
    uint32_t hedge_micros = 0;  // 0: none. At most an hour's.
    bool hurries = false;

    // Whether it need not be told anew.
    bool IsStill(const Told& now) const;
  };
  struct Subscription {
    std::shared_ptr<Topic> topic;
    [[no_unique_address]] Told told = {};  // `changed` is in what would be padding.
    bool changed = false;                  // It is among `changed_`.
  };
  static_assert(sizeof(Subscription) == 56);
  // What is looked up to be said.
  struct Look {
    uint32_t handle;
    std::shared_ptr<Topic> topic;
    Told told;
  };

  absl::Status Subscribe(const v1::Subscription& subscription);
  absl::Status Join(const v1::Subscription& subscription);
  absl::Status TooManySubscriptions() const;
  void Unsubscribe(uint32_t handle);
  absl::Status TakeReport(const v1::Report& report);
  void Count(const v1::Report& report);
  // False if the row does not count, for want of a topic or for its own faults.
  bool Count(const std::shared_ptr<Topic>& topic, const v1::Tally& message, bool is_window,
             Tick now);
  std::vector<std::shared_ptr<Topic>> TopicsOf(const v1::Report& report, int begin, int end) const;
  void Record(const v1::SessionEnding& message);
  absl::Status Grant(const v1::PermitRequest& request);

  std::shared_ptr<Topic> TopicOf(uint32_t handle) const;
  std::vector<Look> TakeChanged() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ShowStates(std::vector<Look>& looks, v1::SessionResponse& response);
  void ShowState(Look& look, v1::SessionResponse& response);
  void Answer(const std::function<void(v1::SessionResponse&)>& add);
  // Whether the client has to be woken for it.
  bool MarkChanged(uint32_t handle) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Engine& engine_;
  Topics& topics_;
  SessionCounts& counts_;
  const size_t max_subscriptions_;
  const std::shared_ptr<SessionPage> page_;
  const SessionPage::Owner owner_;
  const Peer peer_;
  const std::function<void()> wake_;

  uint32_t last_handle_ = 0;  // Of whoever calls Take().

  mutable Mutex mutex_;
  absl::flat_hash_map<uint32_t, Subscription> subscriptions_ ABSL_GUARDED_BY(mutex_);
  std::vector<uint32_t> changed_ ABSL_GUARDED_BY(mutex_);  // What the client does not know yet.
  v1::SessionResponse owed_ ABSL_GUARDED_BY(mutex_);       // Everything else.
  bool owes_ ABSL_GUARDED_BY(mutex_) = false;
  bool silent_ ABSL_GUARDED_BY(mutex_) = false;  // Say() had nothing: the next thing wakes.
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_SESSION_SESSION_H_
