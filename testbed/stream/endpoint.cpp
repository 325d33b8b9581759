#include "testbed/stream/endpoint.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <random>

#include "testbed/stream/stream_packet.h"

namespace hasync::testbed {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::size_t kBatch = 64;
constexpr std::size_t kLargest = 2048;

std::int64_t now_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

double ms(std::int64_t nanoseconds) {
  return static_cast<double>(nanoseconds) / 1e6;
}

nlohmann::json describe(const Gap& gap) {
  return {{"ms", ms(gap.to_ns - gap.from_ns)},
          {"from_ns", gap.from_ns},
          {"to_ns", gap.to_ns},
          {"counter_before", gap.counter_before},
          {"counter_after", gap.counter_after}};
}

void print(const nlohmann::json& line) {
  std::puts(line.dump().c_str());
  std::fflush(stdout);
}

}  // namespace

Endpoint::Endpoint(EndpointOptions options)
    : options_(std::move(options)),
      run_(std::random_device{}() | 1U),
      datagram_(std::clamp(options_.size, kStreamPacketSize, kLargest)),
      ledger_(static_cast<std::int64_t>(options_.event_gap_ms * 1e6)) {}

Endpoint::~Endpoint() {
  if (socket_ >= 0) close(socket_);
}

std::string Endpoint::open() {
  socket_ = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  const int buffer = 4 << 20;
  const auto failed = [](const char* what) { return std::string(what) + ": " + std::strerror(errno); };
  if (socket_ < 0) return failed("socket");
  // The kernel's own receive time: a late reader must not look like a gap.
  if (setsockopt(socket_, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0) return failed("SO_TIMESTAMPNS");
  if (setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer) != 0) return failed("SO_RCVBUF");
  if (bind(socket_, reinterpret_cast<const sockaddr*>(&options_.local), sizeof options_.local) != 0)
    return failed("bind");
  return {};
}

void Endpoint::run(const volatile std::sig_atomic_t& go, const volatile std::sig_atomic_t& stop) {
  const auto duration = static_cast<std::int64_t>(options_.duration_s * 1e9);
  // Few wake-ups: packets that fall due within a millisecond leave together.
  const auto tick =
      static_cast<std::int64_t>(std::clamp(options_.rate > 0 ? 1e9 / options_.rate : 1e8, 1e6, 1e8));
  print({{"event", "listening"}, {"stream", options_.name}});
  std::int64_t next = 0;
  std::int64_t end = 0;
  for (;;) {
    const std::int64_t now = now_ns(CLOCK_MONOTONIC);
    if (started_at_ == 0 && go != 0) started_at_ = now;
    const bool spent = duration > 0 && started_at_ != 0 && now - started_at_ >= duration;
    if (end == 0 && (stop != 0 || spent)) end = now + static_cast<std::int64_t>(options_.linger_s * 1e9);
    if (end != 0 && now >= end) return;
    if (now >= next) {
      if (end == 0 && started_at_ != 0) send_due(now);
      tell_silence(now_ns(CLOCK_REALTIME));
      next = std::max(next + tick, now);
      continue;
    }
    pollfd poll_for{socket_, POLLIN, 0};
    const timespec wait{(next - now) / kSecond, (next - now) % kSecond};
    if (ppoll(&poll_for, 1, &wait, nullptr) > 0) receive();
  }
}

void Endpoint::send_due(std::int64_t now) {
  const double elapsed = static_cast<double>(now - started_at_) / 1e9;
  auto due = static_cast<std::uint64_t>(elapsed * options_.rate);
  // After standing still (a stopped process) carry on at the rate; do not make up for it with a burst.
  if (due > sent_ + kBatch) {
    started_at_ += static_cast<std::int64_t>(static_cast<double>(due - sent_ - kBatch) / options_.rate * 1e9);
    due = sent_ + kBatch;
  }
  for (; sent_ < due; ++sent_) {
    encode({run_, sent_, now_ns(CLOCK_REALTIME)},
           std::span<std::uint8_t, kStreamPacketSize>(datagram_.data(), kStreamPacketSize));
    if (sendto(socket_, datagram_.data(), datagram_.size(), 0,
               reinterpret_cast<const sockaddr*>(&options_.remote), sizeof options_.remote) < 0)
      ++send_errors_;
  }
}

void Endpoint::receive() {
  static std::array<std::array<std::uint8_t, kLargest>, kBatch> buffers;
  static std::array<std::array<char, CMSG_SPACE(sizeof(timespec))>, kBatch> controls;
  std::array<iovec, kBatch> vectors{};
  std::array<mmsghdr, kBatch> messages{};
  for (std::size_t i = 0; i < kBatch; ++i) {
    vectors[i] = {buffers[i].data(), buffers[i].size()};
    messages[i].msg_hdr.msg_iov = &vectors[i];
    messages[i].msg_hdr.msg_iovlen = 1;
    messages[i].msg_hdr.msg_control = controls[i].data();
    messages[i].msg_hdr.msg_controllen = controls[i].size();
  }
  const int count = recvmmsg(socket_, messages.data(), kBatch, MSG_DONTWAIT, nullptr);
  for (int i = 0; i < count; ++i) {
    const auto& message = messages[static_cast<std::size_t>(i)];
    book(message.msg_hdr, message.msg_len);
  }
}

void Endpoint::book(const msghdr& header, std::size_t length) {
  const auto packet =
      decode_stream_packet({static_cast<const std::uint8_t*>(header.msg_iov->iov_base), length});
  if (!packet || (other_run_ != 0 && packet->run != other_run_)) {
    ++foreign_;
    return;
  }
  std::int64_t at = now_ns(CLOCK_REALTIME);
  msghdr mutable_header = header;
  for (cmsghdr* part = CMSG_FIRSTHDR(&mutable_header); part != nullptr;
       part = CMSG_NXTHDR(&mutable_header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_TIMESTAMPNS) continue;
    timespec stamp{};
    std::memcpy(&stamp, CMSG_DATA(part), sizeof stamp);
    at = stamp.tv_sec * kSecond + stamp.tv_nsec;
  }
  max_latency_ns_ = std::max(max_latency_ns_, at - packet->sent_ns);
  if (other_run_ == 0) {
    other_run_ = packet->run;
    print({{"event", "first"}, {"stream", options_.name}, {"at_ns", at}, {"counter", packet->counter}});
  }
  if (const auto gap = ledger_.arrived(packet->counter, at)) {
    nlohmann::json line = describe(*gap);
    line["event"] = "back";
    line["stream"] = options_.name;
    print(line);
  }
}

void Endpoint::tell_silence(std::int64_t now) {
  const auto last = ledger_.last_arrival_ns();
  if (last && now - *last > static_cast<std::int64_t>(options_.event_gap_ms * 1e6))
    receive();  // a late reader is no silence
  if (const auto since = ledger_.silent_since(now))
    print({{"event", "silent"}, {"stream", options_.name}, {"since_ns", *since}});
}

nlohmann::json Endpoint::report() const {
  const Totals totals = ledger_.totals();
  nlohmann::json gaps = nlohmann::json::array();
  for (const Gap& gap : ledger_.gaps()) gaps.push_back(describe(gap));
  const auto last = ledger_.last_arrival_ns();
  return {{"stream", options_.name},
          {"sent", sent_},
          {"send_errors", send_errors_},
          {"received", totals.received},
          {"duplicates", totals.duplicates},
          {"reordered", totals.reordered},
          {"lost_so_far", totals.lost_so_far},
          {"foreign", foreign_ + totals.refused},
          {"longest_gap", describe(ledger_.longest_gap())},
          {"gaps", gaps},
          {"max_latency_ms", ms(max_latency_ns_)},
          {"last_arrival_ns", last ? nlohmann::json(*last) : nlohmann::json()},
          {"realtime_minus_monotonic_ns", now_ns(CLOCK_REALTIME) - now_ns(CLOCK_MONOTONIC)}};
}

}  // namespace hasync::testbed
