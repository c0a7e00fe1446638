#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "cjson_settings.hpp"
#include "libraries.hpp"

namespace demi::script {
namespace cjson {
namespace {

// As errors name them.
enum class Kind {
  OBJ_BEGIN,
  OBJ_END,
  ARR_BEGIN,
  ARR_END,
  STRING,
  NUMBER,
  BOOLEAN,
  NULL_VALUE,
  COLON,
  COMMA,
  END,
  ERROR
};

constexpr const char* NAMES[] = {"T_OBJ_BEGIN", "T_OBJ_END", "T_ARR_BEGIN", "T_ARR_END", "T_STRING", "T_NUMBER",
                                 "T_BOOLEAN",   "T_NULL",    "T_COLON",     "T_COMMA",   "T_END",    "T_ERROR"};

struct Token {
  Kind kind;
  // Where it is, for errors.
  std::int64_t at;
  double number;
  bool boolean;
  const char* error;
};

// What is read ends with a zero, as Lua's strings do: nothing is read beyond it.
struct Input {
  const char* data;
  const char* at;
  Settings& set;
  int depth;
};

Token failed(const Input& in, const char* why) { return {Kind::ERROR, in.at - in.data, 0, false, why}; }

// ---- strings --------------------------------------------------------------------------------------------------------

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The number of four digits; -1: there are none.
int hex4(const char* at) {
  int value = 0;
  for (int i = 0; i < 4; ++i) {
    const int digit = hex_digit(at[i]);
    if (digit < 0) return -1;
    value = value << 4 | digit;
  }
  return value;
}

void utf8(lua_State* L, Scratch& out, int point) {
  const auto byte = [&](int bits) { out.append(L, static_cast<char>(bits)); };
  if (point <= 0x7f) return byte(point);
  if (point <= 0x7ff) {
    byte(0xc0 | point >> 6);
  } else if (point <= 0xffff) {
    byte(0xe0 | point >> 12);
    byte(0x80 | (point >> 6 & 0x3f));
  } else {
    byte(0xf0 | point >> 18);
    byte(0x80 | (point >> 12 & 0x3f));
    byte(0x80 | (point >> 6 & 0x3f));
  }
  byte(0x80 | (point & 0x3f));
}

// At a backslash and u: one character, or two that are a surrogate pair. False: it is wrong.
bool unicode(lua_State* L, Input& in) {
  int point = hex4(in.at + 2);
  if (point < 0) return false;
  int length = 6;
  if ((point & 0xf800) == 0xd800) {
    if ((point & 0x400) != 0 || in.at[6] != '\\' || in.at[7] != 'u') return false;
    const int low = hex4(in.at + 8);
    if (low < 0 || (low & 0xfc00) != 0xdc00) return false;
    point = 0x10000 + ((point & 0x3ff) << 10 | (low & 0x3ff));
    length = 12;
  }
  utf8(L, in.set.text, point);
  in.at += length;
  return true;
}

// What a letter behind a backslash stands for; 0: nothing.
char unescaped(char letter) {
  switch (letter) {
    case '"':
    case '\\':
    case '/':
      return letter;
    case 'b':
      return '\b';
    case 't':
      return '\t';
    case 'n':
      return '\n';
    case 'f':
      return '\f';
    case 'r':
      return '\r';
    default:
      return 0;
  }
}

// Its text is in the settings' buffer.
Token string(lua_State* L, Input& in) {
  Scratch& text = in.set.text;
  const std::int64_t began = in.at - in.data;
  text.reset(L);
  for (++in.at; *in.at != '"';) {
    if (*in.at == 0) return failed(in, "unexpected end of string");
    if (*in.at != '\\') {
      text.append(L, *in.at++);
    } else if (in.at[1] == 'u') {
      if (!unicode(L, in)) return failed(in, "invalid unicode escape code");
    } else {
      const char byte = unescaped(in.at[1]);
      if (byte == 0) return failed(in, "invalid escape code");
      text.append(L, byte);
      in.at += 2;
    }
  }
  ++in.at;
  return {Kind::STRING, began, 0, false, nullptr};
}

// ---- tokens ---------------------------------------------------------------------------------------------------------

bool begins(const char* at, const char* word) { return std::strncmp(at, word, std::strlen(word)) == 0; }

bool begins_in_any_case(const char* at, const char* word) {
  for (; *word != 0; ++at, ++word)
    if ((*at | 0x20) != *word) return false;
  return true;
}

// What strtod takes, and JSON does not have.
bool is_invalid_number(const char* at) {
  if (*at == '+') return true;
  if (*at == '-') ++at;
  if (*at == '0') return (at[1] | 0x20) == 'x' || (at[1] >= '0' && at[1] <= '9');
  if (*at <= '9') return false;
  return begins_in_any_case(at, "inf") || begins_in_any_case(at, "nan");
}

Token number(Input& in) {
  const std::int64_t began = in.at - in.data;
  char* end;
  const double value = std::strtod(in.at, &end);
  if (end == in.at) return failed(in, "invalid number");
  in.at = end;
  return {Kind::NUMBER, began, value, false, nullptr};
}

Token word(Input& in, Kind kind, int length, bool boolean = false) {
  const std::int64_t began = in.at - in.data;
  in.at += length;
  return {kind, began, 0, boolean, nullptr};
}

Token next(lua_State* L, Input& in) {
  while (*in.at == ' ' || *in.at == '\t' || *in.at == '\n' || *in.at == '\r') ++in.at;
  const char c = *in.at;
  switch (c) {
    case 0:
      return word(in, Kind::END, 0);
    case '{':
      return word(in, Kind::OBJ_BEGIN, 1);
    case '}':
      return word(in, Kind::OBJ_END, 1);
    case '[':
      return word(in, Kind::ARR_BEGIN, 1);
    case ']':
      return word(in, Kind::ARR_END, 1);
    case ':':
      return word(in, Kind::COLON, 1);
    case ',':
      return word(in, Kind::COMMA, 1);
    case '"':
      return string(L, in);
    default:
      break;
  }
  if (c == '-' || (c >= '0' && c <= '9')) {
    if (in.set.decode_invalid == 0 && is_invalid_number(in.at)) return failed(in, "invalid number");
    return number(in);
  }
  if (begins(in.at, "true")) return word(in, Kind::BOOLEAN, 4, true);
  if (begins(in.at, "false")) return word(in, Kind::BOOLEAN, 5);
  if (begins(in.at, "null")) return word(in, Kind::NULL_VALUE, 4);
  const bool may_be = c == '+' || c == 'i' || c == 'I' || c == 'n' || c == 'N';
  if (may_be && in.set.decode_invalid != 0 && is_invalid_number(in.at)) return number(in);
  return failed(in, "invalid token");
}

// ---- values ---------------------------------------------------------------------------------------------------------

[[noreturn]] void refuse(lua_State* L, const char* expected, const Token& token) {
  const char* found = token.kind == Kind::ERROR ? token.error : NAMES[static_cast<int>(token.kind)];
  luaL_error(L, "Expected %s but found %s at character %d", expected, found, static_cast<int>(token.at + 1));
  __builtin_unreachable();
}

void descend(lua_State* L, Input& in, int places) {
  if (++in.depth <= in.set.decode_depth && lua_checkstack(L, places) != 0) return;
  luaL_error(L, "Found too many nested data structures (%d) at character %d", in.depth,
             static_cast<int>(in.at - in.data));
}

void value(lua_State* L, Input& in, const Token& token);

void object(lua_State* L, Input& in) {
  descend(L, in, 3);
  lua_newtable(L);
  Token token = next(L, in);
  if (token.kind != Kind::OBJ_END) {
    for (;;) {
      if (token.kind != Kind::STRING) refuse(L, "object key string", token);
      lua_pushlstring(L, in.set.text.data == nullptr ? "" : in.set.text.data, in.set.text.length);
      token = next(L, in);
      if (token.kind != Kind::COLON) refuse(L, "colon", token);
      value(L, in, next(L, in));
      lua_rawset(L, -3);
      token = next(L, in);
      if (token.kind == Kind::OBJ_END) break;
      if (token.kind != Kind::COMMA) refuse(L, "comma or object end", token);
      token = next(L, in);
    }
  }
  --in.depth;
}

void array(lua_State* L, Input& in) {
  descend(L, in, 2);
  lua_newtable(L);
  Token token = next(L, in);
  if (token.kind != Kind::ARR_END) {
    for (int i = 1;; ++i) {
      value(L, in, token);
      lua_rawseti(L, -2, i);
      token = next(L, in);
      if (token.kind == Kind::ARR_END) break;
      if (token.kind != Kind::COMMA) refuse(L, "comma or array end", token);
      token = next(L, in);
    }
  }
  --in.depth;
}

void value(lua_State* L, Input& in, const Token& token) {
  switch (token.kind) {
    case Kind::STRING:
      return lua_pushlstring(L, in.set.text.data == nullptr ? "" : in.set.text.data, in.set.text.length);
    case Kind::NUMBER:
      return lua_pushnumber(L, token.number);
    case Kind::BOOLEAN:
      return lua_pushboolean(L, token.boolean ? 1 : 0);
    case Kind::OBJ_BEGIN:
      return object(L, in);
    case Kind::ARR_BEGIN:
      return array(L, in);
    case Kind::NULL_VALUE:
      return lua_pushlightuserdata(L, nullptr);
    default:
      refuse(L, "value", token);
  }
}

}  // namespace

int decode(lua_State* L) {
  luaL_argcheck(L, lua_gettop(L) == 1, 1, "expected 1 argument");
  std::size_t length;
  const char* data = luaL_checklstring(L, 1, &length);
  if (length >= 2 && (data[0] == 0 || data[1] == 0)) luaL_error(L, "JSON parser does not support UTF-16 or UTF-32");
  Input in{data, data, settings(L), 0};
  value(L, in, next(L, in));
  const Token last = next(L, in);
  if (last.kind != Kind::END) refuse(L, "the end", last);
  return 1;
}

namespace {

// cjson.new: a library with settings of its own.
int open(lua_State* L) {
  lua_newtable(L);
  const auto add = [L](const luaL_Reg& one) {
    lua_pushvalue(L, -1);
    lua_pushcclosure(L, one.func, 1);
    lua_setfield(L, -3, one.name);
  };
  new_settings(L);
  for (const luaL_Reg* one = SETTERS; one->name != nullptr; ++one) add(*one);
  add({"encode", encode});
  add({"decode", decode});
  lua_pop(L, 1);
  lua_pushcfunction(L, open);
  lua_setfield(L, -2, "new");
  lua_pushlightuserdata(L, nullptr);
  lua_setfield(L, -2, "null");
  lua_pushliteral(L, "cjson");
  lua_setfield(L, -2, "_NAME");
  lua_pushliteral(L, "2.1.0");
  lua_setfield(L, -2, "_VERSION");
  return 1;
}

}  // namespace
}  // namespace cjson

int open_cjson(lua_State* L) { return cjson::open(L); }

}  // namespace demi::script
