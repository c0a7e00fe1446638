// struct: numbers and strings as C has them in memory, by a format (http://www.inf.puc-rio.br/~roberto/struct/).
#include <climits>
#include <cstdint>
#include <cstring>
#include <utility>

#include "libraries.hpp"
#include "scratch.hpp"

namespace demi::script {
namespace {

constexpr int MOST_INTEGER = 32;
constexpr int MOST_ALIGNMENT = 8;

struct Format {
  const char* at;
  bool is_big = false;
  int alignment = 1;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

int number(lua_State* L, Format& format, int otherwise) {
  if (!is_digit(*format.at)) return otherwise;
  std::int64_t value = 0;
  while (is_digit(*format.at)) {
    value = value * 10 + (*format.at++ - '0');
    if (value > INT_MAX) luaL_error(L, "integral size overflow");
  }
  return static_cast<int>(value);
}

// Bytes of what an option stands for; 0: they are not known, or it is no value.
std::size_t size_of(lua_State* L, char option, Format& format) {
  switch (option) {
    case 'B':
    case 'b':
    case 'x':
      return 1;
    case 'H':
    case 'h':
      return 2;
    case 'L':
    case 'l':
    case 'T':
    case 'd':
      return 8;
    case 'f':
      return 4;
    case 'c':
      return static_cast<std::size_t>(number(L, format, 1));
    case 'i':
    case 'I': {
      const int size = number(L, format, sizeof(int));
      if (size > MOST_INTEGER) luaL_error(L, "integral size %d is larger than limit of %d", size, MOST_INTEGER);
      return static_cast<std::size_t>(size);
    }
    default:
      return 0;
  }
}

// Bytes before an element of this size at `position`.
std::size_t padding(std::size_t position, const Format& format, char option, std::size_t size) {
  if (size == 0 || option == 'c') return 0;
  if (size > static_cast<std::size_t>(format.alignment)) size = static_cast<std::size_t>(format.alignment);
  return (size - (position & (size - 1))) & (size - 1);
}

// An option that says how those behind it are read.
void control(lua_State* L, char option, Format& format) {
  switch (option) {
    case ' ':
      return;
    case '>':
      format.is_big = true;
      return;
    case '<':
      format.is_big = false;
      return;
    case '!': {
      const int alignment = number(L, format, MOST_ALIGNMENT);
      if (alignment <= 0 || (alignment & (alignment - 1)) != 0)
        luaL_error(L, "alignment %d is not a power of 2", alignment);
      format.alignment = alignment;
      return;
    }
    default:
      luaL_argerror(L, 1, lua_pushfstring(L, "invalid format option '%c'", option));
  }
}

// As a processor converts it that has no such integer: the smallest.
std::uint64_t integer_of(double value) {
  if (value < 0) return value >= -0x1p63 ? static_cast<std::uint64_t>(static_cast<std::int64_t>(value)) : 1ull << 63;
  if (value < 0x1p63) return static_cast<std::uint64_t>(value);
  return value < 0x1p64 ? static_cast<std::uint64_t>(value) : 0;
}

void reverse(char* bytes, std::size_t size) {
  for (std::size_t i = 0; i < size / 2; ++i) std::swap(bytes[i], bytes[size - 1 - i]);
}

void put_integer(lua_State* L, Scratch& out, double value, bool is_big, std::size_t size) {
  std::uint64_t left = integer_of(value);
  char bytes[MOST_INTEGER];
  for (std::size_t i = 0; i < size; ++i, left >>= 8) bytes[i] = static_cast<char>(left);
  if (is_big) reverse(bytes, size);
  out.append(L, bytes, size);
}

double get_integer(const char* data, bool is_big, bool is_signed, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const char byte = data[is_big ? i : size - 1 - i];
    value = value << 8 | static_cast<std::uint8_t>(byte);
  }
  if (!is_signed) return static_cast<double>(value);
  if (size < 8 && size != 0 && (value >> (size * 8 - 1) & 1) != 0) value |= ~std::uint64_t{0} << (size * 8);
  return static_cast<double>(static_cast<std::int64_t>(value));
}

template <typename Float>
void put_float(lua_State* L, Scratch& out, Float value, bool is_big) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  if (is_big) reverse(bytes, sizeof value);
  out.append(L, bytes, sizeof value);
}

template <typename Float>
double get_float(const char* data, bool is_big) {
  char bytes[sizeof(Float)];
  std::memcpy(bytes, data, sizeof bytes);
  if (is_big) reverse(bytes, sizeof bytes);
  Float value;
  std::memcpy(&value, bytes, sizeof value);
  return static_cast<double>(value);
}

int pack(lua_State* L) {
  Format format{luaL_checkstring(L, 1)};
  auto& out = *static_cast<Scratch*>(lua_touserdata(L, lua_upvalueindex(1)));
  out.reset(L);
  int arg = 2;
  std::size_t total = 0;
  while (*format.at != 0) {
    const char option = *format.at++;
    std::size_t size = size_of(L, option, format);
    for (std::size_t i = padding(total, format, option, size); i > 0; --i, ++total) out.append(L, '\0');
    switch (option) {
      case 'b':
      case 'B':
      case 'h':
      case 'H':
      case 'l':
      case 'L':
      case 'T':
      case 'i':
      case 'I':
        put_integer(L, out, luaL_checknumber(L, arg++), format.is_big, size);
        break;
      case 'x':
        out.append(L, '\0');
        break;
      case 'f':
        put_float(L, out, static_cast<float>(luaL_checknumber(L, arg++)), format.is_big);
        break;
      case 'd':
        put_float(L, out, static_cast<double>(luaL_checknumber(L, arg++)), format.is_big);
        break;
      case 'c':
      case 's': {
        std::size_t length;
        const char* text = luaL_checklstring(L, arg++, &length);
        if (size == 0) size = length;
        luaL_argcheck(L, length >= size, arg, "string too short");
        out.append(L, text, size);
        if (option == 's') {
          out.append(L, '\0');
          ++size;
        }
        break;
      }
      default:
        control(L, option, format);
    }
    total += size;
  }
  lua_pushlstring(L, out.data == nullptr ? "" : out.data, out.length);
  return 1;
}

int unpack(lua_State* L) {
  Format format{luaL_checkstring(L, 1)};
  std::size_t length;
  const char* data = luaL_checklstring(L, 2, &length);
  const lua_Integer from = luaL_optinteger(L, 3, 1);
  // Read as one without a sign, so that what is before the beginning is far behind the end.
  auto position = static_cast<std::size_t>(from);
  luaL_argcheck(L, position > 0, 3, "offset must be 1 or greater");
  --position;
  int count = 0;
  while (*format.at != 0) {
    const char option = *format.at++;
    std::size_t size = size_of(L, option, format);
    position += padding(position, format, option, size);
    luaL_argcheck(L, size <= length && position <= length - size, 2, "data string too short");
    luaL_checkstack(L, 2, "too many results");
    const char* at = data + position;
    switch (option) {
      case 'b':
      case 'h':
      case 'l':
      case 'i':
        lua_pushnumber(L, get_integer(at, format.is_big, true, size));
        ++count;
        break;
      case 'B':
      case 'H':
      case 'L':
      case 'T':
      case 'I':
        lua_pushnumber(L, get_integer(at, format.is_big, false, size));
        ++count;
        break;
      case 'x':
        break;
      case 'f':
        lua_pushnumber(L, get_float<float>(at, format.is_big));
        ++count;
        break;
      case 'd':
        lua_pushnumber(L, get_float<double>(at, format.is_big));
        ++count;
        break;
      case 'c':
        if (size == 0) {
          if (count == 0 || lua_isnumber(L, -1) == 0) luaL_error(L, "format 'c0' needs a previous size");
          const double asked = lua_tonumber(L, -1);
          lua_pop(L, 1);
          --count;
          const bool fits = asked >= 0 && asked <= static_cast<double>(length);
          size = fits ? static_cast<std::size_t>(asked) : length + 1;
          luaL_argcheck(L, fits && position <= length - size, 2, "data string too short");
        }
        lua_pushlstring(L, at, size);
        ++count;
        break;
      case 's': {
        const void* end = std::memchr(at, 0, length - position);
        if (end == nullptr) luaL_error(L, "unfinished string in data");
        size = static_cast<std::size_t>(static_cast<const char*>(end) - at) + 1;
        lua_pushlstring(L, at, size - 1);
        ++count;
        break;
      }
      default:
        control(L, option, format);
    }
    position += size;
  }
  lua_pushinteger(L, static_cast<lua_Integer>(position + 1));
  return count + 1;
}

bool is_letter_or_digit(char c) { return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'); }

int size(lua_State* L) {
  Format format{luaL_checkstring(L, 1)};
  std::size_t position = 0;
  while (*format.at != 0) {
    const char option = *format.at++;
    const std::size_t size = size_of(L, option, format);
    position += padding(position, format, option, size);
    if (option == 's') luaL_argerror(L, 1, "option 's' has no fixed size");
    if (option == 'c' && size == 0) luaL_argerror(L, 1, "option 'c0' has no fixed size");
    if (!is_letter_or_digit(option)) control(L, option, format);
    position += size;
  }
  lua_pushinteger(L, static_cast<lua_Integer>(position));
  return 1;
}

}  // namespace

int open_struct(lua_State* L) {
  lua_newtable(L);
  new_scratch(L);
  lua_pushcclosure(L, pack, 1);
  lua_setfield(L, -2, "pack");
  lua_pushcfunction(L, unpack);
  lua_setfield(L, -2, "unpack");
  lua_pushcfunction(L, size);
  lua_setfield(L, -2, "size");
  return 1;
}

}  // namespace demi::script
