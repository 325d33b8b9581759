#include "ctx-transfer/plugin_codec.h"

#include "base/address.h"
#include "plugin.pb.h"

namespace hasync::ctx {
namespace {

SaId sa_of(const proto::SaId& id) {
  return {id.initiator_spi(), id.responder_spi()};
}

SaSummary summary_of(const proto::SaSummary& from) {
  SaSummary out{sa_of(from.sa()),
                from.connection(),
                from.remote_id().data(),
                {},
                from.state() == proto::SA_STATE_ACTIVE,
                from.keys_known(),
                from.children()};
  const std::string& address = from.remote().address();
  const auto parsed =
      Address::from_wire({reinterpret_cast<const std::uint8_t*>(address.data()), address.size()});
  if (parsed) out.remote = to_string(*parsed);
  return out;
}

Errc errc_of(proto::ErrorCode code) {
  if (code == proto::BAD_REQUEST) return Errc::Invalid;
  if (code == proto::UNSUPPORTED) return Errc::Unsupported;
  if (code == proto::NOT_FOUND || code == proto::NO_CONFIG) return Errc::NotFound;
  if (code == proto::BUSY) return Errc::Busy;
  if (code == proto::CONFLICT || code == proto::KEYS_UNKNOWN) return Errc::Conflict;
  return Errc::System;
}

CharonSetup setup_of(const proto::HelloReply& from) {
  CharonSetup out{from.plugin_version(),      from.charon_version(), from.spi_min(), from.spi_max(), {},
                  from.connections_left_out()};
  for (const proto::Connection& connection : from.connections()) {
    out.connections.push_back({connection.name(),
                               {connection.children().begin(), connection.children().end()},
                               connection.remote()});
  }
  return out;
}

Result<CharonReply> reply_of(const proto::Reply& from) {
  if (from.code() != proto::OK)
    return Error{errc_of(from.code()), proto::ErrorCode_Name(from.code()) + ": " + from.text()};
  CharonReply out;
  out.took_ns = from.took_ns();
  out.commits = {from.commit().held(), from.commit().dropped(), from.commit().early()};
  if (from.has_get()) out.context = Secret(view_of(from.get().context().SerializeAsString()));
  if (from.has_list()) {
    for (const proto::SaSummary& sa : from.list().sas()) out.sas.push_back(summary_of(sa));
  }
  if (from.has_hello()) {
    out.setup = setup_of(from.hello());
  }
  return out;
}

ChangedContext changed_of(const proto::Event& event) {
  const proto::Context& context = event.changed().context();
  return {{context.ike().initiator_spi(), context.ike().responder_spi()},
          Secret(view_of(context.SerializeAsString())),
          event.changed().state() == proto::SA_STATE_ACTIVE,
          event.hook_ns(),
          event.number(),
          event.changed().has_replaces() ? std::optional{sa_of(event.changed().replaces())} : std::nullopt};
}

std::vector<RetiredVpe> retired_of(const proto::VpeRetired& from) {
  std::vector<RetiredVpe> out;
  for (const proto::VpeRetire& one : from.done()) out.push_back({EspSpi{one.inbound_spi()}, one.reception()});
  return out;
}

PluginEvent event_of(const proto::Event& from) {
  PluginEvent out{from.number(), UnknownEvent{}};
  if (from.has_changed()) {
    out.content = changed_of(from);
  } else if (from.has_gone()) {
    out.content = GoneSa{sa_of(from.gone().sa()), from.gone().released(), from.number()};
  } else if (from.has_synced()) {
    out.content = Synced{};
  } else if (from.has_unprotected()) {
    out.content = summary_of(from.unprotected().sa());
  } else if (from.has_vpe_begun()) {
    out.content = VpeBegun{from.vpe_begun().session()};
  } else if (from.has_vpe_retired()) {
    out.content = retired_of(from.vpe_retired());
  }
  return out;
}

}  // namespace

Result<std::size_t> plugin_frame_size(std::span<const std::uint8_t, kPluginLength> length) {
  std::size_t size = 0;
  for (const std::uint8_t byte : length) size = size << 8U | byte;
  if (size == 0 || size > kMaxPluginFrame) return invalid("plugin frame: length " + std::to_string(size));
  return size;
}

Result<std::variant<PluginReply, PluginEvent>> decode_from_plugin(BytesView message) {
  proto::FromPlugin from;
  if (!from.ParseFromArray(message.data(), static_cast<int>(message.size())))
    return invalid("plugin frame: is not well formed");
  using Said = std::variant<PluginReply, PluginEvent>;
  if (from.has_event()) return Said(event_of(from.event()));
  return Said(PluginReply{from.reply().id(), reply_of(from.reply())});
}

}  // namespace hasync::ctx
