import type { SocketAddress } from "./address.js";
import type { Sga } from "./names.js";

/** What is in an sga: `os.sga`. All throw EINVAL for one that is not the application's. */
export interface SgaCalls {
  /** An sga holding a copy of the data: alloc and set in one. */
  from(data: Uint8Array | string): Sga;
  /** Copies all segments out, into a fresh Buffer that the garbage collector owns. */
  copy(sga: Sga): Buffer;
  /** Bytes over all segments. */
  length(sga: Sga): number;
  segments(sga: Sga): number;
  segmentLength(sga: Sga, segment?: number): number;
  /** The bytes of one segment as a view on the arena: valid until the sga is freed or pushed away. */
  bytes(sga: Sga, segment?: number): Uint8Array;
  /**
   * The whole slot behind a segment, a view made once per slot: nothing is allocated. The segment's bytes are
   * `view[offset(sga)]` on, `segmentLength(sga)` of them.
   */
  view(sga: Sga, segment?: number): Uint8Array;
  /** Where the segment starts in its {@link view}. */
  offset(sga: Sga, segment?: number): number;
  /** Makes the segment shorter: bytes `offset` to `offset + length` of what it is now. */
  trim(sga: Sga, offset: number, length: number, segment?: number): void;
  /** The address a datagram came from; undefined when it carries none. */
  address(sga: Sga): SocketAddress | undefined;
}
