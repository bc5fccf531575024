#ifndef FUSEBOX_SERVER_HTTP_CONNECTION_H_
#define FUSEBOX_SERVER_HTTP_CONNECTION_H_

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <functional>
#include <memory>

#include "server/http/desk.h"

namespace fusebox {

// Serves one request of a client that has connected from `peer`, and closes. All of it is
// asynchronous, on the socket's executor, which must be of one thread; but handlers run on the
// desk's workers. `desk` must outlive the executor. `closed` is called at its end, on the executor
// or where that ends.
//
// With a context it speaks TLS; where OpenSSL has no room for one more, the connection just ends.
// Bounds: 5 s for a handshake, 5 s for a header, 5 s for a body and 30 s to take a response; 16 KiB
// of header, 1 MiB of body.
void ServeConnection(boost::asio::ip::tcp::socket socket, const boost::asio::ip::address& peer,
                     Desk& desk, const std::shared_ptr<boost::asio::ssl::context>& tls,
                     std::function<void()> closed);

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_HTTP_CONNECTION_H_
