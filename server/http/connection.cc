#include "server/http/connection.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "absl/functional/any_invocable.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "server/http/http_message.h"
#include "server/http/percent.h"
#include "server/http/wire.h"

namespace fusebox {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using std::chrono::seconds;

constexpr uint32_t kMaxHeaderBytes = 16 << 10;
constexpr size_t kBufferBytes = 32 << 10;
constexpr uint64_t kMaxBodyBytes = 1 << 20;
constexpr size_t kShortBytes = 64 << 10;
constexpr seconds kHandshakePatience(5), kHeaderPatience(5), kBodyPatience(5), kWritePatience(30),
    kClosePatience(1);

HttpResponse Plain(int status, std::string text) {
  return {.status = status, .body = std::move(text)};
}

HttpResponse TooLong() {
  return Plain(413, absl::StrCat("The body is longer than ", kMaxBodyBytes,
                                 " bytes; send less at a time\n"));
}

HttpResponse TooSlow() { return Plain(408, "The body did not come whole within 5 s\n"); }

HttpResponse Later(int status, std::string text) {
  HttpResponse response = Plain(status, std::move(text));
  response.headers = {{"Retry-After", "1"}};
  return response;
}

HttpResponse TooManyRequests(const HttpRoute& route) {
  return Later(429, absl::StrCat("There are ", route.most, " requests to ", route.path,
                                 " already; try again, or call by gRPC\n"));
}

HttpResponse TooManyBodies() {
  return Later(429, absl::StrCat("There are ", Desk::kBodiesAtOnce,
                                 " bodies on their way already; try again, or call by gRPC\n"));
}

HttpResponse TooManyAnswers() {
  return Later(503, "Too many long answers wait for who asked for them; try again\n");
}

HttpResponse NoRequest(error_code error) {
  if (error == http::error::header_limit) return Plain(431, "The header is longer than 16 KiB\n");
  if (error == http::error::body_limit) return TooLong();
  return Plain(400, "That is no request of HTTP/1\n");
}

bool IsOfHttp(error_code error) {
  return error.category() == make_error_code(http::error::end_of_stream).category() &&
         error != http::error::end_of_stream && error != http::error::partial_message;
}

// As a probe that only connects, or as who had to make room.
bool WentSilently(error_code error) {
  return error == asio::error::operation_aborted || error == asio::error::eof ||
         error == asio::ssl::error::stream_truncated;
}

// As if the client had come by IPv4, if it did.
asio::ip::address Unmapped(const asio::ip::address& address) {
  if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address;
  return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
}

// A proxy may send "http://host/path", which is all the same here.
absl::string_view PathOf(absl::string_view target) {
  if (!absl::ConsumePrefix(&target, "http://") && !absl::ConsumePrefix(&target, "https://")) {
    return target;
  }
  const size_t path = target.find('/');
  return path == absl::string_view::npos ? "/" : target.substr(path);
}

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(const asio::ip::address& peer, Desk& desk, Place place, std::unique_ptr<Wire> wire)
      : desk_(desk),
        place_(std::move(place)),
        wire_(std::move(wire)),
        body_timer_(wire_->get_executor()) {
    request_.peer = Unmapped(peer).to_string();
  }

  void Start() {
    silent_ = desk_.BeSilent([this] { tcp().close(); });
    tcp().expires_after(kHandshakePatience);
    wire_->Greet([self = shared_from_this()](error_code error) {
      if (!error) return self->ReadHeader();
      if (WentSilently(error)) return;
      self->desk_.FailedHandshake(self->request_.peer, error.message());
    });
  }

 private:
  beast::tcp_stream& tcp() { return wire_->tcp(); }

  void ReadHeader() {
    tcp().expires_after(kHeaderPatience);
    // The parser's own limit is one of each field.
    asio::async_read_until(
        *wire_, asio::dynamic_buffer(header_, kMaxHeaderBytes), "\r\n\r\n",
        [self = shared_from_this()](error_code error, size_t) { self->OnHeader(error); });
  }

  void OnHeader(error_code error) {
    const bool is_too_long = error == asio::error::not_found;
    if (error && !is_too_long) return;  // It went, or it never said all of it.
    silent_ = Place();
    under_way_ = desk_.Begin();
    if (is_too_long) return Respond(NoRequest(http::error::header_limit));
    error = ParseHeader();
    if (error) return Respond(NoRequest(error));
    TakeHeader();
    std::variant<const HttpRoute*, HttpResponse> found = desk_.router().Find(request_);
    if (auto* const response = std::get_if<HttpResponse>(&found)) {
      return Respond(std::move(*response));
    }
    route_ = std::get<const HttpRoute*>(found);
    if (route_->method == HttpRoute::Method::kGet) return Handle();
    BeginBody();
  }

  // What came behind it is the beginning of a body.
  error_code ParseHeader() {
    error_code error;
    parser_.header_limit(kMaxHeaderBytes);
    // Who is to answer, is found first. (Without a limit it would refuse every length.)
    parser_.body_limit(std::numeric_limits<uint64_t>::max());
    const size_t parsed = parser_.put(asio::buffer(header_), error);
    if (error) return error;
    buffer_.reserve(kBufferBytes);
    const auto rest = asio::buffer(header_) + parsed;
    buffer_.commit(asio::buffer_copy(buffer_.prepare(rest.size()), rest));
    return error;
  }

  void TakeHeader() {
    const auto& message = parser_.get();
    const std::pair<absl::string_view, absl::string_view> target = absl::StrSplit(
        PathOf({message.target().data(), message.target().size()}), absl::MaxSplits('?', 1));
    request_.method = std::string(message.method_string());
    request_.path = PercentDecoded(target.first);
    request_.query = std::string(target.second);
    for (const auto& field : message) {
      request_.headers.emplace_back(field.name_string(), field.value());
    }
  }

  void BeginBody() {
    if (parser_.content_length().value_or(0) > kMaxBodyBytes) return Respond(TooLong());
    reading_ = desk_.bodies().Take();
    if (!reading_) return Respond(TooManyBodies());
    parser_.body_limit(kMaxBodyBytes);
    tcp().expires_after(kBodyPatience + kClosePatience);  // Should the timer come too late for it.
    body_timer_.expires_after(kBodyPatience);
    body_timer_.async_wait([self = shared_from_this()](error_code error) {
      if (error) return;
      self->body_is_late_ = true;
      self->tcp().cancel();
    });
    const bool asks = beast::iequals(parser_.get()[http::field::expect], "100-continue");
    return asks ? SendContinue() : ReadBody();
  }

  void SendContinue() {
    static constexpr char kContinue[] = "HTTP/1.1 100 Continue\r\n\r\n";
    asio::async_write(
        *wire_, asio::buffer(kContinue, sizeof(kContinue) - 1),
        [self = shared_from_this()](error_code error, size_t) { self->OnBody(error); });
  }

  void ReadBody() {
    if (body_is_late_) return Respond(TooSlow());
    if (parser_.is_done()) {
      body_timer_.cancel();
      reading_ = Place();
      request_.body = std::move(parser_.get().body());
      return Handle();
    }
    http::async_read_some(
        *wire_, buffer_, parser_,
        [self = shared_from_this()](error_code error, size_t) { self->OnBody(error); });
  }

  void OnBody(error_code error) {
    if (!error || body_is_late_) return ReadBody();
    body_timer_.cancel();
    if (IsOfHttp(error)) Respond(NoRequest(error));
  }

  void Handle() {
    asked_ = desk_.requests(*route_).Take();
    if (!asked_) return Respond(TooManyRequests(*route_));
    if (route_->at_once) return Respond(route_->handler(request_));
    tcp().expires_never();
    asio::post(desk_.WorkersOf(*route_),
               [answer = Answer(shared_from_this(), desk_.BeginHandler())]() mutable {
                 if (!answer.stopped()) std::move(answer).Find();
               });
  }

  // Whoever has this owes the client an answer. Ends on any thread; the connection does not.
  class Answer {
   public:
    Answer(std::shared_ptr<Connection> self, Place handling)
        : handling_(std::move(handling)), self_(std::move(self)) {}
    Answer(Answer&&) = default;
    Answer& operator=(Answer&&) = delete;
    ~Answer() {
      if (self_ == nullptr) return;
      const auto executor = self_->wire_->get_executor();
      asio::post(executor, [self = std::move(self_)] {});
    }

    bool stopped() const { return self_->desk_.stopped(); }

    // Has the handler say it, now or later.
    void Find() && {
      const HttpRoute& route = *self_->route_;
      if (route.begin == nullptr) return Send(route.handler(self_->request_));
      HttpRequest request = std::move(self_->request_);
      route.begin(std::move(request),
                  [answer = std::move(*this)](absl::AnyInvocable<HttpResponse()> make) mutable {
                    std::move(answer).Make(std::move(make));
                  });
    }

   private:
    // On a worker, as it may take long and this thread be another's.
    void Make(absl::AnyInvocable<HttpResponse()> make) && {
      boost::asio::thread_pool& workers = self_->desk_.WorkersOf(*self_->route_);
      asio::post(workers, [answer = std::move(*this), make = std::move(make)]() mutable {
        if (!answer.stopped()) answer.Send(make());
      });
    }

    void Send(HttpResponse response) {
      const auto executor = self_->wire_->get_executor();
      asio::post(executor, [self = std::move(self_), response = std::move(response)]() mutable {
        self->Respond(std::move(response));
      });
    }

    Place handling_;  // Until the executor has been told.
    std::shared_ptr<Connection> self_;
  };

  void Respond(HttpResponse response) {
    body_timer_.cancel();
    reading_ = Place();
    asked_ = Place();
    // Short ones are not what takes the room, and health is short.
    if (response.body.size() > kShortBytes) {
      answering_ = desk_.answers().Take(response.body.size());
      if (!answering_) response = TooManyAnswers();
    }
    desk_.Answered(route_, response.status);
    response_.version(11);
    response_.result(static_cast<unsigned>(response.status));
    response_.set(http::field::content_type, response.content_type);
    response_.set(http::field::cache_control, "no-store");
    response_.set("X-Content-Type-Options", "nosniff");
    for (const auto& [name, value] : response.headers) response_.insert(name, value);
    response_.content_length(response.body.size());
    response_.keep_alive(false);
    response_.body() = std::move(response.body);
    tcp().expires_after(kWritePatience);
    const auto done = [self = shared_from_this()](error_code error, size_t) {
      self->answering_ = Place();
      if (!error) self->Close();
    };
    if (parser_.get().method() == http::verb::head) {
      http::async_write_header(*wire_, serializer_, done);
    } else {
      http::async_write(*wire_, serializer_, done);
    }
  }

  void Close() {
    tcp().expires_after(kClosePatience);
    wire_->Part([self = shared_from_this()](error_code) { self->CloseTcp(); });
  }

  // A client that has more to say than was read would be told that the connection broke, and might
  // never see its answer. So it may say it, for a while.
  void CloseTcp() {
    error_code error;
    tcp().socket().shutdown(asio::ip::tcp::socket::shutdown_send, error);
    if (!error && !parser_.is_done()) Discard();
  }

  void Discard() {
    tcp().async_read_some(asio::buffer(discarded_),
                          [self = shared_from_this()](error_code error, size_t) {
                            if (!error) self->Discard();
                          });
  }

  Desk& desk_;
  const Place place_;  // Among the connections.
  Place silent_;
  Place under_way_;
  Place reading_;
  Place asked_;
  Place answering_;
  const std::unique_ptr<Wire> wire_;
  asio::steady_timer body_timer_;
  bool body_is_late_ = false;
  std::string header_;
  beast::flat_buffer buffer_{kBufferBytes};
  http::request_parser<http::string_body> parser_;
  HttpRequest request_;
  const HttpRoute* route_ = nullptr;
  http::response<http::string_body> response_;
  http::response_serializer<http::string_body> serializer_{response_};
  std::array<char, 4096> discarded_{};
};

}  // namespace

void ServeConnection(asio::ip::tcp::socket socket, const asio::ip::address& peer, Desk& desk,
                     const std::shared_ptr<asio::ssl::context>& tls,
                     std::function<void()> closed) try {
  Place place(std::move(closed));
  std::unique_ptr<Wire> wire =
      tls == nullptr ? Wire::Plain(std::move(socket)) : Wire::Tls(std::move(socket), *tls);
  std::make_shared<Connection>(peer, desk, std::move(place), std::move(wire))->Start();
} catch (const boost::system::system_error&) {
}

}  // namespace fusebox
