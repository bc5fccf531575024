#ifndef FUSEBOX_SERVER_HTTP_WIRE_H_
#define FUSEBOX_SERVER_HTTP_WIRE_H_

#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"

namespace fusebox {

// The bytes of a connection, in plaintext or by TLS: an AsyncReadStream and AsyncWriteStream of
// Boost's. It is one type for both, so that all that Beast makes of a stream is compiled once.
//
// Used on the socket's executor, which must be of one thread. What is under way must end before it.
class Wire {
 public:
  using executor_type = boost::asio::any_io_executor;
  using Done = absl::AnyInvocable<void(boost::system::error_code)>;
  using Moved = absl::AnyInvocable<void(boost::system::error_code, size_t)>;

  static std::unique_ptr<Wire> Plain(boost::asio::ip::tcp::socket socket);
  // Throws system_error where OpenSSL has no room for one more. What it makes of the context counts
  // for itself in how long that lives.
  static std::unique_ptr<Wire> Tls(boost::asio::ip::tcp::socket socket,
                                   boost::asio::ssl::context& context);
  virtual ~Wire() = default;

  // What is below, which has the time-outs.
  virtual boost::beast::tcp_stream& tcp() = 0;
  executor_type get_executor() { return tcp().get_executor(); }

  // Before and after all else; nothing to do in plaintext.
  virtual void Greet(Done done) = 0;
  virtual void Part(Done done) = 0;

  template <typename Buffers, typename Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    // Some is what fits into the first.
    const boost::asio::mutable_buffer first = *boost::asio::buffer_sequence_begin(buffers);
    const auto begin = [this, first](auto moved) { Read(first, Moved(std::move(moved))); };
    return boost::asio::async_initiate<Token, void(boost::system::error_code, size_t)>(begin,
                                                                                       token);
  }

  template <typename Buffers, typename Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    ConstBuffers all(boost::asio::buffer_sequence_begin(buffers),
                     boost::asio::buffer_sequence_end(buffers));
    const auto begin = [this, &all](auto moved) { Write(all, Moved(std::move(moved))); };
    return boost::asio::async_initiate<Token, void(boost::system::error_code, size_t)>(begin,
                                                                                       token);
  }

 protected:
  using ConstBuffers = std::vector<boost::asio::const_buffer>;

  virtual void Read(boost::asio::mutable_buffer buffer, Moved moved) = 0;
  virtual void Write(const ConstBuffers& buffers, Moved moved) = 0;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_HTTP_WIRE_H_
