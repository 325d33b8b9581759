// The command line of every program that is shipped.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>

namespace hasync {

// The exit code with which the program ends at once: 0 when help or the version was asked for, 2 when it was
// called wrongly, as systemd's RestartPreventExitStatus= expects. None: it goes on.
inline std::optional<int> ends_at(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return std::nullopt;
}

}  // namespace hasync
