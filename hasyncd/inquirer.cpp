#include "hasyncd/inquirer.h"

#include <algorithm>

#include "hasyncd/adapters/clock.h"

namespace hasync::hasyncd {
namespace {

constexpr std::chrono::seconds kLongest{1};
constexpr std::chrono::seconds kFresh{1};

AboutCharon about(const ctx::CharonSetup& setup) {
  AboutCharon out{setup.charon_version, setup.plugin_version, setup.spi_min, setup.spi_max, {},
                  setup.left_out};
  for (const ctx::CharonSetup::Connection& connection : setup.connections) {
    if (out.connections.size() == kMaxConnections || connection.name.size() > kMaxName) {
      ++out.left_out;
      continue;
    }
    AboutConnection& to = out.connections.emplace_back(AboutConnection{connection.name, {}});
    for (const std::string& child : connection.children) {
      if (child.size() <= kMaxName) to.children.push_back(child);
    }
  }
  return out;
}

}  // namespace

void Inquirer::ask(std::function<void()> done) {
  if (waiting_.empty() && answered_at_ && now() - *answered_at_ < kFresh) return done();
  waiting_.push_back(std::move(done));
  if (waiting_.size() == 1) begin();
}

void Inquirer::begin() {
  timer_.expires_after(kLongest);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) end();
  });
  const std::vector<NodeId> group = ports_.group();
  if (std::ranges::find(group, self_.node) != group.end()) {
    inquiry_ = Inquiry(self_, ports_.send(Ask{}), group, wall_clock(), now());
    return;
  }
  inquiry_ = Inquiry(self_, 0, {self_.node}, wall_clock(), now());
  describe([this](About own) {
    own.asker = self_;
    heard(self_.node, Aside{.body = std::move(own)});
  });
}

void Inquirer::heard(NodeId from, const Aside& aside) {
  if (const About* told = std::get_if<About>(&aside.body)) {
    inquiry_.heard(from, *told, now());
    if (inquiry_.complete() && !waiting_.empty()) end();
    return;
  }
  describe([this, asker = Process{from, aside.incarnation}, asked = aside.number](About own) {
    own.asker = asker;
    own.asked = asked;
    ports_.send(own);
  });
}

void Inquirer::describe(const std::function<void(About)>& told) {
  ports_.charon([told](const std::optional<ctx::CharonSetup>& setup) {
    About out{.version = HASYNC_VERSION};
    if (setup) out.charon = about(*setup);
    out.clock_ns = static_cast<std::uint64_t>(wall_clock().count());
    told(std::move(out));
  });
}

void Inquirer::end() {
  timer_.cancel();
  answered_at_ = now();
  for (const auto& done : std::exchange(waiting_, {})) done();
}

}  // namespace hasync::hasyncd
