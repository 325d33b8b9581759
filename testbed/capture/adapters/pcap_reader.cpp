#include "testbed/capture/adapters/pcap_reader.h"

#include <pcap/pcap.h>

#include <array>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace hasync::testbed {

namespace {

// One file, with the next of its frames in hand.
class Source {
 public:
  static Result<Source> open(const std::string& file) {
    std::array<char, PCAP_ERRBUF_SIZE> why{};
    pcap_t* handle =
        pcap_open_offline_with_tstamp_precision(file.c_str(), PCAP_TSTAMP_PRECISION_NANO, why.data());
    if (handle == nullptr) return Error{Errc::System, file + ": " + why.data()};
    Source source(handle);
    if (pcap_datalink(handle) != DLT_EN10MB) return invalid(file + ": is not a capture of Ethernet frames");
    source.advance();
    return source;
  }

  bool at_end() const { return header_ == nullptr; }
  bool torn() const { return torn_; }
  std::int64_t at_ns() const {
    return header_->ts.tv_sec * std::int64_t{1'000'000'000} + header_->ts.tv_usec;
  }

  void book(Checker& checker) {
    if (std::exchange(fresh_, false)) checker.begin_recording();
    checker.book({bytes_, header_->caplen}, header_->len, at_ns());
    advance();
  }

 private:
  explicit Source(pcap_t* handle) : handle_(handle, pcap_close) {}

  void advance() {
    const int status = pcap_next_ex(handle_.get(), &header_, &bytes_);
    if (status == 1) return;
    torn_ = status == PCAP_ERROR;
    header_ = nullptr;
  }

  std::unique_ptr<pcap_t, decltype(&pcap_close)> handle_;
  pcap_pkthdr* header_ = nullptr;
  const unsigned char* bytes_ = nullptr;
  bool torn_ = false;
  bool fresh_ = true;
};

Status book_statistics(const std::string& file, Checker& checker) {
  std::ifstream in(file + ".json");
  if (!in) return Done{};  // recorded by another program: what it missed is not known
  const auto statistics = nlohmann::json::parse(in, nullptr, /*allow_exceptions=*/false);
  const auto dropped = statistics.is_object() ? statistics.find("dropped") : statistics.end();
  if (!statistics.is_object() || dropped == statistics.end() || !dropped->is_number_unsigned())
    return invalid(file + ".json: has no number 'dropped'");
  checker.book_dropped(dropped->get<std::uint64_t>());
  return Done{};
}

}  // namespace

Status read_captures(const std::vector<std::string>& files, Checker& checker) {
  std::vector<Source> sources;
  for (const std::string& file : files) {
    auto source = Source::open(file);
    if (!source) return source.error();
    sources.push_back(std::move(source).value());
    if (Status status = book_statistics(file, checker); !status) return status;
  }
  for (;;) {
    Source* earliest = nullptr;
    for (Source& source : sources)
      if (!source.at_end() && (earliest == nullptr || source.at_ns() < earliest->at_ns())) earliest = &source;
    if (earliest == nullptr) break;
    earliest->book(checker);
  }
  for (const Source& source : sources)
    if (source.torn()) checker.book_torn_file();
  return Done{};
}

}  // namespace hasync::testbed
