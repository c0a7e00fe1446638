#include "eal.hpp"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "demi/kept_affinity.hpp"
#include "eal_log.hpp"
#include "low_base.hpp"

namespace demi::dpdk {

namespace {

std::mutex starting;
bool started = false;
bool huge_pages_used = false;
std::vector<std::string> started_with;
std::string runtime_folder;
// Why EAL did not start, when it did not. It cannot be tried again in this process: it would say EALREADY, or stumble over what the
// first try left in its parser.
int failure = 0;
std::string failure_message;

// Free huge pages of any size, in megabytes.
std::size_t free_huge_megabytes() {
  std::size_t kilobytes = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/sys/kernel/mm/hugepages", error)) {
    const std::string name = entry.path().filename();  // hugepages-2048kB
    const std::size_t size = std::strtoull(name.c_str() + sizeof "hugepages-" - 1, nullptr, 10);
    std::size_t free = 0;
    std::ifstream(entry.path() / "free_hugepages") >> free;
    kilobytes += size * free;
  }
  return kilobytes / 1024;
}

// Without shared configuration EAL still makes a folder for it. Named after the process, so nobody else's.
void remove_runtime_folder() {
  std::error_code ignored;
  if (runtime_folder.find("demi-") != std::string::npos) std::filesystem::remove_all(runtime_folder, ignored);
}

// What decides whether a running EAL will do: the same devices, and the user's own arguments.
std::vector<std::string> identity(const EalOptions& options) {
  std::vector<std::string> out = options.extra;
  if (!options.pci_device.empty()) out.push_back("-a " + options.pci_device);
  return out;
}

std::vector<std::string> arguments_for(const EalOptions& options, bool huge, int cpu) {
  const std::string prefix = "demi-" + std::to_string(::getpid());
  std::vector<std::string> arguments{"demikernel",
                                     "-l",
                                     std::to_string(cpu),
                                     "--iova-mode=va",
                                     "--no-telemetry",
                                     "--log-level=*:error",
                                     "--file-prefix=" + prefix};
  if (options.pci_device.empty()) {
    arguments.emplace_back("--no-pci");
  } else {
    arguments.insert(arguments.end(), {"-a", options.pci_device});
    // A card reaches no further than its IOMMU's addresses. DPDK begins at 4 GiB, but where V8 has put something in the way, anywhere,
    // it tries five places close by and then takes what the kernel gives, which is near 2^47.
    std::ifstream maps("/proc/self/maps");
    if (const std::uint64_t base = low_base(maps); base != 0) {
      char text[40];
      std::snprintf(text, sizeof text, "--base-virtaddr=0x%llx", static_cast<unsigned long long>(base));
      arguments.emplace_back(text);
    }
  }
  if (huge) {
    // One file per segment list: virtio_user can hand that to its other side, many small ones it cannot.
    arguments.insert(arguments.end(), {"--in-memory", "--single-file-segments"});
  } else {
    arguments.insert(arguments.end(), {"--no-huge", "--no-shconf", "-m", std::to_string(options.megabytes)});
  }
  arguments.insert(arguments.end(), options.extra.begin(), options.extra.end());
  return arguments;
}

}  // namespace

bool eal_has_huge_pages() { return huge_pages_used; }

int start_eal(const EalOptions& options, std::string& message) {
  const std::lock_guard lock(starting);
  if (started) {
    if (identity(options) == started_with) return 0;
    message = "DPDK was started in this process with another PCI device or other EAL arguments, and starts only once";
    return -EBUSY;
  }
  if (failure != 0) {
    message = failure_message + "; DPDK starts only once, so another try needs a new process";
    return failure;
  }
  const bool huge = options.huge_pages != HugePages::kNever && free_huge_megabytes() >= options.megabytes;
  if (!huge && options.huge_pages == HugePages::kRequired) {
    message = "huge pages: " + std::to_string(options.megabytes) + " MB are needed, " +
              std::to_string(free_huge_megabytes()) + " MB are free; as root: echo " +
              std::to_string(options.megabytes / 2 + 1) + " > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages";
    return -ENOMEM;
  }
  const KeptAffinity affinity;
  std::vector<std::string> arguments = arguments_for(options, huge, affinity.first_cpu());
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  EalLog log;
  const bool running = rte_eal_init(static_cast<int>(argv.size() - 1), argv.data()) >= 0;
  const int error = rte_errno != 0 ? rte_errno : EIO;
  runtime_folder = rte_eal_get_runtime_dir();
  std::atexit(remove_runtime_folder);
  if (!running) {
    remove_runtime_folder();
    const std::string said = log.said();
    message = std::string("DPDK did not start (rte_eal_init: ") + std::strerror(error) + ")" +
              (said.empty() ? "" : ": " + said);
    failure = -error;
    failure_message = message;
    return failure;
  }
  started = true;
  huge_pages_used = huge;
  started_with = identity(options);
  return 0;
}

LcoreOfThread::LcoreOfThread() {
  if (rte_lcore_id() == LCORE_ID_ANY) registered_ = rte_thread_register() == 0;
}

LcoreOfThread::~LcoreOfThread() {
  if (registered_) rte_thread_unregister();
}

}  // namespace demi::dpdk
