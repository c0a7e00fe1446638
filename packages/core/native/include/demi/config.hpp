// A backend's options, as core hands them over: flat texts, checked against the backend's JSON Schema, which is the one place of ranges
// and defaults that a user sees. Here texts become values; what is no such value is refused again, because an addon can be called by
// anybody.
#pragma once

#include <charconv>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "demi/address.hpp"
#include "demi/failure.hpp"

namespace demi {

// As given in openLibOS() or the YAML section: {"engine": "epoll"}.
using Config = std::map<std::string, std::string>;

// Reads options one after the other. What is not given, or empty, leaves the value as it is; the first that cannot be used is said in
// the failure, and nothing is read after it.
class ConfigReader {
 public:
  ConfigReader(const Config& config, Failure& failure) : config_(config), failure_(failure) {}

  bool ok() const { return ok_; }
  explicit operator bool() const { return ok_; }

  // nullptr: not given.
  const std::string* given(const char* key) const {
    const auto found = config_.find(key);
    return found == config_.end() || found->second.empty() ? nullptr : &found->second;
  }

  void text(const char* key, std::string& out) {
    if (const auto* value = given(key)) out = *value;
  }

  template <class Integer>
  void number(const char* key, Integer& out) {
    const auto* value = given(key);
    if (value == nullptr || !ok_) return;
    Integer parsed{};
    if (!parse_number(*value, parsed)) return refuse(key, "a number of its range");
    out = parsed;
  }

  // One of these words.
  template <class Value>
  void choice(const char* key, std::initializer_list<std::pair<const char*, Value>> values, Value& out) {
    const auto* value = given(key);
    if (value == nullptr || !ok_) return;
    std::string names;
    for (const auto& [name, meaning] : values) {
      if (*value == name) {
        out = meaning;
        return;
      }
      names += (names.empty() ? "" : ", ") + std::string(name);
    }
    refuse(key, "one of " + names);
  }

  void address(const char* key, Address& out, int family = 0) {
    parsed(key, family == 4 ? "a numeric IPv4 address" : "a numeric address", out,
           [family](const std::string& value, Address& address) {
             return Address::parse(value, 0, address) == 0 && (family == 0 || address.family == family);
           });
  }

  // What `parse(text, value)`, true when it could, makes of it.
  template <class Value, class Parse>
  void parsed(const char* key, const char* wanted, Value& out, Parse&& parse) {
    const auto* text = given(key);
    if (text == nullptr || !ok_) return;
    Value value = out;
    if (!parse(*text, value)) return refuse(key, wanted);
    out = std::move(value);
  }

  // An option that must be there.
  void require(const char* key) {
    if (ok_ && given(key) == nullptr) refuse(key, "given");
  }

  void refuse(const char* key, const std::string& wanted) {
    if (!ok_) return;
    ok_ = false;
    const auto* value = given(key);
    failure_.refuse(-EINVAL, std::string(key) + " must be " + wanted + "; got \"" + (value ? *value : "") + "\"");
  }

  template <class Integer>
  static bool parse_number(std::string_view text, Integer& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc() && end == text.data() + text.size();
  }

 private:
  const Config& config_;
  Failure& failure_;
  bool ok_ = true;
};

}  // namespace demi
