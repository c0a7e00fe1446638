/** A {@link Link} over a TCP queue of a libOS. */
import { AsyncResource } from "node:async_hooks";
import { errnoOf, type QueueDescriptor, type Sga } from "@demikernel/core";
import { systemError } from "./errors.js";
import { takeOut } from "./incoming.js";
import {
  active,
  type Chunk,
  type Done,
  ended,
  failed,
  gone,
  type Link,
  type LinkUser,
  type Name,
  type ReadInto,
  received,
} from "./link.js";
import { errnoFrom, mapped, nameOf } from "./names.js";
import { Outgoing, type Piece } from "./outgoing.js";
import type { QueueUser, Stack } from "./stack.js";
import { UserBuffer } from "./user-buffer.js";

/** Who sends so many bytes at once is popped more at a time, so that a stream does not come in small pieces. */
const MUCH = 4096;
const LARGE_POP = 64 * 1024;
/** Pops of few bytes after which it is back to the usual. */
const SMALL_POPS = 16;
const ENOTCONN = errnoOf("ENOTCONN");
const EAGAIN = errnoOf("EAGAIN");
const ECANCELED = errnoOf("ECANCELED");

export class QueueLink implements Link, QueueUser {
  readonly isPipe = false;
  isReading = false;
  bytesRead = 0;
  private userBuffer: UserBuffer | undefined;
  private readonly outgoing: Outgoing;
  private isPopping = false;
  private isEnded = false;
  private isClosed = false;
  private isReferenced = true;
  private isHeld = false;
  private popLimit = 0;
  private smallPops = 0;
  private finishing: Done | undefined;
  private connected: ((errno: number) => void) | undefined;
  private peer: Name | undefined;
  private local: Name | undefined;

  /** Of a queue that is nobody's. `user` is told what happens. */
  constructor(
    private readonly stack: Stack,
    readonly qd: QueueDescriptor,
    private readonly user: LinkUser,
    /** Its IPv4 names are to look as IPv6's do (RFC 4291 section 2.5.5.2): of who listens on both. */
    private readonly isMapped = false,
  ) {
    this.outgoing = new Outgoing(stack.os, qd, () => stack.awaitMemory(this.goOn));
    stack.attach(qd, this);
  }

  get bytesWritten(): number {
    return this.outgoing.taken;
  }

  get unsent(): number {
    return this.outgoing.unsent;
  }

  /** Throws what connecting fails with at once; else `done` with 0 or a negative errno. */
  connect(host: string, port: number, done: (errno: number) => void): void {
    this.connected = done;
    this.stack.os.connect(this.qd, { host, port });
    this.keep();
  }

  onConnect(result: number): void {
    const { connected } = this;
    this.connected = undefined;
    connected?.(result);
    this.keep();
  }

  onAccept(): void {}

  onGone(): void {
    if (!this.isClosed) this.user[gone]();
  }

  set into(given: ReadInto | undefined) {
    this.userBuffer = given && new UserBuffer(given);
  }

  // ---- reading ---------------------------------------------------------------------------------------------------------

  readStart(): void {
    this.isReading = true;
    const held = this.userBuffer?.release();
    if (held === undefined) {
      this.pop();
    } else {
      // As all that is read: not within the call.
      setImmediate(() => {
        if (this.isClosed) {
          if (held.sga !== 0 && !this.stack.os.closed) this.stack.os.free(held.sga);
        } else {
          this.onPop(held.result, held.sga);
        }
      });
      this.isPopping = true;
    }
    this.keep();
  }

  readStop(): void {
    this.isReading = false;
    this.keep();
  }

  private pop(): void {
    if (this.isPopping || this.isEnded || this.isClosed) return;
    try {
      const limit = this.userBuffer === undefined ? this.popLimit : this.userBuffer.room;
      this.stack.os.pop(this.qd, limit);
      this.isPopping = true;
    } catch (error) {
      const errno = errnoFrom(error);
      // The libOS takes no more operations now, of anybody.
      if (errno === EAGAIN) this.stack.awaitMemory(this.popAgain);
      // Told later, as what a device answers.
      else setImmediate(() => this.fail(errno, "read"));
    }
  }

  private readonly popAgain = (): void => {
    if (this.isReading) this.pop();
  };

  onPop(result: number, sga: Sga): void {
    this.isPopping = false;
    if (this.userBuffer !== undefined && !this.isReading) {
      this.userBuffer.held = { result, sga };
      return;
    }
    if (sga === 0) {
      if (result === 0) this.end();
      else this.fail(result, "read");
      return;
    }
    this.bytesRead += result;
    let wantsMore = true;
    try {
      if (this.userBuffer === undefined) {
        this.sizeUp(result);
        wantsMore = this.user[received](takeOut(this.stack.os, sga, result));
      } else {
        wantsMore = this.readInto(this.userBuffer, sga, result);
      }
    } finally {
      // Though a listener has thrown.
      if (!wantsMore) this.readStop();
      else if (this.isReading) this.pop();
    }
  }

  private readInto(userBuffer: UserBuffer, sga: Sga, length: number): boolean {
    const { os } = this.stack;
    const at = os.sga.offset(sga);
    const buffer = userBuffer.fill(os.sga.view(sga).subarray(at, at + length));
    os.free(sga);
    this.user[active]();
    return userBuffer.tell(this.user, length, buffer);
  }

  private sizeUp(bytes: number): void {
    if (bytes >= MUCH) {
      this.popLimit = LARGE_POP;
      this.smallPops = 0;
    } else if (this.popLimit !== 0 && ++this.smallPops === SMALL_POPS) {
      this.popLimit = 0;
      this.smallPops = 0;
    }
  }

  private end(): void {
    this.isEnded = true;
    this.user[ended]();
    this.keep();
  }

  // ---- writing ---------------------------------------------------------------------------------------------------------

  write(chunk: Chunk, encoding: BufferEncoding, done: Done): void {
    try {
      this.outgoing.send(chunk, encoding, done);
    } catch (error) {
      this.refused(error, done);
    }
    this.keep();
  }

  writev(chunks: readonly Piece[], done: Done): void {
    try {
      this.outgoing.sendAll(chunks, done);
    } catch (error) {
      this.refused(error, done);
    }
    this.keep();
  }

  private refused(error: unknown, done: Done): void {
    const errno = errnoFrom(error);
    this.outgoing.forget();
    done(systemError(errno, "write"));
  }

  onPush(result: number): void {
    if (result < 0) {
      this.fail(result, "write");
      return;
    }
    this.user[active]();
    // Somebody hears of it.
    if (this.outgoing.isWaiting) this.stack.giveWay();
    try {
      this.outgoing.ended(result);
    } finally {
      // Though a write's callback has thrown.
      this.finish();
      this.keep();
    }
  }

  private readonly goOn = (): void => {
    if (this.isClosed) return;
    try {
      this.outgoing.goOn();
    } catch (error) {
      this.fail(errnoFrom(error), "write");
    } finally {
      this.finish();
    }
  };

  shutdown(done: Done): void {
    // What was written leaves by a completion: told in the name of who ends.
    this.finishing = this.outgoing.isIdle ? done : AsyncResource.bind(done);
    this.finish();
  }

  private finish(): void {
    if (this.finishing === undefined || !this.outgoing.isIdle) return;
    // As libuv does it, in a later turn of the loop: who is told of the peer's end finds its name still there.
    this.stack.giveWay();
    setImmediate(() => this.endWriting());
  }

  private endWriting(): void {
    const { finishing } = this;
    if (finishing === undefined) return;
    this.finishing = undefined;
    try {
      this.stack.os.shutdown(this.qd);
    } catch (error) {
      const errno = errnoFrom(error);
      // The connection is gone, or the libOS: nothing is left to end.
      finishing(errno === ENOTCONN || this.stack.os.closed ? null : systemError(errno, "shutdown"));
      return;
    }
    finishing();
  }

  // ---- end -------------------------------------------------------------------------------------------------------------

  private fail(errno: number, syscall: string): void {
    if (this.isClosed || errno === ECANCELED) return;
    this.user[failed](errno, syscall);
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.isReading = false;
    this.keep();
    this.stack.close(this.qd);
    this.outgoing.forget()?.(null);
    const { finishing } = this;
    this.finishing = undefined;
    if (finishing !== undefined) setImmediate(finishing);
    const held = this.userBuffer?.release();
    if (held !== undefined && held.sga !== 0 && !this.stack.os.closed) this.stack.os.free(held.sga);
  }

  reset(): void {
    if (this.isClosed) return;
    try {
      this.stack.os.setsockopt(this.qd, "linger", 0);
    } catch {
      // What cannot be told to go at once goes as it does.
    }
    this.close();
  }

  ref(): void {
    this.isReferenced = true;
    this.keep();
  }

  unref(): void {
    this.isReferenced = false;
    this.keep();
  }

  /** As libuv: what neither reads nor has something under way keeps no process, so an end that nobody waits for is none of its reasons. */
  private keep(): void {
    const isActive = (this.isReading && !this.isEnded) || !this.outgoing.isIdle || this.connected !== undefined;
    const keeps = isActive && this.isReferenced && !this.isClosed;
    if (keeps === this.isHeld) return;
    this.isHeld = keeps;
    if (keeps) this.stack.hold();
    else this.stack.release();
  }

  // ---- options and names -----------------------------------------------------------------------------------------------

  setNoDelay(on: boolean): void {
    this.setOption("nodelay", on);
  }

  setKeepAlive(on: boolean): void {
    this.setOption("keepalive", on);
  }

  private setOption(name: "nodelay" | "keepalive", on: boolean): void {
    if (this.isClosed) return;
    try {
      this.stack.os.setsockopt(this.qd, name, on);
    } catch {
      // As node:net, which does not look at what it is answered.
    }
  }

  localName(): Name | undefined {
    this.local ??= this.name("getsockname");
    return this.local;
  }

  peerName(): Name | undefined {
    this.peer ??= this.name("getpeername");
    return this.peer;
  }

  private name(which: "getsockname" | "getpeername"): Name | undefined {
    if (this.isClosed) return undefined;
    try {
      const name = nameOf(this.stack.os[which](this.qd));
      return this.isMapped ? mapped(name) : name;
    } catch {
      return undefined;
    }
  }
}
