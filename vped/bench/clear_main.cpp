// The same gateway without a cipher: to measure what the cipher costs. Not installed.
#include <algorithm>

#include "vped/program.h"

namespace {

using namespace hasync;  // NOLINT(google-build-using-namespace): this is its program

// What else the cipher does is to move the payload to where it goes.
void move(std::span<const vpe::Piece> pieces) {
  for (const vpe::Piece& piece : pieces)
    if (piece.to != piece.from) std::copy_n(piece.from, piece.size, piece.to);
}

class NoCipher : public vpe::Gcm {
 public:
  void seal(const std::uint8_t*, BytesView, std::span<const vpe::Piece> pieces, std::uint8_t* icv) override {
    move(pieces);
    std::fill_n(icv, vpe::kIcvSize, std::uint8_t{0});
  }
  bool open(const std::uint8_t*, BytesView, std::span<const vpe::Piece> pieces,
            const std::uint8_t*) override {
    move(pieces);
    return true;
  }
};

class NoCipherProvider : public vpe::GcmProvider {
 public:
  const char* name() const override { return "none"; }
  Result<std::unique_ptr<vpe::Gcm>> make(BytesView) override {
    return std::unique_ptr<vpe::Gcm>(std::make_unique<NoCipher>());
  }
};

}  // namespace

int main(int argc, char** argv) {
  return vped::run_program(argc, argv, []() -> Result<std::unique_ptr<vpe::GcmProvider>> {
    return std::unique_ptr<vpe::GcmProvider>(std::make_unique<NoCipherProvider>());
  });
}
