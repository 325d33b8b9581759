#include "hasyncd/adapters/key_file.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <set>
#include <sstream>

#include "base/adapters/fd.h"
#include "hasyncd/adapters/hkdf.h"

namespace hasync::hasyncd {
namespace {

constexpr const char* kHeader = "hasyncd-key";
constexpr std::string_view kAuth = "hasyncd auth 1";
constexpr std::string_view kContext = "hasyncd context 1";
constexpr std::size_t kLargestFile = 4096;

Error at(const std::filesystem::path& file, Errc code, const std::string& what) {
  return {code, "key file " + file.string() + ": " + what};
}

// A key as its file has it. Texts that hold one are wiped as they are freed (base/adapters/hidden_process.h).
struct Stored {
  std::uint32_t id = 0;
  bool witness = false;
  Secret raw;  // empty: not read yet
};
using StoredKeys = std::vector<Stored>;

Error not_opened(const std::filesystem::path& file, int error) {
  return at(file, error == ENOENT ? Errc::NotFound : Errc::System,
            std::string(std::strerror(error)) + (error == ENOENT ? "; make one with: haipsec keygen" : ""));
}

Status check_owner(const struct stat& info, const std::filesystem::path& file) {
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
  return Done{};
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

const char* kind_of(const Stored& key) {
  return key.witness ? "auth" : "secret";
}

std::string to_text(const StoredKeys& keys) {
  std::string out = std::string(kHeader) + " 1\n";
  for (const Stored& key : keys) {
    out += "id " + key_id_text(key.id) + "\n" + kind_of(key) + " " + to_hex(key.raw) + "\n";
  }
  return out;
}

std::optional<std::string> take_line(const std::string& name, const std::string& value, StoredKeys& keys) {
  if (name == "id") {
    unsigned long id = 0;
    if (std::sscanf(value.c_str(), "%8lx", &id) != 1 || id == 0) return "has no valid `id`";
    keys.push_back({static_cast<std::uint32_t>(id), false, {}});
    return {};
  }
  if (name != "secret" && name != "auth") return "has a line `" + name + "`, which is not known here";
  if (keys.empty()) return "has no valid `id`";
  if (!keys.back().raw.empty()) return "needs one of `secret` (gateway) and `auth` (witness) for each `id`";
  std::optional<Secret> raw = from_hex(value);
  if (!raw) return "`" + name + "` is not 64 hex digits";
  keys.back().raw = *std::move(raw);
  keys.back().witness = name == "auth";
  return {};
}

std::optional<std::string> check(const StoredKeys& keys) {
  if (keys.empty()) return "has no valid `id`";
  if (keys.size() > kMaxKeys) return "has " + std::to_string(keys.size()) + " keys, at most 4 are allowed";
  std::set<std::uint32_t> ids;
  for (const Stored& key : keys) {
    if (key.raw.empty() || key.witness != keys.front().witness) {
      return "needs one of `secret` (gateway) and `auth` (witness) for each `id`";
    }
    if (!ids.insert(key.id).second) return "has key " + key_id_text(key.id) + " twice";
  }
  return {};
}

Result<StoredKeys> parse(const std::string& text, const std::filesystem::path& file) {
  std::istringstream lines(text);
  std::string name;
  std::string value;
  if (!(lines >> name >> value) || name != kHeader || value != "1") {
    return at(file, Errc::Unsupported, "does not start with \"hasyncd-key 1\"");
  }
  StoredKeys keys;
  while (lines >> name >> value) {
    if (const auto wrong = take_line(name, value, keys)) return at(file, Errc::Invalid, *wrong);
  }
  if (const auto wrong = check(keys)) return at(file, Errc::Invalid, *wrong);
  return keys;
}

Result<StoredKeys> read(const std::filesystem::path& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return not_opened(file, errno);
  const Fd closer(fd);
  struct stat info {};
  if (::fstat(fd, &info) != 0) return at(file, Errc::System, std::strerror(errno));
  if (const Status ours = check_owner(info, file); !ours) return ours.error();
  std::string text(kLargestFile, '\0');
  const ssize_t length = ::read(fd, text.data(), text.size());
  if (length < 0) return at(file, Errc::System, std::strerror(errno));
  text.resize(static_cast<std::size_t>(length));
  return parse(text, file);
}

Status write_new(const std::filesystem::path& file, const StoredKeys& keys) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0 && errno == EEXIST)
    return at(file, Errc::Conflict, "exists already; keys are never overwritten");
  if (fd < 0) return at(file, Errc::System, std::strerror(errno));
  const Fd closer(fd);
  const std::string text = to_text(keys);
  if (::fchmod(fd, 0600) == 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
      ::fsync(fd) == 0) {
    return Done{};
  }
  const Error error = at(file, Errc::System, std::strerror(errno));
  ::unlink(file.c_str());
  return error;
}

// The old content or the new one, also after a loss of power.
Status replace(const std::filesystem::path& file, const StoredKeys& keys) {
  const std::filesystem::path fresh = file.string() + ".new";
  ::unlink(fresh.c_str());
  if (Status written = write_new(fresh, keys); !written) return written;
  if (::rename(fresh.c_str(), file.c_str()) != 0) return at(file, Errc::System, std::strerror(errno));
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return at(file, Errc::System, std::strerror(errno));
  const Fd closer(fd);
  return ::fsync(fd) == 0 ? Status(Done{}) : at(file, Errc::System, std::strerror(errno));
}

Stored fresh_key() {
  std::array<std::uint8_t, kKeyBytes> random{};
  fill_random(random);
  Stored out{0, false, Secret{random}};
  OPENSSL_cleanse(random.data(), random.size());
  while (out.id == 0) fill_random({reinterpret_cast<std::uint8_t*>(&out.id), sizeof out.id});
  return out;
}

StoredKeys for_witness(const StoredKeys& keys) {
  StoredKeys out;
  for (const Stored& key : keys) out.push_back({key.id, true, derive_key(key.raw, {}, kAuth)});
  return out;
}

}  // namespace

std::vector<std::uint32_t> KeySet::ids() const {
  std::vector<std::uint32_t> out;
  for (const Key& key : keys) out.push_back(key.id);
  return out;
}

std::string key_id_text(std::uint32_t id) {
  std::array<char, 12> text{};
  std::snprintf(text.data(), text.size(), "%08" PRIx32, id);
  return text.data();
}

namespace {

KeySet derived(StoredKeys stored) {
  KeySet out;
  for (Stored& key : stored) {
    if (key.witness) {
      out.keys.push_back({key.id, std::move(key.raw), {}});
    } else {
      out.keys.push_back({key.id, derive_key(key.raw, {}, kAuth), derive_key(key.raw, {}, kContext)});
    }
  }
  return out;
}

}  // namespace

Result<KeySet> parse_keys(const std::string& text, const std::filesystem::path& name) {
  auto stored = parse(text, name);
  if (!stored) return stored.error();
  return derived(*std::move(stored));
}

Status look_at_key_file(const std::filesystem::path& file) {
  struct stat info {};
  return ::stat(file.c_str(), &info) == 0 ? check_owner(info, file) : not_opened(file, errno);
}

Result<KeySet> load_keys(const std::filesystem::path& file) {
  auto stored = read(file);
  if (!stored) return stored.error();
  return derived(*std::move(stored));
}

Result<std::uint32_t> generate_keys(const std::filesystem::path& gateway_file,
                                    const std::optional<std::filesystem::path>& witness_file) {
  StoredKeys keys;
  keys.push_back(fresh_key());
  if (Status s = write_new(gateway_file, keys); !s) return s.error();
  if (!witness_file) return keys.back().id;
  if (Status s = write_new(*witness_file, for_witness(keys)); !s) {
    ::unlink(gateway_file.c_str());  // both or none
    return s.error();
  }
  return keys.back().id;
}

Result<std::uint32_t> add_key(const std::filesystem::path& gateway_file,
                              const std::optional<std::filesystem::path>& witness_file) {
  auto keys = read(gateway_file);
  if (!keys) return keys.error();
  if (keys->front().witness)
    return at(gateway_file, Errc::Denied, "is a witness's; keys are made on a gateway");
  if (keys->size() == kMaxKeys)
    return at(gateway_file, Errc::Conflict, "has 4 keys already: retire the old ones first");
  keys->push_back(fresh_key());
  if (witness_file) {
    if (Status s = write_new(*witness_file, for_witness(*keys)); !s) return s.error();
  }
  if (Status s = replace(gateway_file, *keys); !s) {
    if (witness_file) ::unlink(witness_file->c_str());
    return s.error();
  }
  return keys->back().id;
}

Result<std::uint32_t> retire_keys(const std::filesystem::path& file) {
  auto keys = read(file);
  if (!keys) return keys.error();
  keys->erase(keys->begin(), keys->end() - 1);
  if (Status s = replace(file, *keys); !s) return s.error();
  return keys->back().id;
}

}  // namespace hasync::hasyncd
