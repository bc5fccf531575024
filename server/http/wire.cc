#include "server/http/wire.h"

#include <boost/beast/ssl.hpp>

namespace fusebox {
namespace {

using boost::asio::mutable_buffer;
using boost::asio::ip::tcp;
using boost::asio::ssl::stream_base;
using boost::beast::tcp_stream;

class PlainWire final : public Wire {
 public:
  explicit PlainWire(tcp::socket socket) : stream_(std::move(socket)) {}

  tcp_stream& tcp() override { return stream_; }
  void Greet(Done done) override { done({}); }
  void Part(Done done) override { done({}); }

 private:
  void Read(mutable_buffer buffer, Moved moved) override {
    stream_.async_read_some(buffer, std::move(moved));
  }
  void Write(const ConstBuffers& buffers, Moved moved) override {
    stream_.async_write_some(buffers, std::move(moved));
  }

  tcp_stream stream_;
};

class TlsWire final : public Wire {
 public:
  TlsWire(tcp::socket socket, boost::asio::ssl::context& context)
      : stream_(tcp_stream(std::move(socket)), context) {}

  tcp_stream& tcp() override { return stream_.next_layer(); }
  void Greet(Done done) override { stream_.async_handshake(stream_base::server, std::move(done)); }
  void Part(Done done) override { stream_.async_shutdown(std::move(done)); }

 private:
  void Read(mutable_buffer buffer, Moved moved) override {
    stream_.async_read_some(buffer, std::move(moved));
  }
  void Write(const ConstBuffers& buffers, Moved moved) override {
    stream_.async_write_some(buffers, std::move(moved));
  }

  boost::beast::ssl_stream<tcp_stream> stream_;
};

}  // namespace

std::unique_ptr<Wire> Wire::Plain(tcp::socket socket) {
  return std::make_unique<PlainWire>(std::move(socket));
}

std::unique_ptr<Wire> Wire::Tls(tcp::socket socket, boost::asio::ssl::context& context) {
  return std::make_unique<TlsWire>(std::move(socket), context);
}

}  // namespace fusebox
