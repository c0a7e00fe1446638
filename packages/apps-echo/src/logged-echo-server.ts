/**
 * An echo server that first makes every message durable: each is appended to a log, and sent back when the log has it. What the SOSP '21
 * Demikernel paper measures as an echo with synchronous logging.
 */
import {
  type Completion,
  errorName,
  type LibOS,
  Opcode,
  PushFlag,
  type QueueDescriptor,
  type QueueToken,
  type Sga,
} from "@demikernel/core";
import { type Served, serveNext } from "./served.js";

/** Appends under way at a time: as many as a log takes. Of further connections each waits with the message that it has. */
const MOST_APPENDS = 1024;

/** A message, from the socket it was popped from on its way through the log. */
interface Message {
  readonly qd: QueueDescriptor;
  readonly sga: Sga;
}

/** Counters of the log's part, and whom to tell of a failure. */
export class Logged {
  messages = 0;
  bytes = 0;
  /** Messages that could not be appended: their connections were closed. */
  refused = 0;
  readonly #told = new Set<number>();

  constructor(readonly tell: (sentence: string) => void) {}

  refuse(result: number): void {
    this.refused++;
    // A full device refuses many: once for each reason.
    if (this.#told.has(result)) return;
    this.#told.add(result);
    this.tell(`a message could not be appended (${errorName(result)}): it is not echoed, and its connection is closed`);
  }
}

/**
 * As serveConnections(), with an append between pop and push. The popped sga itself is pushed to the log and then to the socket: its bytes lie
 * where the device put them until they have been sent. A connection still has one message at most, so its replies keep their order and a peer
 * that sends faster than the disk writes is not read from; messages of many connections share commits.
 */
export function serveLogged(
  os: LibOS,
  listener: QueueDescriptor,
  log: QueueDescriptor,
  served: Served,
  logged: Logged,
): Promise<void> {
  const appending = new Map<QueueToken, Message>();
  const waiting: Message[] = [];
  const append = (message: Message): void => {
    if (appending.size === MOST_APPENDS) waiting.push(message);
    // Not given away: it is sent back from where it lies.
    else appending.set(os.push(log, message.sga), message);
  };
  const end = (qd: QueueDescriptor): void => {
    served.connections.delete(qd);
    os.close(qd);
  };
  const appended = ({ qt, result }: Completion): void => {
    const { qd, sga } = appending.get(qt) as Message;
    appending.delete(qt);
    const next = waiting.shift();
    if (next !== undefined) append(next);
    if (result < 0) {
      logged.refuse(result);
      os.free(sga);
      end(qd);
      return;
    }
    logged.messages++;
    logged.bytes += result;
    os.push(qd, sga, PushFlag.FREE);
  };
  os.accept(listener);
  return os.run((event: Completion) => {
    if (event.opcode === Opcode.ACCEPT) {
      serveNext(os, listener, served, event);
    } else if (event.qd === log) {
      appended(event);
    } else if (event.result < 0 || (event.opcode === Opcode.POP && event.sga === 0)) {
      end(event.qd);
    } else if (event.opcode === Opcode.POP) {
      append({ qd: event.qd, sga: event.sga });
    } else {
      served.messages++;
      served.bytes += event.result;
      os.pop(event.qd);
    }
  });
}
