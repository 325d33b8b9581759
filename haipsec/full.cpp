// haipsec-full: haipsec with what needs OpenSSL, Protobuf and Corosync, and touches keys.
#include <iostream>

#include "base/adapters/hidden_process.h"
#include "haipsec/check.h"
#include "haipsec/keys.h"
#include "haipsec/program.h"
#include "haipsec/transfer.h"

int main(int argc, char** argv) {
  using namespace hasync::haipsec;
  if (const hasync::Status hidden = hasync::hide_process(); !hidden) {
    std::cerr << "haipsec: " << hidden.error().what << "\n";
    return kRefused;
  }
  return run(argc, argv, {check, get, put, keygen, key_status, key_rotate, key_reload, key_retire});
}
