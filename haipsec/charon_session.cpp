#include "haipsec/charon_session.h"

#include <optional>

#include "base/bytes.h"

namespace hasync::haipsec {
namespace {

constexpr std::chrono::seconds kLimit{10};

}  // namespace

Result<std::unique_ptr<CharonSession>> CharonSession::open(const std::string& socket) {
  std::unique_ptr<CharonSession> out(new CharonSession);
  auto client = ctx::CharonClient::connect(out->io_, socket, {.lost = [](const Error&) {}});
  if (!client) return Error{Errc::NotFound, client.error().what};
  out->client_ = *std::move(client);
  return out;
}

Result<ctx::CharonReply> CharonSession::wait(const std::function<void(ctx::CharonClient::Answer)>& request) {
  // Shared: an answer that comes too late finds its place still there.
  const auto answer = std::make_shared<std::optional<Result<ctx::CharonReply>>>();
  const auto start = std::chrono::steady_clock::now();
  request([answer](Result<ctx::CharonReply> reply) { answer->emplace(std::move(reply)); });
  io_.restart();
  while (!*answer && std::chrono::steady_clock::now() < start + kLimit) {
    if (io_.run_one_until(start + kLimit) == 0) break;
  }
  took_ = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start);
  if (!*answer) return Error{Errc::Busy, "charon has not answered within 10 s"};
  return std::move(**answer);
}

Result<ctx::CharonSetup> CharonSession::setup() {
  Result<ctx::CharonReply> reply = wait([&](auto answer) { client_->hello(std::move(answer)); });
  if (!reply) return reply.error();
  return std::move(reply->setup);
}

Result<std::vector<ctx::SaSummary>> CharonSession::list() {
  Result<ctx::CharonReply> reply = wait([&](auto answer) { client_->list(std::move(answer)); });
  if (!reply) return reply.error();
  return std::move(reply->sas);
}

Result<ctx::CharonReply> CharonSession::get(SaId sa) {
  return wait([&](auto answer) { client_->get(sa, std::move(answer)); });
}

Result<ctx::CharonReply> CharonSession::put(const Secret& context) {
  return wait([&](auto answer) {
    client_->put(text_of(context.reveal()), ctx::Holding::ActiveBehind, std::move(answer));
  });
}

Result<ctx::CharonReply> CharonSession::release(SaId sa) {
  return wait([&](auto answer) { client_->release({sa}, std::move(answer)); });
}

}  // namespace hasync::haipsec
