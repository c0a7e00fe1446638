/** What bytes of RDB mean, version 10: https://rdb.fnordig.de/file_format.html, and as redis-server 7.0 writes and reads them. */

export const RDB_VERSION = 10;

/** The first byte of a value. */
export const RdbType = {
  STRING: 0,
  LIST: 1,
  SET: 2,
  ZSET: 3,
  HASH: 4,
  ZSET_2: 5,
  HASH_ZIPMAP: 9,
  LIST_ZIPLIST: 10,
  SET_INTSET: 11,
  ZSET_ZIPLIST: 12,
  HASH_ZIPLIST: 13,
  LIST_QUICKLIST: 14,
  STREAM_LISTPACKS: 15,
  HASH_LISTPACK: 16,
  ZSET_LISTPACK: 17,
  LIST_QUICKLIST_2: 18,
  STREAM_LISTPACKS_2: 19,
} as const;

/** The first byte of what is no value, between the keys of a file. */
export const RdbOpcode = {
  /** A library of functions, as FUNCTION LOAD had it. */
  FUNCTION_2: 245,
  /** The same by a release candidate of 7.0. */
  FUNCTION_OLD: 246,
  MODULE_AUX: 247,
  /** Of the next key: seconds it has not been used, and a counter of LFU. */
  IDLE: 248,
  FREQUENCY: 249,
  /** What the writer says of itself: two strings. */
  AUX: 250,
  /** Keys of the database that follows, and how many of them expire. */
  RESIZE_DB: 251,
  EXPIRY_MILLISECONDS: 252,
  EXPIRY_SECONDS: 253,
  SELECT_DB: 254,
  END: 255,
} as const;

/** What a file begins with; four digits of the version follow. */
export const MAGIC = "REDIS";

/** The upper two bits of a length's first byte. */
export const Length = { BITS_6: 0, BITS_14: 1, WIDE: 2, ENCODED: 3 } as const;
export const WIDE_32 = 0x80;
export const WIDE_64 = 0x81;
/** The lower six bits of one that is a string of another form. */
export const Encoded = { INT8: 0, INT16: 1, INT32: 2, LZF: 3 } as const;

/** Nodes of a quicklist: one large element, or a listpack. */
export const Container = { PLAIN: 1, PACKED: 2 } as const;

/** Thrown where bytes of whoever sent them are not what they have to be. */
export class BadFormat extends Error {}

/** Thrown for a value that has no elements, and nothing else that is wrong: Redis left such keys in files at times, and passes over them. */
export class EmptyValue extends BadFormat {}
