/** What must not compile, one error a marked line: tsc runs over it in lint, and calls an expected error that does not come one. */
import { type Completion, type LibOS, Opcode, openLibOS, type QueueDescriptor, type Sga } from "@demikernel/core";

export function names(os: LibOS, qd: QueueDescriptor, sga: Sga): void {
  // @ts-expect-error a queue is no memory
  os.free(qd);
  // @ts-expect-error memory is no queue
  os.pop(sga);
  // @ts-expect-error the two are in the wrong order
  os.push(sga, qd);
  // @ts-expect-error a queue is no token
  os.wait(qd);
  // @ts-expect-error a token is no queue
  os.close(os.pop(qd));
  // @ts-expect-error any number is no queue
  os.close(7);
  // @ts-expect-error a queue has no bytes
  os.sga.bytes(qd);
  // @ts-expect-error the function gives a length, not an sga
  os.map(qd, (each) => os.sga.length(each));
}

export function completions(os: LibOS, qd: QueueDescriptor, done: Completion): void {
  // @ts-expect-error only an accept brings a queue: look at the opcode first
  os.close(done.newQd);
  // @ts-expect-error only a pop brings memory
  os.free(done.sga);
  // @ts-expect-error a push brings nothing
  os.free(os.wait(os.push(qd, os.alloc(1))).sga);
  // @ts-expect-error of two tokens either may be the one
  os.free(os.waitAny([os.pop(qd), os.accept(qd)]).sga);
  // @ts-expect-error the second is an accept's
  os.free(os.waitAll([os.pop(qd), os.accept(qd)])[1].sga);
  // @ts-expect-error no opcode has this number
  if (done.opcode === 9) return;
  // @ts-expect-error completions are read, not written
  done.result = 0;
}

/** What does compile: the opcode, or the token, says what there is. */
export function told(os: LibOS, qd: QueueDescriptor, done: Completion): void {
  if (done.opcode === Opcode.ACCEPT) os.close(done.newQd);
  if (done.opcode === Opcode.POP) os.free(done.sga);
  os.free(os.wait(os.pop(qd)).sga);
  const [popped, accepted] = os.waitAll([os.pop(qd), os.accept(qd)]);
  os.free(popped.sga);
  os.close(accepted.newQd);
  const either = os.waitAny([os.pop(qd), os.accept(qd)]);
  if (either.opcode === Opcode.POP) os.free(either.sga);
}

export async function options(os: LibOS, qd: QueueDescriptor, sga: Sga): Promise<void> {
  // @ts-expect-error a port is a number
  os.bind(qd, { host: "127.0.0.1", port: "80" });
  // @ts-expect-error no such kind of socket
  os.socket("sctp");
  // @ts-expect-error no such framing
  os.socket("tcp", { framing: "telegram" });
  // @ts-expect-error this option is a switch
  os.setsockopt(qd, "nodelay", 1);
  // @ts-expect-error the promise forms take options, not flags
  await os.async.push(qd, sga, 1);
  // @ts-expect-error no such option
  await os.async.pop(qd, { limits: 5 });
  // @ts-expect-error no such loop
  await openLibOS({ libos: "memory", loop: "busy" });
  // @ts-expect-error the backend "memory" has no options
  await openLibOS({ libos: "memory", engine: "epoll" });
  // Of a backend that is not imported the compiler knows no options: openLibOS() checks them when it runs.
  await openLibOS({ libos: "posix", engine: "epoll", loop: "poll" });
  await openLibOS({ libos: "posix", posix: { engine: "epoll" }, storage: "spdk", spdk: { device: "0000:00:04.0" } });
  await openLibOS({ engine: "epoll" });
  const name: string = "posix";
  await openLibOS({ libos: name, engine: "epoll" });
}
