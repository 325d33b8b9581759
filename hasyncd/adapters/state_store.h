// The two epoch numbers that a process must not forget (docs/decisions/0001-epochs.md), in a file of one
// line:
//   hasyncd-epochs 1 promised=42 confirmed=41
// A write is on disk, or has changed nothing, when it returns. A damaged file is refused, never guessed at.
#pragma once

#include <filesystem>

#include "base/ids.h"
#include "base/result.h"

namespace hasync::hasyncd {

struct StoredEpochs {
  Epoch promised;
  Epoch confirmed;  // not above `promised`
  bool operator==(const StoredEpochs&) const = default;
};

class StateStore {
 public:
  // `folder` must exist. Cleans up what an interrupted write left.
  static Result<StateStore> open(const std::filesystem::path& folder);

  const StoredEpochs& epochs() const { return epochs_; }
  // There was no file: this node is new, or its memory is lost (decision 0001, 5).
  bool blank() const { return blank_; }
  Status save(const StoredEpochs& epochs);  // one fsync of a small file and one of the folder

 private:
  StateStore(std::filesystem::path folder, StoredEpochs epochs, bool blank)
      : folder_(std::move(folder)), epochs_(epochs), blank_(blank) {}
  std::filesystem::path folder_;
  StoredEpochs epochs_;
  bool blank_;
};

}  // namespace hasync::hasyncd
