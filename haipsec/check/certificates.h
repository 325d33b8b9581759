// Certificates and private keys as charon would load them: whether they can be read.
#pragma once

#include <filesystem>
#include <vector>

#include "haipsec/check/facts.h"

namespace hasync::haipsec {

// Of a folder as /etc/swanctl: those in x509, x509ca, private, rsa, ecdsa and pkcs8.
std::vector<Certificate> read_certificates(const std::filesystem::path& swanctl);

}  // namespace hasync::haipsec
