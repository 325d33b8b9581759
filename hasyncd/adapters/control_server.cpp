#include "hasyncd/adapters/control_server.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <climits>
#include <cstring>

#include "hasyncd/adapters/status_json.h"

namespace hasync::hasyncd {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Protocol = asio::local::stream_protocol;

constexpr std::chrono::seconds kWriteTime{10};  // a client that does not read its reply is dropped
constexpr std::size_t kBatch = 16384;           // bytes of a stream that are written at once

Error failed(const std::filesystem::path& path, const std::string& what) {
  return {Errc::System, "control socket " + path.string() + ": " + what};
}

// Errors of the kernel leave a caller who is nobody.
Caller caller_at(int socket) {
  constexpr std::uint32_t kNobodyKnown = UINT32_MAX;
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return {kNobodyKnown, {}};
  Caller out{credentials.uid, std::vector<std::uint32_t>(NGROUPS_MAX)};
  size = static_cast<socklen_t>(out.groups.size() * sizeof(gid_t));
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, out.groups.data(), &size) != 0) size = 0;
  out.groups.resize(size / sizeof(gid_t));
  out.groups.push_back(credentials.gid);
  return out;
}

mode_t mode_for(const ControlGroups& groups) {
  return groups.admin || groups.read ? 0666 : 0600;
}

Error no_access(const Caller& caller) {
  return {Errc::Denied, "user " + std::to_string(caller.user) +
                            " may not use hasyncd: become root, or a member of one of the groups that the "
                            "configuration names in [control]"};
}

}  // namespace

class ControlServer::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Protocol::socket socket, Access access, std::shared_ptr<Shared> shared)
      : socket_(std::move(socket)),
        access_(access),
        write_limit_(socket_.get_executor()),
        shared_(std::move(shared)) {
    ++shared_->open;
  }
  ~Session() {
    --shared_->open;
    if (events_) --shared_->streams;
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void read() {
    asio::async_read_until(socket_, asio::dynamic_buffer(input_, kMaxRequest), '\n',
                           [self = shared_from_this()](const error_code& error, std::size_t size) {
                             if (error == asio::error::not_found) return self->too_long();
                             if (!error) self->request(size);
                           });
  }

  void refuse(const Error& error) { write(to_line(error), true); }

 private:
  void too_long() {
    ++shared_->counters.malformed;
    refuse(invalid("request: longer than " + std::to_string(kMaxRequest) + " bytes"));
  }

  void request(std::size_t size) {
    const std::string line = input_.substr(0, size - 1);
    input_.erase(0, size);
    ++shared_->counters.requests;
    const Result<ControlRequest> request = parse_request(line);
    if (!request) {
      ++shared_->counters.malformed;
      return write(to_line(request.error()), false);
    }
    shared_->handler(*request, access_,
                     [self = shared_from_this(), done = false](const ControlAnswer& answer) mutable {
                       if (std::exchange(done, true)) return;
                       self->answer(answer);
                     });
  }

  void answer(const ControlAnswer& answer) {
    const auto* stream = std::get_if<EventStream>(&answer);
    if (stream == nullptr) return write(to_line(answer), false);
    if (!input_.empty()) return refuse(invalid("request: nothing may come after one for a stream"));
    if (shared_->streams >= kMaxStreams) {
      ++shared_->counters.refused;
      return write(to_line(Error{Errc::Busy, "too many follow the events"}), false);
    }
    ++shared_->streams;
    events_ = stream->queue;
    events_->on_ready([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->wake();
    });
    telling_ = true;
    tell(to_line(answer));
    await_end();
  }

  // Events come from within the daemon's work; they are sent after it.
  void wake() {
    if (std::exchange(telling_, true)) return;
    asio::post(socket_.get_executor(), [self = shared_from_this()] { self->tell({}); });
  }

  // One write at a time, of what has gathered; no limit: whoever does not read misses events only.
  void tell(std::string lines) {
    while (lines.size() < kBatch) {
      const auto item = events_->next();
      if (!item) break;
      lines += event_line(*item);
    }
    telling_ = !lines.empty();
    if (lines.empty()) return;
    output_ = std::move(lines);
    asio::async_write(socket_, asio::buffer(output_),
                      [self = shared_from_this()](const error_code& error, std::size_t) {
                        if (!error) self->tell({});
                      });
  }

  // The client's end, or a request that has no place here.
  void await_end() {
    input_.resize(1);
    socket_.async_read_some(asio::buffer(input_),
                            [self = shared_from_this()](const error_code&, std::size_t) {
                              error_code ignored;
                              self->socket_.close(ignored);
                            });
  }

  void write(std::string line, bool last) {
    output_ = std::move(line);
    write_limit_.expires_after(kWriteTime);
    write_limit_.async_wait([self = shared_from_this()](const error_code& cancelled) {
      error_code ignored;
      if (!cancelled) self->socket_.close(ignored);
    });
    asio::async_write(socket_, asio::buffer(output_),
                      [self = shared_from_this(), last](const error_code& error, std::size_t) {
                        self->write_limit_.cancel();
                        if (!error && !last) self->read();
                      });
  }

  Protocol::socket socket_;
  Access access_;
  asio::steady_timer write_limit_;
  std::shared_ptr<Shared> shared_;
  std::string input_;
  std::string output_;
  std::shared_ptr<EventQueue> events_;  // of a stream
  bool telling_ = false;                // a write, or its beginning, is under way
};

ControlServer::ControlServer(asio::io_context& io, std::filesystem::path path, Shared shared)
    : acceptor_(io),
      pause_(io),
      path_(std::move(path)),
      shared_(std::make_shared<Shared>(std::move(shared))) {}

Result<std::unique_ptr<ControlServer>> ControlServer::create(asio::io_context& io,
                                                             const std::filesystem::path& path,
                                                             const ControlGroups& groups, Handler handler) {
  std::unique_ptr<ControlServer> out(new ControlServer(io, path, {std::move(handler), groups, {}}));
  if (::mkdir(path.parent_path().c_str(), 0755) != 0 && errno != EEXIST) {
    return failed(path.parent_path(), std::strerror(errno));
  }
  error_code error;
  Protocol::socket probe(io);
  probe.connect(Protocol::endpoint(path.string()), error);
  if (!error)
    return Error{Errc::Conflict, "control socket " + path.string() + ": another hasyncd answers there"};
  if (error == asio::error::connection_refused) ::unlink(path.c_str());

  out->acceptor_.open(Protocol(), error);
  const mode_t before = ::umask(0777U & ~mode_for(groups));  // from its first moment on
  if (!error) out->acceptor_.bind(Protocol::endpoint(path.string()), error);
  ::umask(before);
  if (!error) out->acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    out->path_.clear();  // not ours to remove
    return failed(path, error.message());
  }
  out->accept();
  return out;
}

Status ControlServer::use(const ControlGroups& groups) {
  if (::chmod(path_.c_str(), mode_for(groups)) != 0) return failed(path_, std::strerror(errno));
  shared_->groups = groups;
  return Done{};
}

ControlServer::~ControlServer() {
  // Sessions may live on for a moment; what they would ask is gone.
  shared_->handler = [](const ControlRequest&, Access, const Reply& reply) {
    reply(Error{Errc::Busy, "hasyncd is stopping"});
  };
  if (!path_.empty()) ::unlink(path_.c_str());
}

void ControlServer::accept() {
  acceptor_.async_accept([this](const error_code& error, Protocol::socket socket) {
    if (error == asio::error::operation_aborted) return;
    if (error) return accept_later();
    begin(std::move(socket));
    accept();
  });
}

void ControlServer::begin(Protocol::socket socket) {
  const Caller caller = caller_at(socket.native_handle());
  const Access access = access_of(caller, shared_->groups);
  const bool full = shared_->open >= kMaxConnections;
  const auto session = std::make_shared<Session>(std::move(socket), access, shared_);
  if (access == Access::None) {
    ++shared_->counters.denied;
    session->refuse(no_access(caller));
  } else if (full) {
    ++shared_->counters.refused;
    session->refuse({Errc::Busy, "too many connections"});
  } else {
    ++shared_->counters.connections;
    session->read();
  }
}

// No descriptors left, most likely: the connection would be reported again at once.
void ControlServer::accept_later() {
  ++shared_->counters.refused;
  pause_.expires_after(std::chrono::milliseconds{100});
  pause_.async_wait([this](const error_code& error) {
    if (!error) accept();
  });
}

}  // namespace hasync::hasyncd
