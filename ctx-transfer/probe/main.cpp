// hasync-probe: says one thing to the charon plugin, for tests and for looking at what goes wrong. Contexts are read and
// written in plain: they hold keys, so only scratch files in a test's own directory are meant.
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

#include "ctx-transfer/adapters/charon_client.h"
#include "ctx-transfer/context_codec.h"

namespace {

using namespace hasync;
using Json = nlohmann::json;

constexpr const char* kUsage = R"(usage: hasync-probe SOCKET COMMAND
  hello | list | watch
  get SA FILE                      SA: INITIATOR_SPI:RESPONDER_SPI in hex, as list shows it
  put FILE active|passive [JUMP]   JUMP: added to all outbound numbers
  state active|passive SA...
  release SA...
  rekey SA [INBOUND_SPI]
)";

const char* text_of_state(ctx::SaState state) { return state == ctx::SaState::Active ? "active" : "passive"; }

std::string text_of_id(SaId id) {
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

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Json to_json(const ctx::ContextView& view) {
  Json children = Json::array();
  for (const auto& child : view.children) {
    children.push_back({{"name", child.name},
                        {"inbound_spi", child.inbound_spi.value},
                        {"outbound_spi", child.outbound_spi.value},
                        {"esn", child.esn},
                        {"outbound_number", child.outbound_number},
                        {"inbound_top", child.inbound_top},
                        {"installed", child.installed}});
  }
  return {{"sa", text_of_id(view.id)},     {"connection", view.connection}, {"peer", to_string(view.peer)},
          {"peer_id", view.peer_id},       {"closing", view.closing},       {"established_ago", view.established_ago.count()},
          {"local", to_string(view.local)}, {"children", children}};
}

Json to_json(const ctx::SaSummary& sa) {
  return {{"sa", text_of_id(sa.id)},
          {"connection", sa.connection},
          {"peer", to_string(sa.peer)},
          {"peer_id", sa.peer_id},
          {"state", text_of_state(sa.state)},
          {"keys_known", sa.keys_known},
          {"children", sa.children}};
}

struct ToJson {
  Json operator()(const ctx::Changed& changed) const {
    Json json = {{"event", "changed"}, {"state", text_of_state(changed.state)}, {"context", to_json(changed.view)}};
    if (changed.replaces) json["replaces"] = text_of_id(*changed.replaces);
    return json;
  }
  Json operator()(const ctx::Gone& gone) const {
    return {{"event", "gone"}, {"sa", text_of_id(gone.id)}, {"released", gone.released}};
  }
  Json operator()(const ctx::Synced&) const { return {{"event", "synced"}}; }
  Json operator()(const ctx::Unprotected& unprotected) const {
    return {{"event", "unprotected"}, {"sa", to_json(unprotected.sa)}};
  }
};

void show_event(const ctx::Event& event) {
  Json json = std::visit(ToJson{}, event.what);
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  json["number"] = event.number;
  json["age_us"] = std::chrono::duration_cast<std::chrono::microseconds>(now - event.hook).count();
  std::cout << json.dump() << std::endl;
}

Result<std::vector<SaId>> parse_ids(const std::vector<std::string>& words) {
  std::vector<SaId> ids;
  for (const auto& word : words) {
    auto id = parse_id(word);
    if (!id) return id.error();
    ids.push_back(*id);
  }
  return ids;
}

Result<ctx::SaState> parse_state(const std::string& word) {
  if (word == "active") return ctx::SaState::Active;
  if (word == "passive") return ctx::SaState::Passive;
  return invalid("'" + word + "' is neither active nor passive");
}

Result<ctx::Request> make_put(const std::vector<std::string>& words) {
  auto state = parse_state(words.at(1));
  if (!state) return state.error();
  std::string context = read_file(words.at(0));
  if (words.size() > 2) {
    auto view = ctx::decode_context(context);
    if (!view) return view.error();
    std::map<EspSpi, std::uint64_t> numbers;
    for (const auto& child : view->children) {
      numbers[child.outbound_spi] = child.outbound_number + std::stoull(words[2]);
    }
    auto jumped = ctx::with_outbound_numbers(context, numbers);
    if (!jumped) return jumped.error();
    context = *jumped;
  }
  return ctx::Request{ctx::Put{std::move(context), *state}};
}

Result<ctx::Request> make_request(const std::string& command, const std::vector<std::string>& words) {
  if (command == "hello") return ctx::Request{ctx::Hello{}};
  if (command == "list") return ctx::Request{ctx::List{}};
  if (command == "watch") return ctx::Request{ctx::Subscribe{}};
  if (command == "put" && words.size() >= 2) return make_put(words);
  if (command == "state" && !words.empty()) {
    auto state = parse_state(words[0]);
    auto ids = parse_ids({words.begin() + 1, words.end()});
    if (!state) return state.error();
    if (!ids) return ids.error();
    return ctx::Request{ctx::SetState{*ids, *state}};
  }
  auto ids = parse_ids(command == "release" || words.empty() ? words : std::vector<std::string>{words[0]});
  if (!ids) return ids.error();
  if (command == "release") return ctx::Request{ctx::Release{*ids}};
  if (command == "get" && words.size() == 2) return ctx::Request{ctx::Get{ids->at(0)}};
  if (command == "rekey" && !words.empty()) {
    const std::uint32_t spi = words.size() > 1 ? static_cast<std::uint32_t>(std::stoul(words[1], nullptr, 0)) : 0;
    return ctx::Request{ctx::Rekey{ids->at(0), EspSpi{spi}}};
  }
  return invalid("what is '" + command + "'?");
}

Status show_reply(const ctx::Reply& reply, const std::string& command, const std::vector<std::string>& words) {
  Json json = {{"took_us", static_cast<double>(reply.took.count()) / 1000}};
  if (command == "hello") json["charon"] = reply.versions.charon;
  if (command == "list") {
    json["sas"] = Json::array();
    for (const auto& sa : reply.sas) json["sas"].push_back(to_json(sa));
  }
  if (command == "get") {
    auto view = ctx::decode_context(reply.context);
    if (!view) return view.error();
    std::ofstream(words[1], std::ios::binary) << reply.context;
    json["context"] = to_json(*view);
  }
  std::cout << json.dump() << std::endl;
  return Done{};
}

Status run(const std::string& socket, const std::string& command, const std::vector<std::string>& words) {
  boost::asio::io_context io;
  std::optional<Error> closed;
  auto client = ctx::CharonClient::connect(io, socket, {show_event, [&](Error error) { closed = std::move(error); }});
  if (!client) return client.error();
  auto request = make_request(command, words);
  if (!request) return request.error();
  auto reply = (*client)->ask_and_wait(*request);
  if (!reply) return reply.error();
  if (command != "watch") return show_reply(*reply, command, words);
  while (!closed) io.run_one();
  return *closed;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << kUsage;
    return 2;
  }
  if (auto done = run(argv[1], argv[2], {argv + 3, argv + argc}); !done) {
    std::cerr << "hasync-probe: " << done.error().what << std::endl;
    return 1;
  }
  return 0;
}
