/** What the records of a log are that is an append-only file. */

/** The first byte of a record. */
export const Record = {
  /** A piece of the commands that were appended. */
  COMMANDS: 0x63,
  /** A base begins: its number follows, in four bytes, the lowest first. Commands from here on are on top of it. */
  BEGIN: 0x42,
  /** A piece of a base: its number, and bytes of an RDB file. */
  BASE: 0x62,
  /** All of a base was written: its number. */
  END: 0x45,
} as const;
export const NUMBER_BYTES = 4;
