// An interpreter without a server: commands reply what the test says.
#pragma once

#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "state.hpp"

namespace demi::script::test {

class Application final : public Host {
 public:
  Application() {
    control = words_;
    table_.resize(64);
    bytes_.resize(1024);
    out_.resize(1024);
    point();
    words_[CLIENT_RESP] = words_[SCRIPT_RESP] = 2;
  }

  bool ask(Operation operation) override {
    const auto count = static_cast<std::size_t>(words_[COUNT]);
    if (operation == Operation::GROW_TABLE) table_.resize(count);
    if (operation == Operation::GROW_BYTES) bytes_.resize(count);
    if (operation == Operation::GROW_OUT) {
      if (count > most) return false;
      out_.resize(count * 2);
    }
    if (operation == Operation::SLOW) words_[ANSWER] = 1;
    if (operation == Operation::CALL) {
      ++calls;
      words_[REPLY_LENGTH] = static_cast<std::int32_t>(answer.size());
      reply = {reinterpret_cast<std::uint8_t*>(answer.data()), answer.size()};
    }
    point();
    return true;
  }

  std::string replied() const {
    return {reinterpret_cast<const char*>(out.data), static_cast<std::size_t>(words_[OUT_LENGTH])};
  }

  // Gives these to the next run.
  void arguments(const std::vector<std::string>& all) {
    std::string text;
    table_.resize(64 + 2 * all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
      table_[2 * i] = static_cast<std::int32_t>(text.size());
      table_[2 * i + 1] = static_cast<std::int32_t>(all[i].size());
      text += all[i];
    }
    bytes_.assign(text.begin(), text.end());
    bytes_.resize(text.size() + 1024);
    words_[COUNT] = static_cast<std::int32_t>(all.size());
    words_[KEYS] = 0;
    point();
  }

  std::string answer = "+OK\r\n";
  int calls = 0;
  std::size_t most = 1u << 24;

 private:
  void point() {
    table = {reinterpret_cast<std::uint8_t*>(table_.data()), table_.size() * 4};
    bytes = {bytes_.data(), bytes_.size()};
    out = {out_.data(), out_.size()};
  }

  std::int32_t words_[CONTROL_WORDS] = {};
  std::vector<std::int32_t> table_;
  std::vector<std::uint8_t> bytes_;
  std::vector<std::uint8_t> out_;
};

// Runs scripts one after the other.
class Interpreter {
 public:
  explicit Interpreter(std::size_t memory = 64 << 20) : state(application, false, memory) {}

  // The script's reply; arguments are in ARGV.
  std::string run(const std::string& source, const std::vector<std::string>& arguments = {}) {
    std::string error;
    const int script = state.compile(source.data(), source.size(), "@user_script", "sha", error);
    if (script < 0) return "-" + error;
    application.arguments(arguments);
    application.control[FUNCTION] = script;
    application.control[IS_EVAL] = 1;
    application.control[SCRIPT_RESP] = 2;
    state.run();
    state.release(script);
    return application.replied();
  }

  Application application;
  State state;
};

}  // namespace demi::script::test
