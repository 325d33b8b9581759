#include "base/adapters/metrics_server.h"

#include <boost/asio/ip/v6_only.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <optional>

#include "base/adapters/metrics_page.h"

namespace hasync {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using Request = http::request<http::empty_body>;
using Response = http::response<http::string_body>;

void answer(Response& out, const Result<std::string>& page) {
  if (page) out.set(http::field::content_type, kMetricsType);
  if (!page) out.result(http::status::service_unavailable);
  out.body() = page ? *page : page.error().what + "\n";
}

Response answer_of(const Request& request, const MetricsServer::Text& text) {
  Response out(http::status::ok, request.version());
  out.set(http::field::content_type, "text/plain");
  out.keep_alive(request.keep_alive());
  const auto path = request.target().substr(0, request.target().find('?'));
  if (path != "/metrics") {
    out.result(http::status::not_found);
    out.body() = "only /metrics is here\n";
  } else if (request.method() != http::verb::get) {
    out.result(http::status::method_not_allowed);
    out.set(http::field::allow, "GET");
    out.body() = "only GET\n";
  } else {
    answer(out, text());
  }
  out.prepare_payload();
  return out;
}

Response bad_request(const error_code& error) {
  Response out(http::status::bad_request, 11);
  out.set(http::field::content_type, "text/plain");
  out.keep_alive(false);
  out.body() = error.message() + "\n";
  out.prepare_payload();
  return out;
}

}  // namespace

class MetricsServer::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(asio::ip::tcp::socket socket, std::shared_ptr<Shared> shared)
      : stream_(std::move(socket)), shared_(std::move(shared)) {
    ++shared_->open;
  }
  ~Session() { --shared_->open; }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void read() {
    parser_.emplace();
    parser_->header_limit(kMaxRequest);
    stream_.expires_after(kIdle);
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](const error_code& error, std::size_t) {
                       if (!error) return self->write(answer_of(self->parser_->get(), self->shared_->text));
                       const bool gone = error == http::error::end_of_stream ||
                                         error.category() != make_error_code(http::error{}).category();
                       if (!gone) self->write(bad_request(error));
                     });
  }

 private:
  void write(Response response) {
    response_ = std::move(response);
    stream_.expires_after(kIdle);
    http::async_write(stream_, response_, [self = shared_from_this()](const error_code& error, std::size_t) {
      if (!error && self->response_.keep_alive()) return self->read();
      error_code ignored;
      self->stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    });
  }

  beast::tcp_stream stream_;
  std::shared_ptr<Shared> shared_;
  beast::flat_buffer buffer_{kMaxRequest};
  std::optional<http::request_parser<http::empty_body>> parser_;
  Response response_;
};

Result<std::unique_ptr<MetricsServer>> MetricsServer::create(asio::io_context& io, const Address& address,
                                                             std::uint16_t port, Text text) {
  std::unique_ptr<MetricsServer> out(new MetricsServer(io, std::move(text)));
  error_code error;
  const asio::ip::tcp::endpoint at(asio::ip::make_address(to_string(address), error), port);
  if (!error) out->acceptor_.open(at.protocol(), error);
  if (!error) out->acceptor_.set_option(asio::socket_base::reuse_address(true), error);
  if (!error && !address.is_v4()) out->acceptor_.set_option(asio::ip::v6_only(true), error);
  if (!error) out->acceptor_.bind(at, error);
  if (!error) out->acceptor_.listen(kMaxConnections, error);
  if (error)
    return Error{Errc::System, "metrics.listen " + to_string(address) + " port " + std::to_string(port) +
                                   ": " + error.message()};
  out->accept();
  return out;
}

void MetricsServer::accept() {
  acceptor_.async_accept([this](const error_code& error, asio::ip::tcp::socket socket) {
    if (error == asio::error::operation_aborted) return;
    if (error) return accept_later();
    if (shared_->open < kMaxConnections) std::make_shared<Session>(std::move(socket), shared_)->read();
    accept();
  });
}

// No descriptors left, most likely: the connection would be reported again at once.
void MetricsServer::accept_later() {
  pause_.expires_after(std::chrono::milliseconds{100});
  pause_.async_wait([this](const error_code& error) {
    if (!error) accept();
  });
}

}  // namespace hasync
