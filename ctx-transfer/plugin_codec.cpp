#include "ctx-transfer/plugin_codec.h"

#include "base/bytes.h"
#include "ctx-transfer/context_codec.h"
#include "plugin.pb.h"

namespace hasync::ctx {
namespace {

proto::SaState to_proto(SaState state) {
  return state == SaState::Active ? proto::SA_STATE_ACTIVE : proto::SA_STATE_PASSIVE;
}

void fill(proto::SaId* out, SaId id) {
  out->set_initiator_spi(id.initiator_spi);
  out->set_responder_spi(id.responder_spi);
}

Status fill(proto::Request& out, const Hello&) {
  out.mutable_hello();
  return Done{};
}
Status fill(proto::Request& out, const Subscribe&) {
  out.mutable_subscribe();
  return Done{};
}
Status fill(proto::Request& out, const List&) {
  out.mutable_list();
  return Done{};
}
Status fill(proto::Request& out, const Get& get) {
  fill(out.mutable_get()->mutable_sa(), get.sa);
  return Done{};
}
Status fill(proto::Request& out, const Put& put) {
  if (!out.mutable_put()->mutable_context()->ParseFromString(put.context)) {
    return invalid("put.context: not a message of context.proto");
  }
  out.mutable_put()->set_state(to_proto(put.state));
  return Done{};
}
Status fill(proto::Request& out, const SetState& set) {
  for (const SaId sa : set.sas) fill(out.mutable_set_state()->add_sas(), sa);
  out.mutable_set_state()->set_state(to_proto(set.state));
  return Done{};
}
Status fill(proto::Request& out, const Release& release) {
  out.mutable_release();
  for (const SaId sa : release.sas) fill(out.mutable_release()->add_sas(), sa);
  return Done{};
}
Status fill(proto::Request& out, const Rekey& rekey) {
  fill(out.mutable_rekey()->mutable_sa(), rekey.sa);
  out.mutable_rekey()->set_child_inbound_spi(rekey.child_inbound_spi.value);
  return Done{};
}

SaId read_id(const proto::SaId& id) { return {id.initiator_spi(), id.responder_spi()}; }

Result<SaState> read_state(proto::SaState state) {
  if (state == proto::SA_STATE_ACTIVE) return SaState::Active;
  if (state == proto::SA_STATE_PASSIVE) return SaState::Passive;
  return invalid("state: " + std::to_string(static_cast<int>(state)) + " is not known");
}

Result<SaSummary> read_summary(const proto::SaSummary& in) {
  SaSummary out;
  auto local = Address::from_wire(view_of(in.local().address()));
  auto peer = Address::from_wire(view_of(in.remote().address()));
  auto state = read_state(in.state());
  if (!local || !peer || !state) return invalid("sas: an address or state cannot be read");
  out.id = read_id(in.sa());
  out.connection = in.connection();
  out.local = *local;
  out.peer = *peer;
  out.peer_id = in.remote_id().data();
  out.state = *state;
  out.keys_known = in.keys_known();
  out.children = in.children();
  return out;
}

Result<FromPlugin> read_reply(const proto::Reply& in) {
  Reply out;
  out.id = in.id();
  out.took = std::chrono::nanoseconds(in.took_ns());
  if (in.code() != proto::OK) out.refusal = Refusal{static_cast<PluginErrc>(in.code()), in.text()};
  if (in.has_hello()) {
    out.versions = {in.hello().plugin_version(), in.hello().charon_version(), in.hello().context_major(),
                    in.hello().context_minor()};
  }
  for (const auto& sa : in.list().sas()) {
    auto summary = read_summary(sa);
    if (!summary) return summary.error();
    out.sas.push_back(std::move(*summary));
  }
  if (in.has_get()) out.context = in.get().context().SerializeAsString();
  return FromPlugin{std::move(out)};
}

Result<Changed> read_changed(const proto::Changed& in) {
  Changed out;
  out.context = in.context().SerializeAsString();
  auto view = decode_context(out.context);
  if (!view) return view.error();
  auto state = read_state(in.state());
  if (!state) return state.error();
  out.view = std::move(*view);
  out.state = *state;
  if (in.has_replaces()) out.replaces = read_id(in.replaces());
  return out;
}

Result<FromPlugin> read_event(const proto::Event& in) {
  Event out;
  out.number = in.number();
  out.hook = std::chrono::nanoseconds(in.hook_ns());
  if (in.has_changed()) {
    auto changed = read_changed(in.changed());
    if (!changed) return changed.error();
    out.what = std::move(*changed);
  } else if (in.has_gone()) {
    out.what = Gone{read_id(in.gone().sa()), in.gone().released()};
  } else if (in.has_synced()) {
    out.what = Synced{};
  } else if (in.has_unprotected()) {
    auto summary = read_summary(in.unprotected().sa());
    if (!summary) return summary.error();
    out.what = Unprotected{std::move(*summary)};
  } else {
    return Error{Errc::Unsupported, "event: of a kind that is not known here"};
  }
  return FromPlugin{std::move(out)};
}

}  // namespace

Result<std::string> encode_request(std::uint64_t id, const Request& request) {
  proto::Request message;
  message.set_id(id);
  auto filled = std::visit([&](const auto& what) { return fill(message, what); }, request);
  if (!filled) return filled.error();

  const std::size_t size = message.ByteSizeLong();
  if (size > kFrameMax) return invalid("request: longer than a frame may be");
  std::string frame(kFrameHeader, '\0');
  for (std::size_t i = 0; i < kFrameHeader; ++i) {
    frame[i] = static_cast<char>((size >> (8 * (kFrameHeader - 1 - i))) & 0xff);
  }
  message.AppendToString(&frame);
  return frame;
}

Result<std::size_t> decode_frame_header(std::string_view header) {
  if (header.size() != kFrameHeader) return invalid("frame: header of a wrong length");
  std::size_t size = 0;
  for (const std::uint8_t byte : view_of(header)) size = size << 8 | byte;
  if (size > kFrameMax) return invalid("frame: " + std::to_string(size) + " bytes, more than a frame may have");
  return size;
}

Result<FromPlugin> decode_from_plugin(std::string_view content) {
  proto::FromPlugin message;
  if (!message.ParseFromArray(content.data(), static_cast<int>(content.size()))) {
    return invalid("frame: not a message of plugin.proto");
  }
  if (message.has_reply()) return read_reply(message.reply());
  if (message.has_event()) return read_event(message.event());
  return Error{Errc::Unsupported, "frame: of a kind that is not known here"};
}

}  // namespace hasync::ctx
