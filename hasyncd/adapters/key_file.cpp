#include "hasyncd/adapters/key_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <map>
#include <sstream>

#include "hasyncd/adapters/hkdf.h"

namespace hasync::hasyncd {
namespace {

constexpr const char* kHeader = "hasyncd-key";
constexpr std::size_t kLargestFile = 4096;

Error at(const std::filesystem::path& file, Errc code, const std::string& what) {
  return {code, "key file " + file.string() + ": " + what};
}

struct Closer {
  int fd;
  ~Closer() { ::close(fd); }
};

// Text that is wiped when it goes.
struct WipedText {
  std::string text;
  ~WipedText() { OPENSSL_cleanse(text.data(), text.size()); }
};

std::optional<Error> check_owner(int fd, const std::filesystem::path& file) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return at(file, Errc::System, std::strerror(errno));
  if (!S_ISREG(info.st_mode)) return at(file, Errc::Denied, "is not a regular file");
  if (info.st_uid != ::geteuid()) {
    return at(file, Errc::Denied,
              "belongs to user " + std::to_string(info.st_uid) + ", not to " + std::to_string(::geteuid()) +
                  " who runs this");
  }
  if ((info.st_mode & 077U) != 0) {
    std::array<char, 8> mode{};
    std::snprintf(mode.data(), mode.size(), "%04o", info.st_mode & 07777U);
    return at(file, Errc::Denied, std::string("has mode ") + mode.data() + "; others can use it: chmod 0600");
  }
  return {};
}

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

std::optional<Secret> from_hex(const std::string& hex) {
  std::array<std::uint8_t, kKeyBytes> bytes{};
  if (hex.size() != 2 * bytes.size()) return {};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const int high = digit_of(hex[2 * i]);
    const int low = digit_of(hex[2 * i + 1]);
    if (high < 0 || low < 0) return {};
    bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  Secret out{bytes};
  OPENSSL_cleanse(bytes.data(), bytes.size());
  return out;
}

std::string to_hex(const Secret& secret) {
  std::string out;
  for (std::uint8_t byte : secret.reveal()) {
    out += "0123456789abcdef"[byte >> 4U];
    out += "0123456789abcdef"[byte & 15U];
  }
  return out;
}

Result<KeySet> parse(const std::string& text, const std::filesystem::path& file) {
  std::map<std::string, WipedText> fields;
  std::istringstream lines(text);
  std::string name;
  WipedText value;
  while (lines >> name >> value.text) fields[name].text = value.text;

  if (fields[kHeader].text != "1")
    return at(file, Errc::Unsupported, "does not start with \"hasyncd-key 1\"");
  unsigned long id = 0;
  if (std::sscanf(fields["id"].text.c_str(), "%8lx", &id) != 1)
    return at(file, Errc::Invalid, "has no valid `id`");
  KeySet keys;
  keys.id = static_cast<std::uint32_t>(id);
  const bool is_witness = fields.count("auth") != 0;
  if (is_witness == (fields.count("secret") != 0)) {
    return at(file, Errc::Invalid, "needs one of `secret` (gateway) and `auth` (witness)");
  }
  const std::string which = is_witness ? "auth" : "secret";
  std::optional<Secret> secret = from_hex(fields[which].text);
  if (!secret) return at(file, Errc::Invalid, "`" + which + "` is not 64 hex digits");
  if (is_witness) {
    keys.auth = std::move(*secret);
    return keys;
  }
  keys.auth = derive_key(*secret, {}, "hasyncd auth 1");
  keys.context = derive_key(*secret, {}, "hasyncd context 1");
  return keys;
}

Status write_new(const std::filesystem::path& file, const std::string& text) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0 && errno == EEXIST)
    return at(file, Errc::Conflict, "exists already; keys are never overwritten");
  if (fd < 0) return at(file, Errc::System, std::strerror(errno));
  const Closer closer{fd};
  if (::fchmod(fd, 0600) != 0 || ::write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      ::fsync(fd) != 0) {
    return at(file, Errc::System, std::strerror(errno));
  }
  return Done{};
}

}  // namespace

std::string key_id_text(std::uint32_t id) {
  std::array<char, 12> text{};
  std::snprintf(text.data(), text.size(), "%08" PRIx32, id);
  return text.data();
}

Result<KeySet> load_keys(const std::filesystem::path& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    return at(file, errno == ENOENT ? Errc::NotFound : Errc::System,
              std::string(std::strerror(errno)) + (errno == ENOENT ? "; make one with: haipsec keygen" : ""));
  }
  const Closer closer{fd};
  if (auto problem = check_owner(fd, file)) return *problem;
  WipedText content;
  content.text.resize(kLargestFile);
  const ssize_t length = ::read(fd, content.text.data(), content.text.size());
  if (length < 0) return at(file, Errc::System, std::strerror(errno));
  content.text.resize(static_cast<std::size_t>(length));
  return parse(content.text, file);
}

Result<std::uint32_t> generate_keys(const std::filesystem::path& gateway_file,
                                    const std::optional<std::filesystem::path>& witness_file) {
  std::array<std::uint8_t, kKeyBytes> random{};
  std::array<std::uint8_t, 4> id_bytes{};
  fill_random(random);
  fill_random(id_bytes);
  const Secret secret{random};
  OPENSSL_cleanse(random.data(), random.size());
  std::uint32_t id = 0;
  std::memcpy(&id, id_bytes.data(), sizeof id);

  const std::string head = std::string(kHeader) + " 1\nid " + key_id_text(id) + "\n";
  WipedText text{head + "secret " + to_hex(secret) + "\n"};
  if (Status s = write_new(gateway_file, text.text); !s) return s.error();
  if (!witness_file) return id;
  WipedText witness{head + "auth " + to_hex(derive_key(secret, {}, "hasyncd auth 1")) + "\n"};
  if (Status s = write_new(*witness_file, witness.text); !s) {
    ::unlink(gateway_file.c_str());  // both or none
    return s.error();
  }
  return id;
}

}  // namespace hasync::hasyncd
