#include "haipsec/check/certificates.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>

namespace hasync::haipsec {
namespace {

namespace fs = std::filesystem;

using File = std::unique_ptr<FILE, decltype(&std::fclose)>;
using X509Ptr = std::unique_ptr<X509, decltype(&X509_free)>;
using KeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

constexpr std::int64_t kForEver = std::numeric_limits<std::int64_t>::max();

// As PEM, else as DER.
Certificate read_certificate(FILE* in, Certificate out) {
  X509Ptr x509(PEM_read_X509(in, nullptr, nullptr, nullptr), &X509_free);
  if (!x509) {
    std::rewind(in);
    x509.reset(d2i_X509_fp(in, nullptr));
  }
  if (!x509) {
    out.problem = "is no X.509 certificate, neither PEM nor DER";
    return out;
  }
  int days = 0;
  int seconds = 0;
  ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(x509.get()));
  out.seconds_left = std::int64_t{days} * 86400 + seconds;
  return out;
}

// The passphrase is charon's matter.
int no_passphrase(char* /*to*/, int /*size*/, int /*writing*/, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

Certificate read_private_key(FILE* in, Certificate out) {
  bool asked = false;
  KeyPtr key(PEM_read_PrivateKey(in, nullptr, no_passphrase, &asked), &EVP_PKEY_free);
  if (!key && !asked) {
    std::rewind(in);
    key.reset(d2i_PrivateKey_fp(in, nullptr));
  }
  if (!key && !asked) out.problem = "is no private key, neither PEM nor DER";
  return out;
}

Certificate look_at(const fs::path& path, bool is_key) {
  Certificate out{path.string(), "", kForEver};
  std::error_code error;
  if (fs::exists(path, error) &&
      !fs::is_regular_file(path, error)) {  // a pipe would keep who opens it waiting
    out.problem = "is no file, so swanctl passes it over";
    return out;
  }
  const File in(std::fopen(path.c_str(), "rbe"), &std::fclose);
  if (!in) {
    out.problem = std::string("cannot be read: ") + std::strerror(errno);
    return out;
  }
  out = is_key ? read_private_key(in.get(), std::move(out)) : read_certificate(in.get(), std::move(out));
  ERR_clear_error();
  return out;
}

}  // namespace

std::vector<Certificate> read_certificates(const fs::path& swanctl) {
  std::vector<Certificate> out;
  for (const char* folder : {"x509", "x509ca", "private", "rsa", "ecdsa", "pkcs8"}) {
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(swanctl / folder, error)) {
      const bool kept_aside = entry.is_directory(error) && !entry.path().has_extension();
      if (entry.path().filename().string().front() == '.' || kept_aside) continue;
      out.push_back(look_at(entry.path(), std::string_view(folder).substr(0, 4) != "x509"));
    }
  }
  return out;
}

}  // namespace hasync::haipsec
