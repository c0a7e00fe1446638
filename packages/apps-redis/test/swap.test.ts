/**
 * The backend exchanged below the published packages: one line of the project's package.json decides which it is. The command line and the
 * configuration file, which has a section for each backend, stay as they are.
 */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bareSystem, pack, swapBackend, which } from "../../apps-echo/test/packed.js";
import { endAll, Program, temporaryDirectory } from "../../apps-echo/test/program.js";
import { withRdma } from "../../apps-echo/test/rdma.js";
import { LIBOS, onWire, type Wire } from "../../apps-echo/test/wire.js";
import { freePort } from "./demi-redis.js";
import { BESIDE, byNpm, running } from "./published.js";
import { lackingClient, unlessLacking } from "./skipping.js";

/** A command, and its arguments. */
type Line = readonly [string, readonly string[]];

const dir = temporaryDirectory();
const CONFIG = "demi.yaml";
const POSIX = /^posix \((io_uring|epoll)\)$/;
/** What a client reads, and what it prints. */
const COMMANDS = "SET greeting hello\nAPPEND greeting ' again'\nGET greeting\nDEL greeting\n";
const REPLIES = "OK\n11\nhello again\n1\n";

let env: NodeJS.ProcessEnv;
let project: string;
let installed = "libos-posix";

beforeAll(() => {
  env = { ...bareSystem(dir), RUNTIME_DIRECTORY: dir };
  project = byNpm(dir, pack([...BESIDE, installed]), installed, env);
}, 120_000);
afterEach(endAll);

/** Exchanges the project's backend, if it is another. */
function use(backend: string): void {
  if (backend === installed) return;
  swapBackend(project, pack([...BESIDE, installed, backend]), installed, backend, env, BESIDE);
  installed = backend;
}

/** The file that all backends get. */
function configure(provider: string): void {
  const dpdk = { device: "net_af_packet0,iface=dk0", ipv4: `${LIBOS}/24` };
  writeFileSync(join(project, CONFIG), JSON.stringify({ rdma: { provider }, dpdk }));
}

const npx = (...words: string[]): Line => [join(dir, "bin/npx"), ["demi-redis", ...words, "--config", CONFIG]];

function start([command, words]: Line, input?: string): Program {
  return new Program(which(command) as string, [...words], { cwd: project, env, bare: true, group: true, input });
}

/** Starts the server, has the clients ask it, and ends it as Ctrl-C does. */
async function serves(backend: RegExp, server: Line, clients: readonly Line[]): Promise<void> {
  const { program, backend: says, pid } = await running(start(server));
  expect(says).toMatch(backend);
  for (const client of clients) {
    expect(await start(client, COMMANDS).exited).toMatchObject({ code: 0, stdout: REPLIES, stderr: "" });
  }
  const { stderr } = await program.end("SIGINT");
  expect({ stderr, isThere: existsSync(`/proc/${pid}`) }).toEqual({ stderr: "", isThere: false });
}

const RDMA = "between the kernel's sockets and RDMA's messages";
const DPDK = "between the kernel's sockets and DPDK";
unlessLacking(lackingClient("redis-cli"), RDMA, () => withRdma(RDMA, overRdma));
unlessLacking(lackingClient("redis-cli"), DPDK, () => onWire(DPDK, overDpdk));

function overRdma(): void {
  test("demi-redis server and cli run on both", async () => {
    const port = String(await freePort());
    const server = npx("server", "--port", port, "--save", "");
    const ours = npx("cli", "-p", port);
    use("libos-posix");
    configure("tcp");
    await serves(POSIX, server, [["redis-cli", ["-p", port]], ours]);
    use("libos-rdma");
    // By other providers of it: test/backends.test.ts.
    await serves(/^rdma \(tcp\)$/, server, [ours]);
  }, 240_000);
}

function overDpdk(wire: () => Wire): void {
  test("redis-cli finds the server at the same address on both", async () => {
    const inside = ([command, words]: Line): Line => wire().inside(which(command) as string, words);
    const server = inside(npx("server", "--host", LIBOS, "--save", ""));
    const redisCli = inside(["redis-cli", ["-h", LIBOS]]);
    configure("tcp");
    use("libos-posix");
    // The kernel's own address, until DPDK has it.
    wire().run("ip", "address", "add", `${LIBOS}/32`, "dev", "lo");
    await serves(POSIX, server, [redisCli]);
    wire().run("ip", "address", "del", `${LIBOS}/32`, "dev", "lo");
    use("libos-dpdk");
    await serves(/^dpdk \(lwip\)$/, server, [redisCli]);
  }, 240_000);
}
