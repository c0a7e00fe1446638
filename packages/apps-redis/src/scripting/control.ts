/** What both sides of the addon know each other by: the numbers of native/host.hpp. */

/** Of control words. */
export const Control = {
  OPERATION: 0,
  COUNT: 1,
  KEYS: 2,
  FUNCTION: 3,
  IS_EVAL: 4,
  CLIENT_RESP: 5,
  SCRIPT_RESP: 6,
  REPLICATION: 7,
  REPLY_LENGTH: 8,
  OUT_LENGTH: 9,
  THRESHOLD: 10,
  ANSWER: 11,
  WORDS: 12,
} as const;

/** What a script asks the server for. */
export const Operation = {
  CALL: 0,
  ACL: 1,
  SLOW: 2,
  GROW_TABLE: 3,
  GROW_BYTES: 4,
  GROW_OUT: 5,
  LOG: 6,
  ERROR: 7,
} as const;

/** Which memory is given. */
export const Piece = { TABLE: 0, BYTES: 1, OUT: 2, REPLY: 3 } as const;

/** redis.set_repl. */
export const REPLICATE_ALL = 3;
