#include "server/http/http_server.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/error.h"
#include "server/address/listen_address.h"
#include "server/http/connection.h"
#include "server/http/desk.h"
#include "server/http/tls_contexts.h"

namespace fusebox {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr int kConnections = 256;
constexpr std::chrono::seconds kStopPatience(1);
constexpr std::chrono::milliseconds kAcceptAgain(50), kSilentPatience(100);

absl::Status CannotListen(absl::string_view address, const error_code& why) {
  return absl::UnavailableError(absl::StrCat("--http-listen is ", QuoteForError(address), ": ",
                                             why.message(),
                                             "; choose another address, or port 0 for a free one"));
}

}  // namespace

// Accepts, on a thread of its own, as long as there is room for one more connection.
class HttpServer::Listener {
 public:
  Listener(std::vector<HttpRoute> routes, RequestCounts& counts, const LiveCertificate* certificate)
      : desk_(std::move(routes), counts), acceptor_(io_), pause_(io_) {
    if (certificate != nullptr) tls_.emplace(*certificate);
  }

  ~Listener() {
    asio::post(io_, [this] {
      stops_ = true;
      error_code unused;
      acceptor_.close(unused);
      pause_.cancel();
    });
    desk_.WaitUntilIdle(kStopPatience);
    desk_.Stop();
    io_.stop();
    if (thread_.joinable()) thread_.join();
    desk_.WaitForHandlers();
    stops_ = true;  // If nothing ever ran.
  }

  error_code Listen(const ListenAddress& address) {
    error_code error;
    const std::string host(absl::StripSuffix(absl::StripPrefix(address.host, "["), "]"));
    const auto found =
        tcp::resolver(io_).resolve(host, absl::StrCat(address.port), tcp::resolver::passive, error);
    if (error) return error;
    const auto ipv4 = std::find_if(found.begin(), found.end(), [](const auto& entry) {
      return entry.endpoint().address().is_v4();
    });
    const tcp::endpoint endpoint = (ipv4 != found.end() ? ipv4 : found.begin())->endpoint();
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(tcp::acceptor::max_listen_connections, error);
    if (!error) port_ = acceptor_.local_endpoint(error).port();
    if (!error) Run();
    return error;
  }

  // Whether there is a certificate to serve by, if there is to be one.
  bool HasCertificate() { return !tls_.has_value() || tls_->Newest() != nullptr; }

  uint16_t port() const { return port_; }

 private:
  void Run() {
    Accept();
    thread_ = std::thread([this] { io_.run(); });
  }

  void Accept() {
    accepts_ = true;
    acceptor_.async_accept(peer_, [this](error_code error, tcp::socket socket) {
      accepts_ = false;
      if (stops_) return;
      if (error) return AcceptLater();
      ++connections_;
      ServeConnection(std::move(socket), peer_.address(), desk_,
                      tls_.has_value() ? tls_->Newest() : nullptr, [this] { OnClosed(); });
      AcceptIfRoom();
    });
  }

  // Who has said nothing yet goes before nobody can say anything any more.
  void AcceptIfRoom() {
    if (accepts_ || stops_) return;
    if (connections_ < kConnections || desk_.DropSilent(kSilentPatience)) {
      Accept();
    } else {
      AcceptLater();
    }
  }

  // There is no room, or there are no more descriptors.
  void AcceptLater() {
    accepts_ = true;
    pause_.expires_after(kAcceptAgain);
    pause_.async_wait([this](error_code error) {
      accepts_ = false;
      if (!error) AcceptIfRoom();
    });
  }

  void OnClosed() {
    --connections_;
    AcceptIfRoom();
  }

  Desk desk_;  // Outlives what is left of connections.
  std::optional<TlsContexts> tls_;
  // Of the thread that runs what follows.
  int connections_ = 0;
  bool accepts_ = false;  // Or is about to.
  bool stops_ = false;
  asio::io_context io_{1};
  tcp::acceptor acceptor_;
  tcp::endpoint peer_;  // Of the newest, as it was accepted: it may be gone since.
  asio::steady_timer pause_;
  uint16_t port_ = 0;
  std::thread thread_;
};

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(absl::string_view address,
                                                              std::vector<HttpRoute> routes,
                                                              RequestCounts& counts,
                                                              const LiveCertificate* certificate) {
  const absl::StatusOr<ListenAddress> parsed = ParseTcpAddress(address);
  if (!parsed.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("--http-listen ", parsed.status().message()));
  }
  auto listener = std::make_unique<Listener>(std::move(routes), counts, certificate);
  if (!listener->HasCertificate()) {
    return absl::InvalidArgumentError(
        "--http-tls: OpenSSL does not take the certificate of --tls-cert; have it issued anew");
  }
  if (const error_code error = listener->Listen(*parsed)) return CannotListen(address, error);
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(listener)));
}

HttpServer::HttpServer(std::unique_ptr<Listener> listener) : listener_(std::move(listener)) {}

HttpServer::~HttpServer() = default;

uint16_t HttpServer::port() const { return listener_->port(); }

}  // namespace fusebox
