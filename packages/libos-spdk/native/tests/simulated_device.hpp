// A device whose time, faults and crashes come from a seed: transfers complete late and in any order; what was not flushed is lost at a
// crash block by block, in any combination; writes may go to another place; blocks may be flipped.
//
// Idea: FoundationDB's simulation (Zhou et al., SIGMOD 2021) and TigerBeetle's simulated storage.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "../block_device.hpp"
#include "transfer_memory.hpp"

namespace demi::spdk {

class SimulatedDevice final : public BlockDevice {
 public:
  struct Faults {
    double read_error = 0;   // of a transfer; another try may be right
    double write_error = 0;  // part of it may have been written
    double flush_error = 0;
    double misdirected = 0;  // of a block: written to another place instead
  };

  SimulatedDevice(std::uint64_t bytes, std::uint32_t block_bytes, std::uint64_t seed)
      : geometry_{block_bytes, bytes / block_bytes, block_bytes, 256u << 10, 64},
        random_(seed),
        durable_(std::exchange(spare(), {})),
        written_(geometry_.blocks) {
    if (durable_.size() < geometry_.blocks * block_bytes) durable_.resize(geometry_.blocks * block_bytes);
  }
  // New memory is dear under the sanitizers: it goes to the next device, zeroed where it was written.
  ~SimulatedDevice() override {
    for (const std::uint64_t block : written_blocks()) std::memset(durable(block), 0, geometry_.block_bytes);
    spare() = std::move(durable_);
  }

  const char* name() const override { return "simulated"; }
  const Geometry& geometry() const override { return geometry_; }
  void submit(Transfer& transfer) override {
    const std::uint64_t due = now_ + 1 + random_() % 8;
    under_way_.push_back({&transfer, due, transfer.kind == Transfer::Kind::kFlush ? unflushed_count_ : 0});
  }
  void poll() override { advance(); }
  void wait(std::uint32_t) override { advance(); }
  std::uint8_t* allocate(std::size_t bytes) override { return test::TransferMemory::of_all().take(bytes); }
  void release(std::uint8_t* memory, std::size_t) override { test::TransferMemory::of_all().give_back(memory); }

  // It tells what was never written to: else it has nothing to tell.
  void tell_untouched() { tells_untouched_ = true; }
  std::vector<Range> untouched() const override {
    std::vector<Range> ranges;
    if (!tells_untouched_) return ranges;
    for (std::uint64_t block = 0; block < geometry_.blocks; ++block) {
      const std::uint64_t at = block * geometry_.block_bytes;
      if (written_[block]) continue;
      if (ranges.empty() || ranges.back().end != at) ranges.push_back({at, at});
      ranges.back().end += geometry_.block_bytes;
    }
    return ranges;
  }

  void set_faults(const Faults& faults) { faults_ = faults; }
  std::size_t under_way() const { return under_way_.size(); }

  // The power goes: what was not made durable is there or not, block by block. Transfers under way are as lost as the rest; they end with
  // ENODEV for whoever still waits, and change nothing any more.
  void crash() {
    for (const Pending& pending : under_way_) {
      if (pending.transfer->kind == Transfer::Kind::kWrite) apply(*pending.transfer, 0.5);
    }
    for (const auto& [block, versions] : unflushed_) {
      const std::size_t kept = random_() % (versions.size() + 1);
      if (kept != 0) keep(block, versions[kept - 1]);
    }
    unflushed_.clear();
    dead_ = true;
  }
  // Crashes by itself once so many transfers more have completed; 0: not.
  void crash_after(std::uint32_t transfers) { until_crash_ = transfers; }
  bool crashed() const { return dead_; }
  // On again.
  void restart() {
    until_crash_ = 0;
    under_way_.clear();
    dead_ = false;
  }

  // Turns one bit of a block that is durable.
  void flip(std::uint64_t block) {
    durable(block)[random_() % geometry_.block_bytes] ^= static_cast<std::uint8_t>(1u << random_() % 8);
  }
  std::vector<std::uint64_t> written_blocks() const {
    std::vector<std::uint64_t> blocks;
    for (std::uint64_t block = 0; block < geometry_.blocks; ++block) {
      if (written_[block]) blocks.push_back(block);
    }
    return blocks;
  }
  // What is on the medium: for whoever makes contents of his own.
  std::uint8_t* durable(std::uint64_t block) { return durable_.data() + block * geometry_.block_bytes; }
  std::uint64_t misdirections() const { return misdirections_; }

 private:
  struct Pending {
    Transfer* transfer;
    std::uint64_t due;
    std::uint64_t before;  // of a flush: the writes that had completed when it was submitted
  };
  // What one write made of a block.
  struct Version {
    std::uint64_t number;
    std::shared_ptr<std::vector<std::uint8_t>> written;
    std::size_t at;
  };

  static std::vector<std::uint8_t>& spare() {
    static std::vector<std::uint8_t> memory;
    return memory;
  }

  bool happens(double chance) { return chance > 0 && std::uniform_real_distribution<>()(random_) < chance; }

  void advance() {
    ++now_;
    std::ranges::shuffle(under_way_, random_);
    std::vector<Pending> due;
    std::erase_if(under_way_, [&](const Pending& pending) {
      if (pending.due > now_ && !dead_) return false;
      due.push_back(pending);
      return true;
    });
    for (const Pending& pending : due) complete(pending);
  }

  void complete(const Pending& pending) {
    Transfer& transfer = *pending.transfer;
    transfer.result = 0;
    if (dead_) {
      transfer.result = -ENODEV;
    } else if (transfer.kind == Transfer::Kind::kRead) {
      if (happens(faults_.read_error))
        transfer.result = -EIO;
      else
        read(transfer);
    } else if (transfer.kind == Transfer::Kind::kWrite) {
      const bool fails = happens(faults_.write_error);
      apply(transfer, fails ? 0.5 : 1);
      if (fails)
        transfer.result = -EIO;
      else if (transfer.durable)
        make_durable(transfer);
    } else if (happens(faults_.flush_error)) {
      transfer.result = -EIO;
    } else {
      flush(pending.before);
    }
    if (until_crash_ != 0 && --until_crash_ == 0) crash();
    transfer.done(transfer);
  }

  template <class F>
  void each_block(const Transfer& transfer, F&& f) {
    std::uint64_t block = transfer.block;
    for (const iovec& piece : transfer.pieces) {
      for (std::size_t at = 0; at < piece.iov_len; at += geometry_.block_bytes, ++block)
        f(block, static_cast<std::uint8_t*>(piece.iov_base) + at);
    }
  }

  void read(const Transfer& transfer) {
    each_block(transfer, [&](std::uint64_t block, std::uint8_t* into) {
      const auto newest = unflushed_.find(block);
      const std::uint8_t* from = durable(block);
      if (newest != unflushed_.end()) {
        const Version& version = newest->second.back();
        from = version.written->data() + version.at;
      }
      std::memcpy(into, from, geometry_.block_bytes);
    });
  }

  // `share`: of its blocks.
  void apply(const Transfer& transfer, double share) {
    ++unflushed_count_;
    const auto written = std::make_shared<std::vector<std::uint8_t>>();
    written->reserve(transfer.bytes());
    for (const iovec& piece : transfer.pieces) {
      const auto* const bytes = static_cast<const std::uint8_t*>(piece.iov_base);
      written->insert(written->end(), bytes, bytes + piece.iov_len);
    }
    std::size_t at = 0;
    each_block(transfer, [&](std::uint64_t block, const std::uint8_t*) {
      const std::size_t from = std::exchange(at, at + geometry_.block_bytes);
      if (share < 1 && !happens(share)) return;
      if (happens(faults_.misdirected)) {
        block = random_() % geometry_.blocks;
        ++misdirections_;
      }
      unflushed_[block].push_back({unflushed_count_, written, from});
    });
  }

  void keep(std::uint64_t block, const Version& version) {
    std::memcpy(durable(block), version.written->data() + version.at, geometry_.block_bytes);
    written_[block] = true;
  }

  void make_durable(const Transfer& transfer) {
    each_block(transfer, [&](std::uint64_t block, const std::uint8_t*) {
      const auto found = unflushed_.find(block);
      if (found == unflushed_.end()) return;
      keep(block, found->second.back());
      unflushed_.erase(found);
    });
  }

  // Of what a cache holds, the writes that had completed when it was asked to.
  void flush(std::uint64_t before) {
    for (auto entry = unflushed_.begin(); entry != unflushed_.end();) {
      auto& [block, versions] = *entry;
      while (!versions.empty() && versions.front().number <= before) {
        keep(block, versions.front());
        versions.erase(versions.begin());
      }
      entry = versions.empty() ? unflushed_.erase(entry) : std::next(entry);
    }
  }

  Geometry geometry_;
  std::mt19937_64 random_;
  Faults faults_;
  std::vector<std::uint8_t> durable_;
  std::vector<bool> written_;  // since the device was made
  std::map<std::uint64_t, std::vector<Version>> unflushed_;
  std::uint64_t unflushed_count_ = 0;
  std::vector<Pending> under_way_;
  std::uint64_t now_ = 0;
  std::uint64_t misdirections_ = 0;
  std::uint32_t until_crash_ = 0;
  bool dead_ = false;
  bool tells_untouched_ = false;
};

}  // namespace demi::spdk
