#include "haipsec/transfer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>

#include "ctx-transfer/context_codec.h"
#include "haipsec/charon_session.h"
#include "hasyncd/adapters/key_file.h"
#include "hasyncd/adapters/seal.h"

namespace hasync::haipsec {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kShortestSpi = 4;  // digits
constexpr const char* kPlainWarning =
    "haipsec: WARNING: the file is not sealed. Whoever reads it can decrypt and forge this tunnel's "
    "traffic.\n";

int failed(const Output& output, const Error& error) {
  return output.failure(error, error.code == Errc::NotFound ? kUnreachable : kRefused);
}

std::string initiator_of(const ctx::SaSummary& tunnel) {
  return to_string(tunnel.sa).substr(0, 16);
}

Result<hasyncd::KeySet> context_key(const std::string& file) {
  Result<hasyncd::KeySet> keys = hasyncd::load_keys(file);
  if (!keys) return Error{Errc::Denied, keys.error().what};
  if (keys->newest().context.empty())
    return Error{Errc::Denied, "key file " + file + ": is a witness's, it opens no context"};
  return keys;
}

// A new file, for this user alone, whole or not at all.
Status write_file(const std::string& file, const Bytes& bytes) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return Error{Errc::System, file + ": " + std::strerror(errno)};
  const bool whole =
      ::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) && ::fsync(fd) == 0;
  const int error = errno;
  ::close(fd);
  if (whole) return Done{};
  ::unlink(file.c_str());
  return Error{Errc::System, file + ": " + std::strerror(error)};
}

Result<Bytes> read_file(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return Error{Errc::System, file + ": " + std::strerror(errno)};
  Bytes out(2 * ctx::kMaxContext);
  in.read(reinterpret_cast<char*>(out.data()), static_cast<std::streamsize>(out.size()));
  if (in.gcount() == static_cast<std::streamsize>(out.size()))
    return invalid(file + ": too large for a context file");
  out.resize(static_cast<std::size_t>(in.gcount()));
  return out;
}

Result<Bytes> sealed_or_plain(const Options& options, const Secret& context) {
  if (options.plain) return hasyncd::plain_file(context.reveal());
  const Result<hasyncd::KeySet> keys = context_key(options.key);
  if (!keys) return keys.error();
  hasyncd::Sealer sealer(*keys, &hasyncd::Key::context);
  return hasyncd::seal_file(sealer, context.reveal());
}

Result<Secret> opened(const Options& options, const Bytes& file) {
  // A plain file needs no key, but the same explicit word as when it was written.
  if (auto plain = hasyncd::open_file(nullptr, file); plain) {
    if (options.plain) return std::move(plain->content);
    return Error{Errc::Denied,
                 options.file + ": is not sealed; say --plain if it is to be trusted all the same"};
  } else if (plain.error().code != Errc::Denied) {
    return Error{plain.error().code, options.file + ": " + plain.error().what};
  }
  const Result<hasyncd::KeySet> keys = context_key(options.key);
  if (!keys) return keys.error();
  hasyncd::Sealer sealer(*keys, &hasyncd::Key::context);
  auto content = hasyncd::open_file(&sealer, file);
  if (!content) return Error{content.error().code, options.file + ": " + content.error().what};
  return std::move(content->content);
}

ordered_json times(const CharonSession& session, const ctx::CharonReply& reply) {
  return {{"took_us", session.last_took().count()}, {"plugin_us", reply.took_ns / 1000}};
}

}  // namespace

Result<ctx::SaSummary> choose_tunnel(const std::vector<ctx::SaSummary>& tunnels, const std::string& name) {
  std::vector<const ctx::SaSummary*> found;
  for (const ctx::SaSummary& tunnel : tunnels) {
    const bool by_spi = name.size() >= kShortestSpi && initiator_of(tunnel).rfind(name, 0) == 0;
    if (by_spi || tunnel.connection == name) found.push_back(&tunnel);
  }
  if (found.size() == 1) return *found.front();
  std::string text =
      found.empty() ? "no tunnel is called " + name + "; there are" : name + " fits several tunnels";
  for (const ctx::SaSummary& tunnel : tunnels) {
    if (!found.empty() && std::ranges::find(found, &tunnel) == found.end()) continue;
    text += "\n  " + tunnel.connection + " " + tunnel.remote + " " + initiator_of(tunnel);
  }
  return Error{Errc::Conflict, tunnels.empty() ? "charon has no tunnels" : text};
}

Result<Secret> skip_numbers(std::string_view context, std::uint64_t skip) {
  const Result<ctx::ContextView> view = ctx::decode_context(context);
  if (!view) return view.error();
  std::map<OutboundKey, std::uint64_t> numbers;
  for (const ctx::ChildView& child : view->children) {
    const std::uint64_t most = child.esn ? UINT64_MAX : UINT32_MAX;
    if (child.outbound_number > most || skip > most - child.outbound_number) {
      return Error{Errc::Conflict,
                   "child " + child.name + ": its numbers are used up; rekey it at the other gateway"};
    }
    numbers[child.outbound] = child.outbound_number + skip;
  }
  return ctx::with_numbers(context, numbers);
}

int get(const Options& options) {
  const Output output(options.json);
  auto session = CharonSession::open(options.charon);
  if (!session) return failed(output, session.error());
  const auto tunnels = (*session)->list();
  if (!tunnels) return output.failure(tunnels.error());
  const auto tunnel = choose_tunnel(*tunnels, options.tunnel);
  if (!tunnel) return output.failure(tunnel.error());
  const auto reply = (*session)->get(tunnel->sa);
  if (!reply) return output.failure(reply.error());
  const ordered_json took = times(**session, *reply);

  const auto file = sealed_or_plain(options, reply->context);
  if (!file) return output.failure(file.error());
  if (const Status written = write_file(options.file, *file); !written)
    return output.failure(written.error());
  if (options.plain) std::cerr << kPlainWarning;
  if (options.release) {
    if (const auto released = (*session)->release(tunnel->sa); !released)
      return output.failure(released.error());
  }
  const std::string text =
      tunnel->connection + " is in " + options.file +
      (options.release ? " and no longer here\n"
                       : "; this gateway still uses it: release it before another one does\n");
  return output.success({{"ok", true},
                         {"connection", tunnel->connection},
                         {"ike_sa", to_string(tunnel->sa)},
                         {"file", options.file},
                         {"sealed", !options.plain},
                         {"released", options.release},
                         {"bytes", reply->context.reveal().size()},
                         {"get", took}},
                        text);
}

int put(const Options& options) {
  const Output output(options.json);
  const auto file = read_file(options.file);
  if (!file) return output.failure(file.error());
  const auto context = opened(options, *file);
  if (!context) return output.failure(context.error());
  const auto view = ctx::decode_context(text_of(context->reveal()));
  if (!view) return output.failure(view.error());
  const auto skipped = skip_numbers(text_of(context->reveal()), options.skip);
  if (!skipped) return output.failure(skipped.error());

  auto session = CharonSession::open(options.charon);
  if (!session) return failed(output, session.error());
  const auto reply = (*session)->put(*skipped);
  if (!reply) return output.failure(reply.error());
  return output.success({{"ok", true},
                         {"connection", view->connection},
                         {"ike_sa", to_string(view->sa)},
                         {"skipped", options.skip},
                         {"put", times(**session, *reply)}},
                        view->connection + " is here now\n");
}

}  // namespace hasync::haipsec
