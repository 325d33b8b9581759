// hasync-probe: says one thing to the charon plugin, for tests and for looking at what goes wrong. Contexts
// are read and written in plain: they hold keys, so only scratch files in a test's own directory are meant.
#include <fcntl.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/bytes.h"
#include "ctx-transfer/adapters/charon_client.h"
#include "ctx-transfer/context_codec.h"

namespace {

using namespace hasync;
using ctx::CharonClient;
using Json = nlohmann::json;
using Words = std::vector<std::string>;

constexpr const char* kUsage = R"(usage: hasync-probe SOCKET COMMAND
  hello | list
  watch [strict|available WAIT_MS FIFO]  with output commit; in FIFO: lines `commit N`, `discard N`
  get SA FILE                      SA: INITIATOR_SPI:RESPONDER_SPI in hex, as list shows it
  put FILE HOLDING [JUMP]          HOLDING: active, passive, or behind (active, the context may be behind);
                                   JUMP: added to all outbound numbers
  state HOLDING SA...
  release SA...
  rekey SA [INBOUND_SPI]
)";

std::string text_of(SaId id) {
  char text[40];
  std::snprintf(text, sizeof text, "%016lx:%016lx", id.initiator_spi, id.responder_spi);
  return text;
}

Result<SaId> parse_id(const std::string& text) {
  SaId id;
  if (std::sscanf(text.c_str(), "%16lx:%16lx", &id.initiator_spi, &id.responder_spi) != 2) {
    return invalid("'" + text + "' is not INITIATOR_SPI:RESPONDER_SPI");
  }
  return id;
}

Result<std::vector<SaId>> parse_ids(const Words& words) {
  std::vector<SaId> ids;
  for (const auto& word : words) {
    auto id = parse_id(word);
    if (!id) return id.error();
    ids.push_back(*id);
  }
  return ids;
}

Result<ctx::Holding> parse_holding(const std::string& word) {
  if (word == "active") return ctx::Holding::Active;
  if (word == "behind") return ctx::Holding::ActiveBehind;
  if (word == "passive") return ctx::Holding::Passive;
  return invalid("'" + word + "' is neither active nor passive nor behind");
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Json to_json(const ctx::ContextView& view) {
  Json children = Json::array();
  for (const auto& child : view.children) {
    children.push_back({{"name", child.name},
                        {"inbound_spi", child.inbound_spi.value},
                        {"outbound_spi", child.outbound.spi.value},
                        {"esn", child.esn},
                        {"outbound_number", child.outbound_number}});
  }
  return {{"sa", text_of(view.sa)},         {"connection", view.connection}, {"peer", to_string(view.peer)},
          {"local", to_string(view.local)}, {"remote_id", view.remote_id},   {"children", children}};
}

Json to_json(const ctx::SaSummary& sa) {
  return {{"sa", text_of(sa.sa)},      {"connection", sa.connection}, {"peer", sa.remote},
          {"remote_id", sa.remote_id}, {"active", sa.active},         {"keys_known", sa.keys_known},
          {"children", sa.children}};
}

void show(const Json& json) {
  std::cout << json.dump() << std::endl;
}

void show_changed(const ctx::ChangedContext& changed) {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  const auto age = std::chrono::duration_cast<std::chrono::nanoseconds>(now).count() -
                   static_cast<std::int64_t>(changed.hook_ns);
  auto view = ctx::decode_context(hasync::text_of(changed.context.reveal()));
  Json context = view ? to_json(*view) : Json(view.error().what);
  show({{"event", "changed"},
        {"number", changed.number},
        {"active", changed.active},
        {"age_us", age / 1000},
        {"context", std::move(context)}});
}

CharonClient::Callbacks callbacks(std::optional<Error>& lost) {
  return {.changed = show_changed,
          .gone =
              [](const ctx::GoneSa& gone) {
                show({{"event", "gone"},
                      {"sa", text_of(gone.sa)},
                      {"released", gone.released},
                      {"number", gone.number}});
              },
          .synced =
              [] {
                show({{"event", "synced"}});
              },
          .unprotected =
              [](const ctx::SaSummary& sa) {
                show({{"event", "unprotected"}, {"sa", to_json(sa)}});
              },
          .lost = [&lost](const Error& error) { lost = error; }};
}

Result<Secret> context_to_put(const Words& words) {
  std::string context = read_file(words[0]);
  if (words.size() < 3) return Secret(view_of(context));
  auto view = ctx::decode_context(context);
  if (!view) return view.error();
  std::map<OutboundKey, std::uint64_t> numbers;
  for (const auto& child : view->children)
    numbers[child.outbound] = child.outbound_number + std::stoull(words[2]);
  return ctx::with_numbers(context, numbers);
}

// Asks what the words say; the answer comes later.
Status ask(CharonClient& client, const std::string& command, const Words& words,
           const CharonClient::Answer& answer) {
  const bool about_list = command == "release" || command == "state";
  if (command == "hello") return client.hello(answer), Done{};
  if (command == "list") return client.list(answer), Done{};
  if (command == "watch" && words.size() == 3) {
    return client.subscribe({words[0] == "available", std::chrono::milliseconds{std::stoul(words[1])}}, {},
                            answer),
           Done{};
  }
  if (command == "watch") return client.subscribe(answer), Done{};
  if (words.empty()) return invalid(command + " needs more words");
  if (command == "put") {
    auto holding = parse_holding(words.size() > 1 ? words[1] : "");
    auto context = context_to_put(words);
    if (!holding) return holding.error();
    if (!context) return context.error();
    return client.put(hasync::text_of(context->reveal()), *holding, answer), Done{};
  }
  auto ids = parse_ids(about_list ? Words(words.begin() + (command == "state" ? 1 : 0), words.end())
                                  : Words{words[0]});
  if (!ids) return ids.error();
  if (command == "release") return client.release(*ids, answer), Done{};
  if (command == "get") return client.get(ids->front(), answer), Done{};
  if (command == "rekey") {
    const auto spi = words.size() > 1 ? static_cast<std::uint32_t>(std::stoul(words[1], nullptr, 0)) : 0;
    return client.rekey(ids->front(), EspSpi{spi}, answer), Done{};
  }
  if (command == "state") {
    auto holding = parse_holding(words[0]);
    if (!holding) return holding.error();
    return client.set_state(*ids, *holding, answer), Done{};
  }
  return invalid("what is '" + command + "'?");
}

using Clock = std::chrono::steady_clock;

Status show_reply(const ctx::CharonReply& reply, Clock::duration waited, const std::string& command,
                  const Words& words) {
  Json json = {{"took_us", static_cast<double>(reply.took_ns) / 1000},
               {"round_trip_us", std::chrono::duration<double, std::micro>(waited).count()}};
  if (command == "hello") json["charon"] = reply.setup.charon_version;
  if (command == "list") {
    json["sas"] = Json::array();
    for (const auto& sa : reply.sas) json["sas"].push_back(to_json(sa));
  }
  if (command == "get") {
    const std::string_view context = hasync::text_of(reply.context.reveal());
    auto view = ctx::decode_context(context);
    if (!view) return view.error();
    if (words.size() > 1) std::ofstream(words[1], std::ios::binary) << context;
    json["context"] = to_json(*view);
  }
  show(json);
  return Done{};
}

// Says of charon's reports what is written into a FIFO.
class Committer {
 public:
  Committer(boost::asio::io_context& io, CharonClient& client, const std::string& fifo)
      : client_(client), fifo_(io, ::open(fifo.c_str(), O_RDWR | O_CLOEXEC)) {
    read();
  }

 private:
  void read() {
    boost::asio::async_read_until(fifo_, boost::asio::dynamic_buffer(text_), '\n',
                                  [this](const boost::system::error_code& error, std::size_t size) {
                                    if (error) return;
                                    say(text_.substr(0, size));
                                    text_.erase(0, size);
                                    read();
                                  });
  }
  void say(const std::string& line) {
    const auto show_counters = [](Result<ctx::CharonReply> reply) {
      if (!reply) return show({{"event", "refused"}, {"text", reply.error().what}});
      show({{"event", "counters"},
            {"held", reply->commits.held},
            {"dropped", reply->commits.dropped},
            {"early", reply->commits.early}});
    };
    const std::uint64_t number = std::stoull(line.substr(line.find(' ')));
    line.starts_with("commit") ? client_.commit(number, show_counters)
                               : client_.discard(1, number, show_counters);
  }

  CharonClient& client_;
  boost::asio::posix::stream_descriptor fifo_;
  std::string text_;
};

Status run(const std::string& socket, const std::string& command, const Words& words) {
  boost::asio::io_context io;
  std::optional<Error> lost;
  std::optional<Result<ctx::CharonReply>> reply;
  auto client = CharonClient::connect(io, socket, callbacks(lost));
  if (!client) return client.error();
  const auto begun = Clock::now();
  auto asked =
      ask(**client, command, words, [&](Result<ctx::CharonReply> answer) { reply = std::move(answer); });
  if (!asked) return asked.error();
  while (!reply) io.run_one();
  const auto waited = Clock::now() - begun;
  if (!*reply) return reply->error();
  if (command != "watch") return show_reply(**reply, waited, command, words);
  std::optional<Committer> committer;
  if (words.size() == 3) committer.emplace(io, **client, words[2]);
  while (!lost) io.run_one();
  return *lost;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << kUsage;
    return 2;
  }
  if (auto done = run(argv[1], argv[2], Words(argv + 3, argv + argc)); !done) {
    std::cerr << "hasync-probe: " << done.error().what << std::endl;
    return 1;
  }
  return 0;
}
