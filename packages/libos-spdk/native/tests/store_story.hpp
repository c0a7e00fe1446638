// A story that a seed tells: logs are made, appended to, read, truncated and unlinked on a simulated device that crashes; a model knows
// what must be there.
#pragma once

#include <doctest/doctest.h>

#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "../log_reader.hpp"
#include "../store.hpp"
#include "seed.hpp"
#include "simulated_device.hpp"

namespace demi::spdk::test {

using demi::test::Random;

// What became of a record as far as whoever pushed it knows.
enum class Fate : std::uint8_t { kPending, kAcknowledged, kFailed };

struct Record {
  std::uint64_t id = 0;
  std::uint32_t length = 0;
  Fate fate = Fate::kPending;
};

inline constexpr std::uint32_t kMostLength = 200'000;

// The bytes of a record: a part of some noise that its number chooses.
inline const std::uint8_t* bytes_of(std::uint64_t id) {
  static const auto noise = [] {
    std::mt19937_64 random(1);
    std::vector<std::uint64_t> words(80'000);
    for (auto& word : words) word = random();
    return words;
  }();
  const std::size_t room = noise.size() * sizeof noise[0] - kMostLength;
  return reinterpret_cast<const std::uint8_t*>(noise.data()) + id * 7919 % room;
}

// The first place from here on where a block could begin.
inline std::uint8_t* at_block(std::uint8_t* memory) {
  return memory +
         (format::kMostBlock - reinterpret_cast<std::uintptr_t>(memory) % format::kMostBlock) % format::kMostBlock;
}

// A record on its way, with its memory.
struct Sending {
  Append append;
  std::vector<std::uint8_t> bytes;
  Record* record = nullptr;
  bool ended = false;
};

// Reads a log from where it stands, a record at a time.
class Reading final : public LogReader::Sink {
 public:
  Reading(LogStore& store, Log& log, BlockDevice& device)
      : reader(store, log, *this), bytes(std::exchange(spare(), {})), device_(device) {}
  // What was read ahead is written to its memory. What it read into is for the next one, as of SimulatedDevice.
  ~Reading() override {
    for (int n = 0; reader.loading() && n < 1'000'000; ++n) device_.poll();
    spare() = std::move(bytes);
  }

  // The record's length, 0 at the end, or a negative errno.
  std::int32_t next() {
    done_ = false;
    reader.read();
    for (int n = 0; !done_; ++n) {
      device_.poll();
      REQUIRE(n < 1'000'000);
    }
    return result_;
  }
  int room(std::uint32_t length, iovec* pieces, int& count) override {
    bytes.resize(length);
    // In two pieces, now and then of odd sizes.
    const std::uint32_t first = length / 3;
    count = 0;
    if (first != 0) pieces[count++] = {bytes.data(), first};
    pieces[count++] = {bytes.data() + first, length - first};
    return 0;
  }
  void on_read(std::int32_t result) override {
    result_ = result;
    done_ = true;
  }

  LogReader reader;
  std::vector<std::uint8_t> bytes;

 private:
  static std::vector<std::uint8_t>& spare() {
    static std::vector<std::uint8_t> memory;
    return memory;
  }

  BlockDevice& device_;
  bool done_ = false;
  std::int32_t result_ = 0;
};

class Story {
 public:
  struct Tellings {
    bool faults = false;
    bool fills = false;  // the device tells what was never written to, and the store fills it
  };

  Story(std::uint64_t seed, Tellings tellings)
      : random_(seed),
        tellings_(tellings),
        block_(random_.one_in(4) ? 4096 : 512),
        // Little, so that what is larger is met, and because fresh pages are dear.
        memory_{std::size_t{16 * 1024} << random_.below(4), std::size_t{16 * 1024} << random_.below(4),
                std::size_t{4096} << random_.below(5)},
        // Small, so that it is full at times.
        device_((512u << 10) + (random_.below(3000) << 10), block_, seed) {
    Failure failure;
    if (tellings.fills) device_.tell_untouched();
    REQUIRE(LogStore::format(device_, seed * 0x9e3779b97f4a7c15ull + 1, 8, failure));
    open();
  }
  ~Story() { crash_now(); }

  void tell() {
    for (std::uint32_t chapters = 1 + random_.below(4); chapters != 0; --chapters) {
      for (std::uint32_t steps = 10 + random_.below(60); steps != 0; --steps) act();
      if (random_.one_in(4))
        close();
      else
        crash();
    }
    settle();
    read_all();
  }

  SimulatedDevice& device() { return device_; }
  LogStore& store() { return *store_; }
  const std::map<std::string, std::deque<Record>>& model() const { return model_; }
  Random& random() { return random_; }
  // Segments that stores which are gone have filled.
  std::uint64_t filled() const { return filled_; }
  // Ends what is under way, and lets nothing wait.
  void settle() {
    device_.set_faults({});
    for (int n = 0; !store_->idle(); ++n) {
      store_->poll();
      REQUIRE(n < 1'000'000);
    }
    forget_ended();
  }
  void close() {
    settle();
    REQUIRE(store_->close() == 0);
    drop_store();
    open();
    compare();
  }
  void open() {
    store_ = std::make_unique<LogStore>(device_, memory_);
    Failure failure;
    const bool opened = store_->open(failure);
    INFO(failure.message);
    REQUIRE(opened);
  }
  // Each record that was acknowledged is there, in order, once, as it was pushed; and nothing that was never pushed. The model then knows
  // what is there.
  void compare() {
    REQUIRE(store_->logs().size() == model_.size());
    for (auto& [name, records] : model_) {
      Log* const log = store_->find(name);
      REQUIRE(log != nullptr);
      Reading reading(*store_, *log, device_);
      std::deque<Record> there;
      bool cut = false;  // one that nobody knew of is missing: none behind it may be there
      std::int32_t result = 0;
      while ((result = reading.next()) > 0) {
        // The next in the model with these bytes; those before must not have been acknowledged.
        for (;;) {
          REQUIRE(!records.empty());
          const Record expected = records.front();
          records.pop_front();
          if (is(expected, reading.bytes)) {
            REQUIRE(!(cut && expected.fate == Fate::kPending));
            there.push_back(expected);
            there.back().fate = Fate::kAcknowledged;
            break;
          }
          REQUIRE(expected.fate != Fate::kAcknowledged);
          cut = cut || expected.fate == Fate::kPending;
        }
      }
      REQUIRE(result == 0);
      CAPTURE(name);
      CAPTURE(log->start);
      CAPTURE(log->end);
      CAPTURE(there.size());
      for (const Record& missing : records) {
        CAPTURE(missing.id);
        CAPTURE(missing.length);
        REQUIRE(missing.fate != Fate::kAcknowledged);
      }
      records = std::move(there);
    }
  }
  // Of a device that was damaged: what is handed over was pushed, in order, and where something acknowledged is missing there was an
  // error. How many places were errors.
  std::size_t salvage() {
    std::size_t errors = 0;
    for (const auto& [name, records] : model_) {
      Log* const log = store_->find(name);
      REQUIRE(log != nullptr);
      Reading reading(*store_, *log, device_);
      auto at = records.begin();
      bool excused = false;
      for (;;) {
        const std::int32_t result = reading.next();
        if (result == 0) break;
        if (result < 0) {
          REQUIRE(result == -EBADMSG);
          ++errors;
          excused = true;
          // The next that is right.
          reading.reader.seek(reading.reader.cursor() / 8 * 8 + 8);
          continue;
        }
        while (at != records.end() && !is(*at, reading.bytes)) {
          REQUIRE((excused || at->fate != Fate::kAcknowledged));
          ++at;
        }
        REQUIRE(at != records.end());
        ++at;
        excused = false;
      }
      for (; at != records.end(); ++at) REQUIRE((excused || at->fate != Fate::kAcknowledged));
    }
    return errors;
  }
  // As tell(), and then the store is closed: what is there is known to be durable.
  void tell_and_close(const SimulatedDevice::Faults& faults = {}) {
    // Whoever reads meanwhile would see the damage.
    reads_ = faults.misdirected == 0;
    for (std::uint32_t steps = 30 + random_.below(100); steps != 0; --steps) {
      act();
      device_.set_faults(faults);
      if (steps % 8 == 0) poll();
    }
    settle();
    REQUIRE(store_->close() == 0);
    drop_store();
  }
  // A record to each log, whatever becomes of it: the model knows nothing of it.
  void append_anywhere() {
    std::vector<std::unique_ptr<Sending>> sent;
    for (Log* const log : store_->logs()) {
      sent.push_back(std::make_unique<Sending>());
      Sending& sending = *sent.back();
      sending.bytes.assign(1000, 1);
      sending.append.length = 1000;
      sending.append.pieces[sending.append.count++] = {sending.bytes.data(), 1000};
      sending.append.owner = &sending;
      sending.append.done = [](Append& ended) { static_cast<Sending*>(ended.owner)->ended = true; };
      store_->append(*log, sending.append);
    }
    settle();
    for (const auto& sending : sent) REQUIRE(sending->ended);
  }
  // False: it cannot be opened, and says why.
  bool try_open(Failure& failure) {
    store_ = std::make_unique<LogStore>(device_, memory_);
    if (store_->open(failure)) return true;
    store_.reset();
    return false;
  }

  static bool is(const Record& record, const std::vector<std::uint8_t>& bytes) {
    if (bytes.size() != record.length) return false;
    return std::memcmp(bytes.data(), bytes_of(record.id), record.length) == 0;
  }

 private:
  void act() {
    if (tellings_.faults)
      device_.set_faults(random_.one_in(3) ? SimulatedDevice::Faults{0, 0.02, 0.02, 0} : SimulatedDevice::Faults{});
    switch (random_.below(20)) {
      case 0:
        return create();
      case 1:
        return reads_ ? read_some() : poll();
      case 2:
        return reads_ ? truncate() : poll();
      case 3:
        return random_.one_in(4) ? unlink() : poll();
      default:
        if (random_.one_in(2)) return append();
        return poll();
    }
  }

  void poll() {
    for (std::uint32_t n = 1 + random_.below(10); n != 0; --n) store_->poll();
    forget_ended();
  }

  const std::string* some_log() {
    if (model_.empty()) return nullptr;
    auto it = model_.begin();
    std::advance(it, random_.below(static_cast<std::uint32_t>(model_.size())));
    return &it->first;
  }

  // A control call, which sees a device without faults; now and then the power goes meanwhile. `expected` is what it returns on a device
  // that goes on. True: it has happened. False: the device crashed before it said so, and it has happened or not.
  template <class F>
  bool control(int expected, F&& call) {
    device_.set_faults({});
    // Of the four transfers that write an entry, and before what is written then is durable.
    if (reads_ && random_.one_in(6)) device_.crash_after(1 + random_.below(5));
    const int error = call();
    if (!device_.crashed()) {
      device_.crash_after(0);
      REQUIRE(error == expected);
      return error == 0;
    }
    REQUIRE((error == expected || error == -ENODEV));
    return error == 0;
  }

  void create() {
    const std::string name = "log" + std::to_string(random_.below(6));
    Log* log = nullptr;
    const bool is_there = model_.contains(name);
    const bool made = control(is_there ? -EEXIST : 0, [&] { return store_->create(name, log); });
    if (made) model_[name];
    if (!device_.crashed()) return;
    crash_now();
    open();
    // All of it or nothing.
    if (!made && !is_there && store_->find(name) != nullptr) model_[name];
    compare();
  }

  void append() {
    const std::string* const name = some_log();
    if (name == nullptr) return;
    for (std::uint32_t n = 1 + random_.below(5); n != 0; --n) {
      std::deque<Record>& records = model_[*name];
      const std::uint32_t kind = random_.below(80);
      const std::uint32_t length = 1 + random_.below(kind == 0   ? kMostLength
                                                     : kind < 6  ? 20'000
                                                     : kind < 30 ? 2000
                                                                 : 100);
      records.push_back({++ids_, length, Fate::kPending});
      sending_.push_back(std::make_unique<Sending>());
      Sending& sending = *sending_.back();
      sending.record = &records.back();
      // At odd places of memory, which the seed alone chooses: where a record lies in its batch depends on where it lies in memory.
      const std::uint32_t shift = random_.below(600);
      sending.bytes.resize(length + shift + format::kMostBlock);
      std::uint8_t* const bytes = at_block(sending.bytes.data()) + shift;
      std::memcpy(bytes, bytes_of(ids_), length);
      Append& append = sending.append;
      append.length = length;
      const std::uint32_t cut = random_.one_in(3) ? random_.below(length) : 0;
      if (cut != 0) append.pieces[append.count++] = {bytes, cut};
      append.pieces[append.count++] = {bytes + cut, length - cut};
      append.owner = &sending;
      append.done = [](Append& ended) {
        auto& one = *static_cast<Sending*>(ended.owner);
        one.ended = true;
        if (one.record != nullptr) one.record->fate = ended.result == 0 ? Fate::kAcknowledged : Fate::kFailed;
      };
      store_->append(*store_->find(*name), append);
    }
  }

  void read_some() {
    const std::string* const name = some_log();
    if (name == nullptr) return;
    Reading reading(*store_, *store_->find(*name), device_);
    // What is acknowledged can be read: failed ones may be there too.
    std::size_t acknowledged = 0;
    std::size_t found = 0;
    for (const Record& record : model_[*name]) acknowledged += record.fate == Fate::kAcknowledged ? 1 : 0;
    std::int32_t result = 0;
    device_.set_faults({});
    auto at = model_[*name].begin();
    while ((result = reading.next()) > 0) {
      while (at != model_[*name].end() && !is(*at, reading.bytes)) {
        REQUIRE(at->fate != Fate::kAcknowledged);
        ++at;
      }
      REQUIRE(at != model_[*name].end());
      found += at->fate == Fate::kAcknowledged ? 1 : 0;
      ++at;
    }
    REQUIRE(result == 0);
    REQUIRE(found >= acknowledged);
  }

  // To where the reader stands after some records.
  void truncate() {
    const std::string* const name = some_log();
    if (name == nullptr) return;
    settle();
    std::deque<Record>& records = model_[*name];
    Log& log = *store_->find(*name);
    std::size_t count = random_.below(static_cast<std::uint32_t>(records.size() + 1));
    std::deque<Record> rest = records;
    const std::uint64_t before = log.start;
    std::uint64_t to = 0;
    {
      Reading reading(*store_, log, device_);
      for (; count != 0 && reading.next() > 0; --count) {
        while (!is(rest.front(), reading.bytes)) rest.pop_front();
        rest.pop_front();
      }
      to = reading.reader.cursor();
    }
    const bool done = control(0, [&] { return store_->truncate(log, to); });
    if (done) records = rest;
    if (!device_.crashed()) return;
    crash_now();
    open();
    if (!done) {
      const std::uint64_t start = store_->find(*name)->start;
      REQUIRE((start == before || start == to));
      if (start == to && to != before) records = rest;
    }
    compare();
  }

  void unlink() {
    const std::string* const some = some_log();
    if (some == nullptr) return;
    const std::string name = *some;
    settle();
    const bool done = control(0, [&] { return store_->unlink(*store_->find(name)); });
    if (done) model_.erase(name);
    if (!device_.crashed()) return;
    crash_now();
    open();
    // All of it or nothing.
    if (!done && store_->find(name) == nullptr) model_.erase(name);
    compare();
  }

  void drop_store() {
    filled_ += store_->filler().filled();
    store_.reset();
  }
  void crash_now() {
    if (!store_) return;
    if (!device_.crashed()) device_.crash();
    for (const auto& sending : sending_) sending->record = nullptr;
    drop_store();
    device_.restart();
    sending_.clear();
  }
  void crash() {
    forget_ended();
    crash_now();
    device_.set_faults({});
    open();
    compare();
  }
  void read_all() { compare(); }

  void forget_ended() {
    std::erase_if(sending_, [](const auto& sending) { return sending->ended; });
  }

  Random random_;
  Tellings tellings_;
  std::uint32_t block_;
  StoreMemory memory_;
  SimulatedDevice device_;
  std::unique_ptr<LogStore> store_;
  std::map<std::string, std::deque<Record>> model_;
  std::vector<std::unique_ptr<Sending>> sending_;
  std::uint64_t ids_ = 0;
  std::uint64_t filled_ = 0;
  bool reads_ = true;
};

}  // namespace demi::spdk::test
