/** The whole suite, one entry per topic: the executable form of the contract in docs/architecture.md. */
import type { ConformanceCase } from "./case.js";
import { asyncCalls } from "./cases/async.js";
import { aborting } from "./cases/async-abort.js";
import { closeDelivers } from "./cases/close-delivers.js";
import { combinators } from "./cases/combinators.js";
import { combinatorEnds } from "./cases/combinators-end.js";
import { files } from "./cases/files.js";
import { handlerFaults } from "./cases/handler-faults.js";
import { durableLogs, logs } from "./cases/logs.js";
import { loopModes } from "./cases/loop-modes.js";
import { randomEnds } from "./cases/random-ends.js";
import { order } from "./cases/rule1-order.js";
import { ownership } from "./cases/rule2-push-ownership.js";
import { shortWrites } from "./cases/rule2-short-writes.js";
import { framing } from "./cases/rule3-framing.js";
import { popping } from "./cases/rule3-pop.js";
import { cancelling } from "./cases/rule4-cancel.js";
import { closing } from "./cases/rule4-close.js";
import { stale } from "./cases/rule4-stale.js";
import { bounds } from "./cases/rule5-bounds.js";
import { memoryBounds } from "./cases/rule5-memory.js";
import { errors } from "./cases/rule6-errors.js";
import { socketErrors } from "./cases/rule6-sockets.js";
import { lifetime } from "./cases/rule7-lifetime.js";
import { threads } from "./cases/rule7-threads.js";
import { runLoop } from "./cases/run-loop.js";
import { sgas } from "./cases/sga.js";
import { shutdowns } from "./cases/shutdown.js";
import { soak } from "./cases/soak.js";
import { sockets } from "./cases/sockets.js";
import { hostSockets } from "./cases/sockets-host.js";
import { twoEngines } from "./cases/two-engines.js";
import { datagrams } from "./cases/udp.js";
import { waiting } from "./cases/wait.js";

export const suite: readonly ConformanceCase[] = [
  ...sgas,
  ...order,
  ...ownership,
  ...shortWrites,
  ...popping,
  ...framing,
  ...closing,
  ...closeDelivers,
  ...cancelling,
  ...shutdowns,
  ...randomEnds,
  ...stale,
  ...bounds,
  ...memoryBounds,
  ...errors,
  ...socketErrors,
  ...lifetime,
  ...threads,
  ...waiting,
  ...asyncCalls,
  ...aborting,
  ...runLoop,
  ...handlerFaults,
  ...loopModes,
  ...sockets,
  ...hostSockets,
  ...datagrams,
  ...files,
  ...logs,
  ...durableLogs,
  ...combinators,
  ...combinatorEnds,
  ...twoEngines,
  ...soak,
];
