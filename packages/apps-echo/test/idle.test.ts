/** Many idle connections beside busy ones: what an idle one costs, and that the busy ones do not pay for it. */
import { readFileSync } from "node:fs";
import { endAll, Program, reportIn, runClient, startServer } from "./program.js";

const WANTED = 10_000;
const BUSY = 64;
/** Descriptors a process needs for itself. */
const SPARE = 200;
/**
 * Most bytes of resident memory an idle connection may add: its queue, its token and its entries in the tables. Kernel socket
 * memory is not resident in the process.
 */
const BOUND = 4096;

// Not ours and small: a connection in Python is a descriptor and little else.
const HOLDER = `
import resource, socket, sys
port, count = int(sys.argv[1]), int(sys.argv[2])
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
held = []
for i in range(count):
    s = socket.socket()
    # Several source addresses: no single one runs out of ports.
    s.bind(("127.0.0.%d" % (2 + i % 4), 0))
    s.connect(("127.0.0.1", port))
    held.append(s)
print("held", len(held), flush=True)
sys.stdin.read()
for s in held:
    s.setblocking(False)
    try:
        print("unexpected", s.recv(1))
        break
    except BlockingIOError:
        pass
else:
    print("all idle", flush=True)
`;

afterEach(endAll);

function descriptorLimit(): number {
  const hard = /Max open files\s+\d+\s+(\d+|unlimited)/.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
  return hard === "unlimited" ? 1 << 20 : Number(hard);
}

function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
}

test(`${WANTED} idle connections and ${BUSY} busy ones`, async () => {
  const count = Math.min(WANTED, descriptorLimit() - BUSY - SPARE);
  if (count < WANTED) {
    const message = `only ${count} of ${WANTED} connections: the limit of open files is ${descriptorLimit()}, raise it (ulimit -n)`;
    if (process.env.CI === "true") throw new Error(message);
    console.warn(`REDUCED: ${message}`);
  }
  // Node raises its own soft limit of open files to the hard one.
  const { program, port } = await startServer();
  const pid = program.child.pid as number;
  // Warm: what the first connections bring (code, tables) is no cost of an idle one.
  expect(await runClient(["--port", `${port}`, "-c", `${BUSY}`, "-i", "5000"])).toMatchObject({ code: 0 });
  const before = residentBytes(pid);

  const holder = new Program("python3", ["-c", HOLDER, `${port}`, `${count}`]);
  await holder.says(/held (\d+)/, 60_000);
  const alone = residentBytes(pid);
  const busy = await runClient(["--port", `${port}`, "-c", `${BUSY}`, "-i", "20000", "--json"]);
  expect(busy).toMatchObject({ code: 0 });
  expect(reportIn(busy)).toMatchObject({ completed: 20_000, mismatches: 0 });
  const perConnection = (alone - before) / count;
  console.log(
    `${count} idle connections: ${perConnection.toFixed(0)} bytes of resident memory each ` +
      `(${(before / 2 ** 20).toFixed(1)} MiB before, ${(alone / 2 ** 20).toFixed(1)} with them, ` +
      `${(residentBytes(pid) / 2 ** 20).toFixed(1)} after 20000 echoes on ${BUSY} others at ${reportIn(busy).requestsPerSecond}/s)`,
  );
  expect(perConnection).toBeLessThan(BOUND);

  holder.child.stdin?.end();
  await holder.says(/all idle/);
  await holder.exited;
  const ended = await program.end("SIGINT");
  expect(ended).toMatchObject({ code: 0, stderr: "" });
  expect(ended.stdout).toMatch(new RegExp(`served ${count + 2 * BUSY} connections`));
  expect(ended.stdout).toMatch(/left open: 0 queues, 0 outstanding/);
}, 120_000);
