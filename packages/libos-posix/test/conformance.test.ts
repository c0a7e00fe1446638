import { type ConformanceTarget, conformance, conformanceInWorker, conformanceWhere } from "@demikernel/conformance";
// @ts-expect-error: plain JavaScript, so that a Worker can import it as it is.
import { target as epoll } from "./epoll-target.mjs";
// @ts-expect-error: as above
import { target as uring } from "./io-uring-target.mjs";

// Both engines are in one addon: epoll, which every machine has, tests its runtime.
conformance(epoll as ConformanceTarget);
conformanceInWorker(epoll as ConformanceTarget);
// io_uring may be switched off.
await conformanceWhere(uring as ConformanceTarget, { on: "queues", inWorker: true });
