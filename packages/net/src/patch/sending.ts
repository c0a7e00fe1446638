/**
 * Sockets and servers that a process sends to another (`child.send(message, server)`): what the libOS has is of this process, and Node, which
 * takes it for a handle of the kernel's, would crash.
 */
import { ChildProcess } from "node:child_process";
import net from "node:net";
import { Listening } from "../listening.js";
import { Socket } from "../socket.js";

type Send = (message: unknown, ...more: unknown[]) => boolean;
interface Sender {
  send?: Send;
}

export function patchSending(): void {
  refuse(process as Sender);
  const prototype = ChildProcess.prototype as unknown as { spawn(this: Sender, ...args: unknown[]): unknown };
  const { spawn } = prototype;
  prototype.spawn = function (...args) {
    const result = spawn.apply(this, args);
    refuse(this);
    return result;
  };
}

function refuse(sender: Sender): void {
  const { send } = sender;
  if (send === undefined) return;
  sender.send = function (this: unknown, message, ...more) {
    if (isOfLibOS(more[0])) {
      throw Object.assign(
        new TypeError("This handle type cannot be sent: it is the libOS's, which is this process's own"),
        {
          code: "ERR_INVALID_HANDLE_TYPE",
        },
      );
    }
    return send.call(this, message, ...more);
  };
}

function isOfLibOS(handle: unknown): boolean {
  if (handle instanceof Socket) return true;
  return handle instanceof net.Server && (handle as unknown as { _handle: unknown })._handle instanceof Listening;
}
