/**
 * A libOS whose queues are sockets: opened once a thread, driven by its run loop, each completion given to the queue's user. Node's loop has
 * its turn after every batch that brought something, so that promises and process.nextTick() run as behind node:net.
 */
import {
  type Completion,
  type LibOS,
  type LibOSOptions,
  Opcode,
  openLibOS,
  type QueueDescriptor,
  type QueueToken,
  type Sga,
} from "@demikernel/core";

/** Who has a queue. */
export interface QueueUser {
  onPop(result: number, sga: Sga): void;
  onPush(result: number, qt: QueueToken): void;
  onConnect(result: number): void;
  onAccept(result: number, qd: QueueDescriptor): void;
  /** The libOS has ended, and the queue with it: nothing more is told. */
  onGone(): void;
}

export class Stack {
  private readonly users = new Map<QueueDescriptor, QueueUser>();
  /** Who waits for memory of the arena, or to begin an operation. */
  private readonly waiting = new Set<() => void>();
  /** What keeps the process alive. */
  private holds = 0;
  private isClosed = false;

  /** `isShared`: the application runs the libOS, and gives what is ours to {@link take}. */
  constructor(
    readonly os: LibOS,
    private readonly isShared = false,
  ) {
    if (isShared) return;
    os.unref();
    os.run(this.dispatch).catch((error: unknown) => {
      process.nextTick(throwIt, error);
    });
  }

  /** Also when the application has destroyed a libOS that is shared. */
  private get isOver(): boolean {
    return this.isClosed || this.os.closed;
  }

  /** What is left to promises and process.nextTick() is to run soon: {@link LibOS.giveWay}. */
  giveWay(): void {
    this.os.giveWay();
  }

  get name(): string {
    return this.os.name;
  }

  attach(qd: QueueDescriptor, user: QueueUser): void {
    this.users.set(qd, user);
  }

  /** Closes the queue; its user is told nothing more. */
  close(qd: QueueDescriptor): void {
    if (!this.users.delete(qd) || this.isOver) return;
    this.os.close(qd);
  }

  /** Closes the queue; its user is told how what it began ends, until {@link detach}. */
  endQueue(qd: QueueDescriptor): void {
    if (!this.isOver) this.os.close(qd);
  }

  /** The user of a queue that is closed is told nothing more. */
  detach(qd: QueueDescriptor): void {
    this.users.delete(qd);
  }

  /** A reason for the process to stay; {@link release} takes it back. */
  hold(): void {
    if (this.holds++ === 0 && !this.isClosed && !this.isShared) this.os.ref();
  }

  release(): void {
    if (--this.holds === 0 && !this.isClosed && !this.isShared) this.os.unref();
  }

  /** Calls when there may be memory again, or room for an operation. */
  awaitMemory(goOn: () => void): void {
    this.waiting.add(goOn);
  }

  /** A completion of a shared libOS. False: it is none of a socket's. */
  readonly take = (event: Completion): boolean => {
    if (!this.users.has(event.qd)) {
      // What is freed or closed for others may be what somebody here waits for.
      if (this.waiting.size !== 0) this.goOn();
      return false;
    }
    this.dispatch(event);
    return true;
  };

  private readonly dispatch = (event: Completion): void => {
    try {
      this.handOut(event);
    } catch (error) {
      // What a listener throws is told as an uncaught exception: who handles these finds the other connections alive.
      process.nextTick(throwIt, error);
    }
    if (this.waiting.size !== 0) this.goOn();
  };

  private handOut(event: Completion): void {
    const { opcode, qd, result } = event;
    if (opcode !== Opcode.PUSH) this.os.giveWay();
    const user = this.users.get(qd);
    if (user === undefined) {
      // Nobody has it any more.
      if (opcode === Opcode.POP && event.sga !== 0) this.os.free(event.sga);
      else if (opcode === Opcode.ACCEPT && event.newQd !== 0) this.os.close(event.newQd);
      return;
    }
    switch (opcode) {
      case Opcode.POP:
        user.onPop(result, event.sga);
        break;
      case Opcode.PUSH:
        user.onPush(result, event.qt);
        break;
      case Opcode.CONNECT:
        user.onConnect(result);
        break;
      default:
        user.onAccept(result, event.newQd);
    }
  }

  private goOn(): void {
    const all = [...this.waiting];
    this.waiting.clear();
    for (const goOn of all) {
      try {
        goOn();
      } catch (error) {
        // A write's callback may be told in it.
        process.nextTick(throwIt, error);
      }
    }
  }

  destroy(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    const users = [...this.users.values()];
    const queues = [...this.users.keys()];
    this.users.clear();
    this.waiting.clear();
    if (!this.isShared) this.os.destroy();
    else if (!this.os.closed) for (const qd of queues) this.os.close(qd);
    // Not within a listener of theirs.
    setImmediate(() => users.forEach(tellGone));
  }
}

function tellGone(user: QueueUser): void {
  try {
    user.onGone();
  } catch (error) {
    process.nextTick(throwIt, error);
  }
}

function throwIt(error: unknown): never {
  throw error;
}

let opening: Promise<Stack> | undefined;
let opened: Stack | undefined;

/**
 * Opens this thread's libOS, as openLibOS() of core does, for all sockets and servers from now on. Without it the first of them does so, with what LIBOS and
 * DEMI_CONFIG say. Throws EALREADY when it is open.
 */
export async function open(options?: LibOSOptions): Promise<LibOS> {
  if (opening !== undefined) {
    throw Object.assign(new Error("this thread's libOS is open already"), { code: "EALREADY" });
  }
  return (await start(options)).os;
}

/**
 * Has all sockets and servers from now on go through a libOS that the application has opened and runs itself, beside queues of its own. Returns what its
 * handler gives completions to: true for those of sockets. It may be given all, or those that the application does not know. {@link close} closes the
 * sockets, and not the libOS. Throws EALREADY when this thread has a libOS for them already.
 */
export function share(os: LibOS): (event: Completion) => boolean {
  if (opening !== undefined) {
    throw Object.assign(new Error("this thread's libOS is open already"), { code: "EALREADY" });
  }
  opened = new Stack(os, true);
  opening = Promise.resolve(opened);
  return opened.take;
}

/** This thread's, opened when it is needed first. */
export function defaultStack(): Promise<Stack> {
  return opening ?? start();
}

/** As defaultStack(), if it is open. */
export function openStack(): Stack | undefined {
  return opened;
}

/**
 * Gives it to `use`: now, if it is open, else when it is, or tells `failed` why not: then in a turn of their own, since what a listener throws
 * there is nobody's rejection.
 */
export function withStack(use: (stack: Stack) => void, failed: (error: Error) => void): void {
  if (opened !== undefined) {
    use(opened);
    return;
  }
  defaultStack().then(
    (stack) => setImmediate(use, stack),
    (error: Error) => setImmediate(failed, error),
  );
}

function start(options?: LibOSOptions): Promise<Stack> {
  const begun = openLibOS(options).then((os) => {
    if (opening !== begun) {
      os.destroy();
      throw Object.assign(new Error("the libOS was closed while it was being opened"), { code: "ECANCELED" });
    }
    opened = new Stack(os);
    return opened;
  });
  opening = begun;
  // The next one who needs it tries again.
  begun.catch(() => {
    if (opening === begun) opening = undefined;
  });
  return begun;
}

/** Ends this thread's libOS: its sockets are destroyed and its servers closed, soon, and the next use opens another. */
export function close(): void {
  opened?.destroy();
  opened = undefined;
  opening = undefined;
}
