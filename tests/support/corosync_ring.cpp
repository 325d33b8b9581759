#include "tests/support/corosync_ring.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

namespace hasync::test {
namespace {

Error failed(const std::string& what) {
  return {Errc::System, what + ": " + std::strerror(errno)};
}

Status shell(const std::string& command) {
  if (std::system((command + " >/dev/null 2>&1").c_str()) == 0) return Done{};  // NOLINT(cert-env33-c)
  return Error{Errc::System, "failed: " + command};
}

void enter(pid_t pid, const char* kind, int type) {
  const std::string path = "/proc/" + std::to_string(pid) + "/ns/" + kind;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 || ::setns(fd, type) != 0) std::abort();
  ::close(fd);
}

// In the child: namespaces of its own, and the folders in which two corosyncs would meet.
bool isolate() {
  if (::unshare(CLONE_NEWNET | CLONE_NEWNS) != 0) return false;
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  for (const char* folder : {"/run", "/var/lib/corosync", "/dev/shm"}) {
    if (::mount("tmpfs", folder, "tmpfs", 0, nullptr) != 0) return false;
  }
  return true;
}

// Slow enough for a loaded machine.
std::string conf_of(int nodes, const std::string& network) {
  std::string out =
      "totem {\n version: 2\n cluster_name: test\n transport: knet\n token: 300\n token_coefficient: 0\n "
      "join: 30\n"
      " consensus: 360\n crypto_model: openssl\n crypto_cipher: aes256\n crypto_hash: sha256\n"
      " interface {\n  linknumber: 0\n  knet_ping_interval: 250\n  knet_ping_timeout: 1000\n }\n}\n"
      "quorum {\n provider: corosync_votequorum\n}\nlogging {\n}\nnodelist {\n";
  for (int i = 1; i <= nodes; ++i) {
    const std::string n = std::to_string(i);
    out += " node {\n  nodeid: " + n + "\n  name: n" + n + "\n  ring0_addr: " + network + n + "\n }\n";
  }
  return out + "}\n";
}

std::string with(std::string conf, const std::string& section, const std::string& lines) {
  const std::string head = section + " {\n";
  return conf.replace(conf.find(head), head.size(), head + lines);
}

void write_files(const std::filesystem::path& folder, std::string conf) {
  std::ofstream(folder / "key") << std::string(256, 'k');
  conf = with(std::move(conf), "totem", "  keyfile: " + (folder / "key").string() + "\n");
  conf = with(std::move(conf), "logging", "  to_stderr: yes\n");
  std::ofstream(folder / "corosync.conf") << conf << "system {\n allow_knet_handle_fallback: yes\n}\n";
}

}  // namespace

Result<CorosyncRing> CorosyncRing::start(int nodes) {
  return start(nodes, conf_of(nodes, kIpv4));
}

Result<CorosyncRing> CorosyncRing::start_ipv6(int nodes) {
  return start(nodes, conf_of(nodes, kIpv6));
}

Result<CorosyncRing> CorosyncRing::start(int nodes, const std::string& conf) {
  if (::geteuid() != 0) return Error{Errc::Denied, "needs root"};
  if (::access("/usr/sbin/corosync", X_OK) != 0) return Error{Errc::NotFound, "corosync is not installed"};
  if (::unshare(CLONE_NEWNET) != 0) return failed("unshare");
  std::string folder = "/tmp/hasync-ring-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) return failed("mkdtemp");
  CorosyncRing ring;
  ring.folder_ = folder;
  write_files(ring.folder_, conf);
  if (Status s = shell("ip link add hub type bridge && ip link set hub up"); !s) return s.error();
  for (int node = 1; node <= nodes; ++node) {
    if (Status s = ring.make_node(node); !s) return s.error();
  }
  for (int node = 1; node <= nodes; ++node) {
    if (Status s = ring.launch(node); !s) return s.error();
  }
  return ring;
}

Status CorosyncRing::make_node(int node) {
  int ready[2];
  if (::pipe2(ready, O_CLOEXEC) != 0) return failed("pipe2");
  const pid_t holder = ::fork();
  if (holder < 0) return failed("fork");
  if (holder == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const char ok = isolate() ? 1 : 0;
    if (::write(ready[1], &ok, 1) != 1 || ok == 0) ::_exit(1);
    for (;;) ::pause();
  }
  nodes_.push_back({holder, -1});
  char ok = 0;
  const bool isolated = ::read(ready[0], &ok, 1) == 1 && ok == 1;
  ::close(ready[0]);
  ::close(ready[1]);
  if (!isolated) return Error{Errc::System, "namespaces cannot be made here"};
  const std::string n = std::to_string(node);
  const std::string within = "nsenter -n -t " + std::to_string(holder) + " ip ";
  return shell("ip link add p" + n + " type veth peer name eth0 netns " + std::to_string(holder) +
               " && ip link set p" + n + " master hub up && " + within + "link set lo up && " + within +
               "addr add " + kIpv4 + n + "/24 dev eth0 && " + within + "addr add " + kIpv6 + n +
               "/64 dev eth0 nodad && " + within + "link set eth0 up");
}

Status CorosyncRing::launch(int node) {
  Node& n = nodes_[static_cast<std::size_t>(node - 1)];
  const std::string conf = (folder_ / "corosync.conf").string();
  const std::string log = (folder_ / "log").string();
  const pid_t pid = ::fork();
  if (pid < 0) return failed("fork");
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    enter(n.holder, "net", CLONE_NEWNET);
    enter(n.holder, "mnt", CLONE_NEWNS);
    const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(fd, STDOUT_FILENO);
    ::dup2(fd, STDERR_FILENO);
    ::execl("/usr/sbin/corosync", "corosync", "-f", "-c", conf.c_str(), nullptr);
    ::_exit(127);
  }
  n.corosync = pid;
  return Done{};
}

CorosyncRing::~CorosyncRing() {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    kill(static_cast<int>(i + 1));
    ::kill(nodes_[i].holder, SIGKILL);
    ::waitpid(nodes_[i].holder, nullptr, 0);
  }
  if (!folder_.empty()) std::filesystem::remove_all(folder_);
}

void CorosyncRing::inside(int node, const std::function<void()>& action) const {
  const pid_t holder = nodes_[static_cast<std::size_t>(node - 1)].holder;
  const int net = ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  const int mnt = ::open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
  enter(holder, "net", CLONE_NEWNET);
  enter(holder, "mnt", CLONE_NEWNS);
  action();
  if (::setns(mnt, CLONE_NEWNS) != 0 || ::setns(net, CLONE_NEWNET) != 0) std::abort();
  ::close(net);
  ::close(mnt);
}

void CorosyncRing::kill(int node) {
  Node& n = nodes_[static_cast<std::size_t>(node - 1)];
  if (n.corosync < 0) return;
  ::kill(n.corosync, SIGKILL);
  ::waitpid(n.corosync, nullptr, 0);
  n.corosync = -1;
}

Status CorosyncRing::restart(int node) {
  return launch(node);
}

void CorosyncRing::signal(int node, int number) const {
  ::kill(nodes_[static_cast<std::size_t>(node - 1)].corosync, number);
}

std::string CorosyncRing::log() const {
  std::ifstream in(folder_ / "log");
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace hasync::test
