#include "controller.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <thread>

#include "status.hpp"

namespace demi::spdk::nvme {

namespace {

constexpr std::uint32_t kQueueEntries = QueuePair::kMostEntries;
constexpr std::uint16_t kQueueId = 1;
constexpr std::uint16_t kAbortId = kQueueEntries;  // of the admin command that aborts; the steps have smaller ones
constexpr std::chrono::seconds kAdminTime{10};
constexpr std::chrono::seconds kShutdownTime{5};
// What a log writes at once; PRP lists of one page name twice as much.
constexpr std::uint32_t kMostTransfer = 1u << 20;
constexpr std::uint32_t kLeastBlock = 512;
constexpr std::uint32_t kMostBlock = 4096;

DmaBlock page(const PciFunction& function, std::uint8_t* pages, std::size_t n) {
  return {pages + n * kPage, function.dma().bus_address(pages + n * kPage)};
}

template <typename T>
T field(const std::uint8_t* page, std::size_t offset) {
  T value;
  std::memcpy(&value, page + offset, sizeof value);
  return value;
}

// Padded with spaces; printable characters only, for it goes into messages.
std::string text(const std::uint8_t* from, std::size_t bytes) {
  std::string all(reinterpret_cast<const char*>(from), bytes);
  std::ranges::replace_if(
      all, [](char c) { return c < ' ' || c > '~'; }, '?');
  all.erase(all.find_last_not_of(' ') + 1);
  return all;
}

std::string hexadecimal(std::uint32_t number) {
  char text[16];
  std::snprintf(text, sizeof text, "%#x", number);
  return text;
}

}  // namespace

Controller::Controller(PciFunction& function, std::uint8_t* pages, std::uint32_t nsid)
    : function_(function),
      nsid_(nsid),
      identified_(page(function, pages, 4)),
      admin_(kQueueEntries, page(function, pages, 0), page(function, pages, 1)),
      io_(kQueueEntries, page(function, pages, 2), page(function, pages, 3)) {}

Controller::~Controller() {
  if (!gone()) shut_down();
}

bool Controller::start(Failure& failure) {
  cap_ = function_.read64(property::kCapabilities);
  const auto refuse = [&](int error, const std::string& why) {
    failure.refuse(error, why);
    return false;
  };
  if (gone()) return refuse(-ENODEV, "it does not answer");
  if (!has_nvm_commands(cap_)) return refuse(-ENOTSUP, "it has no NVM command set");
  if (least_page_bytes(cap_) > kPage) return refuse(-ENOTSUP, "it has no pages of 4 KiB");
  if (most_queue_entries(cap_) < kQueueEntries)
    return refuse(-ENOTSUP, "its queues have less than " + std::to_string(kQueueEntries) + " entries");
  if (property::kDoorbells + 4 * doorbell_stride(cap_) > function_.register_bytes())
    return refuse(-ENOTSUP, "its doorbells lie outside its registers");
  restart();
  while (state_ != State::kReady && state_ != State::kFailed) {
    advance();
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  return state_ == State::kReady || refuse(-EIO, why_);
}

void Controller::restart() {
  state_ = State::kStopping;
  begin(Step::kDisable);
}

bool Controller::gone() {
  if (!gone_) gone_ = function_.read32(property::kStatus) == kAbsent || function_.wanted_back();
  return gone_;
}

void Controller::fail(const std::string& why) {
  why_ = why;
  state_ = State::kFailed;
}

// ---- steps ----------------------------------------------------------------------------------------------------------

Command Controller::admin(AdminOpcode opcode) const {
  Command command;
  command.opcode = static_cast<std::uint8_t>(opcode);
  command.id = static_cast<std::uint16_t>(step_);
  return command;
}

void Controller::begin(Step step) {
  step_ = step;
  deadline_ = Clock::now() + kAdminTime;
  Command command;
  switch (step) {
    case Step::kDisable:
      deadline_ = Clock::now() + std::chrono::milliseconds(start_time_ms(cap_) + 500);
      function_.write32(property::kConfiguration, 0);
      return;
    case Step::kEnable:
      deadline_ = Clock::now() + std::chrono::milliseconds(start_time_ms(cap_) + 500);
      return enable();
    case Step::kIdentifyController:  // Base 5.17.2.1
      command = admin(AdminOpcode::kIdentify);
      command.dword10 = 0x01;
      break;
    case Step::kListNamespaces:  // Base 5.17.2.2: those with numbers above nsid
      command = admin(AdminOpcode::kIdentify);
      command.dword10 = 0x02;
      break;
    case Step::kIdentifyNamespace:  // NVM 4.1.5.1
      command = admin(AdminOpcode::kIdentify);
      command.nsid = nsid_;
      break;
    case Step::kWriteCache:
      command = admin(AdminOpcode::kGetFeatures);
      command.dword10 = kFeatureWriteCache;
      break;
    case Step::kQueues:  // numbers that begin with 0
      command = admin(AdminOpcode::kSetFeatures);
      command.dword10 = kFeatureQueues;
      break;
    case Step::kCompletionQueue:  // Base 5.4: contiguous, without interrupts
      command = admin(AdminOpcode::kCreateCompletionQueue);
      command.prp1 = io_.completions().bus;
      command.dword10 = (kQueueEntries - 1) << 16 | kQueueId;
      command.dword11 = 1;
      break;
    case Step::kSubmissionQueue:  // Base 5.5
      command = admin(AdminOpcode::kCreateSubmissionQueue);
      command.prp1 = io_.commands().bus;
      command.dword10 = (kQueueEntries - 1) << 16 | kQueueId;
      command.dword11 = kQueueId << 16 | 1;
      break;
    case Step::kDone:
      known_ = true;
      state_ = State::kReady;
      return;
  }
  if (step == Step::kIdentifyController || step == Step::kListNamespaces || step == Step::kIdentifyNamespace) {
    std::memset(identified_.memory, 0, kPage);
    command.prp1 = identified_.bus;
  }
  ask(command);
}

void Controller::enable() {
  const std::uint32_t stride = doorbell_stride(cap_);
  const auto doorbell = [&](std::uint32_t n) { return function_.at(property::kDoorbells + std::size_t{n} * stride); };
  admin_.reset(doorbell(0), doorbell(1));
  io_.reset(doorbell(2 * kQueueId), doorbell(2 * kQueueId + 1));
  aborting_ = false;
  function_.write32(property::kAdminSizes, (kQueueEntries - 1) << 16 | (kQueueEntries - 1));
  function_.write64(property::kAdminSubmission, admin_.commands().bus);
  function_.write64(property::kAdminCompletion, admin_.completions().bus);
  function_.write32(property::kInterruptMask, ~0u);
  function_.write32(property::kConfiguration, kEnable);
}

void Controller::ask(const Command& command) {
  admin_.submit(command);
  admin_.ring();
}

void Controller::advance() {
  if (state_ == State::kFailed) return;
  const std::uint32_t status = state_ == State::kReady ? kReady : function_.read32(property::kStatus);
  if (status == kAbsent) return fail("it is gone");
  if (step_ == Step::kDisable) {
    if ((status & kReady) == 0) {
      // Base 3.5.1: with RDY it has also let go of memory.
      state_ = State::kStarting;
      begin(Step::kEnable);
    }
  } else if (step_ == Step::kEnable) {
    if ((status & kFatal) != 0) return fail("it fails when it is started (CSTS.CFS)");
    if ((status & kReady) != 0) begin(known_ ? Step::kQueues : Step::kIdentifyController);
  } else {
    Completion completion;
    while (admin_.take(completion)) {
      admin_.release();
      on_answer(completion);
      if (state_ == State::kFailed) return;
    }
  }
  if (state_ != State::kReady && Clock::now() > deadline_)
    fail("it does not answer (step " + std::to_string(static_cast<int>(step_)) + " of starting it)");
}

void Controller::on_answer(const Completion& completion) {
  if (completion.id == kAbortId) {
    aborting_ = false;
    return;
  }
  if (state_ == State::kReady || completion.id != static_cast<std::uint16_t>(step_))
    return fail("it answers what nobody asked");
  const Status status{static_cast<std::uint16_t>(completion.status >> 1)};
  if (!status.ok()) {
    return fail("it refuses step " + std::to_string(static_cast<int>(step_)) + " of starting it with status " +
                hexadecimal(status.bits & 0x7ff));
  }
  switch (step_) {
    case Step::kIdentifyController:
      read_controller();
      return begin(nsid_ == 0 ? Step::kListNamespaces : Step::kIdentifyNamespace);
    case Step::kListNamespaces:
      if (!read_list()) return;
      return begin(Step::kIdentifyNamespace);
    case Step::kIdentifyNamespace:
      if (!read_namespace()) return;
      return begin(has_write_cache_ ? Step::kWriteCache : Step::kQueues);
    case Step::kWriteCache:
      has_write_cache_ = (completion.result & 1) != 0;
      return begin(Step::kQueues);
    default:
      return begin(static_cast<Step>(static_cast<int>(step_) + 1));
  }
}

// Base figure 275.
void Controller::read_controller() {
  const std::uint8_t* const said = identified_.memory;
  model_ = text(said + 24, 40);
  most_transfer_bytes_ = kMostTransfer;
  const std::uint8_t most = said[77];  // MDTS: a power of two of the smallest pages; 0: no limit
  if (most != 0 && most < 16) most_transfer_bytes_ = std::min(most_transfer_bytes_, least_page_bytes(cap_) << most);
  has_write_cache_ = (said[525] & 1) != 0;
  for (unsigned i = 1; i <= 3; ++i)
    retry_delays_[i] = std::chrono::milliseconds(100) * field<std::uint16_t>(said, 128 + 2 * (i - 1));
}

bool Controller::read_list() {
  nsid_ = field<std::uint32_t>(identified_.memory, 0);
  if (nsid_ == 0) fail("it has no namespace");
  return nsid_ != 0;
}

// NVM figure 97.
bool Controller::read_namespace() {
  const std::uint8_t* const said = identified_.memory;
  blocks_ = field<std::uint64_t>(said, 0);
  const std::string name = "namespace " + std::to_string(nsid_);
  if (blocks_ == 0) {
    fail("it has no " + name);
    return false;
  }
  const std::uint8_t chosen = said[26];
  const unsigned format = (chosen & 0xf) | (chosen >> 1 & 0x30);
  const auto described = field<std::uint32_t>(said, 128 + std::size_t{4} * format);
  const unsigned shift = described >> 16 & 0xff;
  block_bytes_ = shift < 31 ? 1u << shift : 0;
  if (block_bytes_ < kLeastBlock || block_bytes_ > kMostBlock) {
    fail(name + " has blocks of 2^" + std::to_string(shift) + " bytes; 512 to 4096 are wanted");
    return false;
  }
  if ((described & 0xffff) != 0) {
    fail(name + " has metadata beside its blocks; format it without (nvme format)");
    return false;
  }
  return true;
}

// ---- later ----------------------------------------------------------------------------------------------------------

// Base 5.1.
bool Controller::abort(std::uint16_t id) {
  if (aborting_) return false;
  Command command = admin(AdminOpcode::kAbort);
  command.id = kAbortId;
  command.dword10 = std::uint32_t{id} << 16 | kQueueId;
  aborting_ = true;
  ask(command);
  return true;
}

// Base 3.6.1: so that it writes down what it has in its caches, and its next start is quick.
void Controller::shut_down() {
  const auto wait = [&](std::uint32_t mask, std::uint32_t wanted, Clock::duration most) {
    const auto deadline = Clock::now() + most;
    while ((function_.read32(property::kStatus) & mask) != wanted) {
      if (Clock::now() > deadline || function_.read32(property::kStatus) == kAbsent) return;
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
  };
  const std::uint32_t configuration = function_.read32(property::kConfiguration);
  if ((configuration & 1) != 0) {
    function_.write32(property::kConfiguration, (configuration & ~kShutdownMask) | kShutdownNormal);
    wait(kShutdownStatus, kShutdownComplete, kShutdownTime);
  }
  // It must not write to memory that is ours no more.
  function_.write32(property::kConfiguration, 0);
  wait(kReady, 0, std::chrono::milliseconds(start_time_ms(cap_) + 500));
}

}  // namespace demi::spdk::nvme
