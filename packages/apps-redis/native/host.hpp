// The server, as scripts see it: memory that both sides look into, and one call with which a script asks it for something.
#pragma once

#include <cstddef>
#include <cstdint>

namespace demi::script {

// What control words say; src/scripting/shared.ts has the same numbers.
enum Control : std::uint32_t {
  OPERATION,     // what the server is asked for
  COUNT,         // arguments in the table
  KEYS,          // of them, keys: of a run
  FUNCTION,      // what runs: a reference into Lua's registry
  IS_EVAL,       // it is a script, and no function
  CLIENT_RESP,   // whose reply is written
  SCRIPT_RESP,   // redis.setresp
  REPLICATION,   // redis.set_repl
  REPLY_LENGTH,  // of the command that ran
  OUT_LENGTH,    // of the script's reply
  THRESHOLD,     // milliseconds after which the server is told that it is slow; 0: never
  ANSWER,        // of the server to what it was asked
  CONTROL_WORDS,
};

enum class Operation : std::int32_t {
  CALL,        // runs the command that the arguments are; its reply is there after it
  ACL,         // whether the user may run it; ANSWER: 0 no, 1 yes, -1 there is no such command
  SLOW,        // time is over; ANSWER: 1 the script is to end
  GROW_TABLE,  // COUNT words are needed
  GROW_BYTES,  // COUNT bytes
  GROW_OUT,
  LOG,    // arguments: the level, the text
  ERROR,  // the reply has an error; COUNT: where it begins, -1: it has been counted already
};

// Pieces of memory that the server has, and replaces when it is asked for more.
struct Piece {
  std::uint8_t* data = nullptr;
  std::size_t size = 0;
};

class Host {
 public:
  virtual ~Host() = default;
  // False: the server could not; there is no memory for it.
  virtual bool ask(Operation operation) = 0;

  std::int32_t* control = nullptr;
  // Of each argument, where it begins among the bytes and how long it is.
  Piece table;
  Piece bytes;
  Piece out;
  // The reply of the command that ran.
  Piece reply;
};

}  // namespace demi::script
