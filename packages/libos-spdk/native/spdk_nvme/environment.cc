#include "environment.hpp"

#include <spdk/env.h>
#include <spdk/log.h>
#include <spdk/pci_ids.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <utility>
#include <vector>

#include "../nvme/sysfs.hpp"
#include "demi/kept_affinity.hpp"

// Of DPDK, whose headers SPDK's pkg-config does not name.
extern "C" const char* rte_eal_get_runtime_dir(void);

namespace demi::spdk {

namespace {

std::mutex starting;
bool started = false;
Failure failed{0, {}};

std::mutex saying;
std::string said;
constexpr std::size_t kMostSaid = 1000;

// SPDK's log would go to stderr and to the system's log.
void listen(int level, const char*, int, const char*, const char* format, va_list arguments) {
  if (level != SPDK_LOG_ERROR) return;
  char line[256];
  const int length = std::vsnprintf(line, sizeof line, format, arguments);
  std::string text(line, length < 0 ? 0 : std::min<std::size_t>(static_cast<std::size_t>(length), sizeof line - 1));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  const std::lock_guard lock(saying);
  if (said.size() > kMostSaid) return;
  said += (said.empty() ? "" : "; ") + text;
}

// DPDK makes a folder for what processes share, of which there is nothing. It has this process's number in its name.
void remove_runtime_folder() {
  std::error_code ignored;
  const std::string folder = rte_eal_get_runtime_dir();
  if (folder.ends_with("spdk_pid" + std::to_string(::getpid()))) std::filesystem::remove_all(folder, ignored);
}

// What DPDK must leave alone: it would start its drivers on network cards that VFIO or UIO has, which are somebody else's.
std::vector<spdk_pci_addr> all_but_controllers() {
  std::vector<spdk_pci_addr> others;
  std::error_code none;
  for (const auto& folder : std::filesystem::directory_iterator("/sys/bus/pci/devices", none)) {
    const std::string address = folder.path().filename();
    std::uint32_t kind = 0;
    spdk_pci_addr parsed{};
    if (nvme::sysfs::read_number(address, "class", kind) && kind == SPDK_PCI_CLASS_NVME) continue;
    if (spdk_pci_addr_parse(&parsed, address.c_str()) == 0) others.push_back(parsed);
  }
  return others;
}

}  // namespace

std::string said_of_errors() {
  const std::lock_guard lock(saying);
  return std::exchange(said, {});
}

bool start_environment(bool physical, Failure& failure) {
  const std::lock_guard lock(starting);
  if (started) return true;
  if (failed.error != 0) {
    failure = failed;
    return false;
  }
  spdk_log_open(listen);
  const KeptAffinity affinity;
  const std::string core = "[" + std::to_string(affinity.first_cpu()) + "]";
  // In memory: huge pages without a mounted hugetlbfs, and nothing left of them when the process ends.
  std::string arguments = "--in-memory --no-telemetry --log-level=*:error";
  spdk_env_opts options{};
  // Newer versions ask how large the structure is that the caller was compiled with.
  [](auto& sized) {
    if constexpr (requires { sized.opts_size; }) sized.opts_size = sizeof sized;
  }(options);
  spdk_env_opts_init(&options);
  options.name = "demikernel";
  options.core_mask = core.c_str();
  options.env_context = arguments.data();
  if (physical) options.iova_mode = "pa";
  std::vector<spdk_pci_addr> others = all_but_controllers();
  options.num_pci_addr = others.size();
  options.pci_blocked = others.data();
  const int error = spdk_env_init(&options);
  if (error == 0) {
    std::atexit(remove_runtime_folder);
    started = true;
    return true;
  }
  if (error == -EALREADY) {
    failed = {-EBUSY, "DPDK runs in this process already, and starts only once: use the device \"nvme:ADDRESS\""};
  } else {
    failed = {error < 0 ? error : -EIO,
              std::string("SPDK did not start: ") + std::strerror(error < 0 ? -error : EIO) + "; " + said_of_errors() +
                  ". It needs huge pages (sysctl -w vm.nr_hugepages=512); another try needs a new process"};
  }
  failure = failed;
  return false;
}

}  // namespace demi::spdk
