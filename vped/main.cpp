// vped: the gateway process of VPE.
#include "vpe/adapters/gcm_providers.h"
#include "vped/program.h"

int main(int argc, char** argv) {
  return hasync::vped::run_program(argc, argv, [] { return hasync::vpe::make_gcm_provider("auto"); });
}
