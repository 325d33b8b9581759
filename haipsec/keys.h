// `haipsec keygen` and `haipsec key`: the cluster's keys, in their file and in the running hasyncd.
#pragma once

#include "haipsec/commands.h"

namespace hasync::haipsec {

int keygen(const Options& options);
int key_status(const Options& options);
int key_rotate(const Options& options);
int key_reload(const Options& options);
int key_retire(const Options& options);

}  // namespace hasync::haipsec
