#include "vped/adapters/key_file.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "base/adapters/fd.h"
#include "base/bytes.h"

namespace hasync::vped {
namespace {

constexpr std::size_t kLargestFile = 512;
constexpr std::size_t kKeySize = 32;

Error at(const std::filesystem::path& file, Errc code, const std::string& what) {
  return {code, "key file " + file.string() + ": " + what};
}

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Empty: it is no key.
Secret from_hex(const std::string& hex) {
  if (hex.size() != 32 && hex.size() != 64) return {};
  Secret out(hex.size() / 2);
  for (std::size_t i = 0; i < hex.size() / 2; ++i) {
    const int high = digit_of(hex[2 * i]), low = digit_of(hex[2 * i + 1]);
    if (high < 0 || low < 0) return {};
    out.fill()[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return out;
}

std::string to_hex(BytesView bytes) {
  std::string out;
  for (const std::uint8_t byte : bytes) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15U];
  }
  return out;
}

Result<std::string> read_private(const std::filesystem::path& file) {
  const Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return at(file, errno == ENOENT ? Errc::NotFound : Errc::System, std::strerror(errno));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return at(file, Errc::System, std::strerror(errno));
  if (!S_ISREG(info.st_mode) || info.st_uid != ::geteuid() || (info.st_mode & 077U) != 0)
    return at(file, Errc::Denied, "must be a regular file of this user that no other can use: chmod 0600");
  std::string text(kLargestFile, '\0');
  const ssize_t size = ::read(fd.get(), text.data(), text.size());
  if (size < 0) return at(file, Errc::System, std::strerror(errno));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

bool same(const Secret& a, const Secret& b) {
  return a.reveal().size() == b.reveal().size() &&
         CRYPTO_memcmp(a.reveal().data(), b.reveal().data(), a.reveal().size()) == 0;
}

Status write_new(const std::filesystem::path& file, const std::string& text) {
  const Fd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return at(file, errno == EEXIST ? Errc::Conflict : Errc::System, std::strerror(errno));
  if (::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
      ::fsync(fd.get()) == 0)
    return Done{};
  const Error error = at(file, Errc::System, std::strerror(errno));
  ::unlink(file.c_str());
  return error;
}

std::string keys_text(BytesView out, BytesView in) {
  return "vpe-keys 1\nout " + to_hex(out) + "\nin " + to_hex(in) + "\n";
}

Result<Secret> random_key() {
  Secret out(kKeySize);
  if (RAND_bytes(out.fill().data(), static_cast<int>(kKeySize)) != 1)
    return Error{Errc::System, "no random numbers"};
  return out;
}

}  // namespace

Result<Keys> parse_keys(const std::string& text, const std::filesystem::path& file) {
  std::istringstream words(text);
  std::string title, version, out_word, out, in_word, in, rest;
  if (!(words >> title >> version >> out_word >> out >> in_word >> in) || words >> rest ||
      title != "vpe-keys" || version != "1" || out_word != "out" || in_word != "in")
    return at(file, Errc::Invalid, "is not of the form \"vpe-keys 1\", out KEY, in KEY");
  Keys keys{from_hex(out), from_hex(in)};
  if (keys.out.empty() || keys.in.empty()) return at(file, Errc::Invalid, "a key is not 32 or 64 hex digits");
  if (same(keys.out, keys.in))
    return at(file, Errc::Invalid, "both directions have the same key, and would use the same IVs");
  return keys;
}

Result<Keys> parse_group_key(const std::string& text, const std::filesystem::path& file) {
  std::istringstream words(text);
  std::string title, version, word, key, rest;
  if (!(words >> title >> version >> word >> key) || words >> rest || title != "vpe-group-key" ||
      version != "1" || word != "key")
    return at(file, Errc::Invalid, "is not of the form \"vpe-group-key 1\", key KEY");
  Keys keys{from_hex(key), from_hex(key)};
  if (keys.out.empty()) return at(file, Errc::Invalid, "the key is not 32 or 64 hex digits");
  return keys;
}

Result<Keys> load_keys(const std::filesystem::path& file) {
  const auto text = read_private(file);
  return text ? parse_keys(*text, file) : text.error();
}

Result<Keys> load_group_key(const std::filesystem::path& file) {
  const auto text = read_private(file);
  return text ? parse_group_key(*text, file) : text.error();
}

Status generate_keys(const std::filesystem::path& own, const std::filesystem::path& peer) {
  const auto out = random_key(), in = random_key();
  if (!out || !in) return out ? in.error() : out.error();
  if (Status written = write_new(own, keys_text(out->reveal(), in->reveal())); !written) return written;
  Status written = write_new(peer, keys_text(in->reveal(), out->reveal()));
  if (!written) ::unlink(own.c_str());  // both or none
  return written;
}

Status generate_group_key(const std::filesystem::path& file) {
  const auto key = random_key();
  if (!key) return key.error();
  return write_new(file, "vpe-group-key 1\nkey " + to_hex(key->reveal()) + "\n");
}

std::string fingerprint(const Secret& key) {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  constexpr std::string_view purpose = "vpe incarnations";
  Secret text(purpose.size() + key.reveal().size());
  std::ranges::copy(purpose, text.fill().begin());
  std::ranges::copy(key.reveal(), text.fill().begin() + purpose.size());
  EVP_Digest(text.reveal().data(), text.reveal().size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  return to_hex({digest.data(), 8});
}

}  // namespace hasync::vped
