#include "testbed/capture/adapters/pcap_recorder.h"

#include <pcap/pcap.h>

#include <array>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

namespace hasync::testbed {

namespace {

// Non-first fragments carry no ports: all of them are kept.
// 4510: VPE, in the testbed. 136: neighbour advertisements
constexpr const char* kFilter =
    "arp or (icmp6 and ip6[40] == 136) or esp or udp port 500 or udp port 4500 or udp port 4510 or (ip[6:2] "
    "& 0x1fff != 0)";

using Device = std::unique_ptr<pcap_t, decltype(&pcap_close)>;
using Dump = std::unique_ptr<pcap_dumper_t, decltype(&pcap_dump_close)>;

Error failed(const std::string& what, const std::string& why) {
  return {Errc::System, what + ": " + why};
}

Status set_filter(pcap_t* device) {
  bpf_program program{};
  if (pcap_compile(device, &program, kFilter, 1, PCAP_NETMASK_UNKNOWN) != 0)
    return failed("filter", pcap_geterr(device));
  const int status = pcap_setfilter(device, &program);
  pcap_freecode(&program);
  if (status != 0) return failed("filter", pcap_geterr(device));
  return Done{};
}

Result<Device> open_device(const RecorderOptions& options) {
  std::array<char, PCAP_ERRBUF_SIZE> why{};
  Device device(pcap_create(options.device.c_str(), why.data()), pcap_close);
  if (!device) return failed(options.device, why.data());
  pcap_set_snaplen(device.get(), options.snap_length);
  pcap_set_promisc(device.get(), 1);
  pcap_set_buffer_size(device.get(), options.buffer_bytes);
  pcap_set_timeout(device.get(), 20);  // ms until a batch is handed over; the times in it are the kernel's
  pcap_set_tstamp_precision(device.get(), PCAP_TSTAMP_PRECISION_NANO);
  if (const int status = pcap_activate(device.get()); status < 0)
    return failed(options.device, std::string(pcap_statustostr(status)) + " " + pcap_geterr(device.get()));
  if (pcap_datalink(device.get()) != DLT_EN10MB) return failed(options.device, "is not an Ethernet device");
  if (const auto filtered = set_filter(device.get()); !filtered) return filtered.error();
  if (pcap_setnonblock(device.get(), 1, why.data()) != 0) return failed(options.device, why.data());
  return device;
}

Status write_statistics(pcap_t* device, const std::string& file, std::uint64_t written) {
  pcap_stat statistics{};
  if (pcap_stats(device, &statistics) != 0) return failed("statistics", pcap_geterr(device));
  std::ofstream out(file + ".json");
  out << nlohmann::json{{"frames", written}, {"dropped", statistics.ps_drop + statistics.ps_ifdrop}} << "\n";
  if (!out.flush()) return failed(file + ".json", "cannot be written");
  return Done{};
}

struct Sink {
  pcap_dumper_t* dump;
  std::uint64_t written = 0;
};

void write_frame(unsigned char* user, const pcap_pkthdr* header, const unsigned char* bytes) {
  auto* sink = reinterpret_cast<Sink*>(user);
  pcap_dump(reinterpret_cast<unsigned char*>(sink->dump), header, bytes);
  ++sink->written;
}

}  // namespace

Status record(const RecorderOptions& options, const volatile std::sig_atomic_t& stop) {
  auto device = open_device(options);
  if (!device) return device.error();
  Dump dump(pcap_dump_open(device->get(), options.file.c_str()), pcap_dump_close);
  if (!dump) return failed(options.file, pcap_geterr(device->get()));
  pcap_dump_flush(dump.get());  // the file's header says: recording has begun

  Sink sink{dump.get()};
  const int descriptor = pcap_get_selectable_fd(device->get());
  const int most = 100'000;
  for (bool last = false;;) {
    const int count =
        pcap_dispatch(device->get(), most, write_frame, reinterpret_cast<unsigned char*>(&sink));
    // A device that vanishes (its host was switched off) ends the recording, not the evidence.
    const bool gone = count == PCAP_ERROR;
    if (count > 0) pcap_dump_flush(dump.get());
    if (gone || (last && count == 0)) return write_statistics(device->get(), options.file, sink.written);
    last = stop != 0;
    if (last) continue;
    fd_set wait_for;
    FD_ZERO(&wait_for);
    FD_SET(descriptor, &wait_for);
    timeval limit{0, 100'000};
    select(descriptor + 1, &wait_for, nullptr, nullptr, &limit);
  }
}

}  // namespace hasync::testbed
