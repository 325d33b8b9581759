#include "tests/support/fake_plugin.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <utility>

#include "plugin.pb.h"

namespace hasync::test {
namespace {

SaId sa_of(const proto::SaId& id) {
  return {id.initiator_spi(), id.responder_spi()};
}

bool read_all(int fd, void* to, std::size_t size) {
  return ::recv(fd, to, size, MSG_WAITALL) == static_cast<ssize_t>(size);
}

}  // namespace

FakePlugin::FakePlugin(const std::filesystem::path& socket) : listener_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socket.string().copy(address.sun_path, sizeof address.sun_path - 1);
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_, 4) != 0) {
    std::abort();
  }
  thread_ = std::thread([this] { serve(); });
}

FakePlugin::~FakePlugin() {
  ::shutdown(listener_, SHUT_RDWR);
  thread_.join();
  hang_up();
  for (std::thread& thread : threads_) thread.join();
  ::close(listener_);
}

void FakePlugin::set_up(Setup setup) {
  const std::lock_guard lock(mutex_);
  setup_ = std::move(setup);
}

void FakePlugin::hold(SaId sa, std::string context) {
  const std::lock_guard lock(mutex_);
  contexts_[sa] = std::move(context);
}

std::map<SaId, std::string> FakePlugin::contexts() const {
  const std::lock_guard lock(mutex_);
  return contexts_;
}

std::optional<std::string> FakePlugin::context(SaId sa) const {
  const std::lock_guard lock(mutex_);
  const auto held = contexts_.find(sa);
  return held == contexts_.end() ? std::nullopt : std::optional{held->second};
}

void FakePlugin::change(SaId sa, const std::string& context) {
  const std::lock_guard lock(mutex_);
  contexts_[sa] = context;
  if (subscriber_ >= 0) tell_changed(context);
}

void FakePlugin::lose_next_event() {
  const std::lock_guard lock(mutex_);
  loses_next_ = true;
}

void FakePlugin::lack_connections() {
  const std::lock_guard lock(mutex_);
  lacks_connections_ = true;
}

void FakePlugin::hang_up() {
  const std::lock_guard lock(mutex_);
  for (const int client : clients_) ::shutdown(client, SHUT_RDWR);
}

void FakePlugin::send(int client, const std::string& message) {
  const std::uint32_t length = htonl(static_cast<std::uint32_t>(message.size()));
  ::send(client, &length, sizeof length, MSG_NOSIGNAL);
  ::send(client, message.data(), message.size(), MSG_NOSIGNAL);
}

void FakePlugin::tell_event(proto::FromPlugin event) {
  event.mutable_event()->set_number(++events_);
  if (!std::exchange(loses_next_, false)) send(subscriber_, event.SerializeAsString());
}

void FakePlugin::tell_changed(const std::string& context) {
  proto::FromPlugin out;
  out.mutable_event()->mutable_changed()->mutable_context()->ParseFromString(context);
  out.mutable_event()->mutable_changed()->set_state(proto::SA_STATE_ACTIVE);
  tell_event(std::move(out));
}

void FakePlugin::tell_all() {
  for (const auto& [sa, context] : contexts_) tell_changed(context);
  proto::FromPlugin out;
  out.mutable_event()->mutable_synced();
  tell_event(std::move(out));
}

void FakePlugin::serve() {
  for (int fd = -1; (fd = ::accept(listener_, nullptr, nullptr)) >= 0;) {
    const std::lock_guard lock(mutex_);
    clients_.insert(fd);
    threads_.emplace_back([this, fd] { talk(fd); });
  }
}

void FakePlugin::talk(int client) {
  std::uint32_t length = 0;
  while (read_all(client, &length, sizeof length)) {
    std::string request(ntohl(length), '\0');
    if (!read_all(client, request.data(), request.size())) break;
    const std::lock_guard lock(mutex_);
    send(client, answer(request));
    proto::Request asked;
    if (!asked.ParseFromString(request) || !asked.has_subscribe()) continue;
    if (std::exchange(subscriber_, client) != client) events_ = 0;
    tell_all();
  }
  const std::lock_guard lock(mutex_);
  clients_.erase(client);
  if (subscriber_ == client) subscriber_ = -1;
  ::close(client);
}

namespace {

void tell(const FakePlugin::Setup& setup, proto::HelloReply& hello) {
  hello.set_plugin_version(setup.version);
  hello.set_charon_version("5.9.8");
  hello.set_spi_min(setup.spi_min);
  hello.set_spi_max(setup.spi_max);
  for (const auto& [name, children] : setup.connections) {
    proto::Connection& connection = *hello.add_connections();
    connection.set_name(name);
    connection.set_remote("%any");
    for (const std::string& child : children) connection.add_children(child);
  }
}

}  // namespace

std::string FakePlugin::answer(const std::string& bytes) {
  proto::Request request;
  proto::FromPlugin out;
  proto::Reply& reply = *out.mutable_reply();
  if (!request.ParseFromString(bytes)) reply.set_code(proto::BAD_REQUEST);
  reply.set_id(request.id());
  if (request.has_hello()) {
    tell(setup_, *reply.mutable_hello());
  } else if (request.has_list()) {
    for (const auto& [sa, encoded] : contexts_) {
      proto::Context context;
      context.ParseFromString(encoded);
      proto::SaSummary& summary = *reply.mutable_list()->add_sas();
      summary.mutable_sa()->set_initiator_spi(sa.initiator_spi);
      summary.mutable_sa()->set_responder_spi(sa.responder_spi);
      summary.set_connection(context.ike().connection());
      *summary.mutable_remote() = context.ike().remote();
    }
  } else if (request.has_get() && contexts_.count(sa_of(request.get().sa())) != 0) {
    reply.mutable_get()->mutable_context()->ParseFromString(contexts_[sa_of(request.get().sa())]);
  } else if (request.has_put() && lacks_connections_) {
    reply.set_code(proto::NO_CONFIG);
    reply.set_text("context.ike.connection: no connection tunnel here");
  } else if (request.has_put()) {
    const proto::IkeSa& ike = request.put().context().ike();
    contexts_[{ike.initiator_spi(), ike.responder_spi()}] = request.put().context().SerializeAsString();
  } else if (request.has_release()) {
    for (const proto::SaId& sa : request.release().sas()) contexts_.erase(sa_of(sa));
  } else if (!request.has_subscribe() && !request.has_set_state() && !request.has_commit() &&
             !request.has_discard()) {
    reply.set_code(proto::NOT_FOUND);
    reply.set_text("no such IKE_SA");
  }
  return out.SerializeAsString();
}

}  // namespace hasync::test
