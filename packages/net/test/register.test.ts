/** Unmodified programs under `node --import @demikernel/net/register`, and the proof that the libOS carried what they sent. */
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { endAll, Program, temporaryDirectory } from "../../apps-echo/test/program.js";
import { here, linesOf, PACKAGE, PROOF, proofsIn, REGISTER, run, start } from "./proven.js";

afterEach(endAll);
const dir = temporaryDirectory();

describe("what goes through the libOS", () => {
  test("CommonJS: listen() at once, and sockets made in every way", async () => {
    const ended = await run("echo.cjs");
    expect(linesOf(ended)).toEqual([
      "listening true true",
      "connect  true [object Object]",
      "createConnection  true [object Object]",
      "Socket  true [object Object]",
      "called  true [object Object]",
      "Stream  true [object Object]",
      "class  true [object Line1]",
    ]);
    expect(ended.proof).toMatchObject({ kernelSockets: 0, kernelServers: 0, accepted: 6, backend: "posix" });
  });

  test("ES modules: default, namespace and names", async () => {
    const ended = await run("imports.mjs");
    expect(linesOf(ended)).toEqual(["true true true true", "named", "named"]);
    expect(ended.proof).toMatchObject({ kernelSockets: 0, kernelServers: 0, accepted: 2 });
  });

  test("as the first line of an application, twice", async () => {
    const program = new Program(process.execPath, [here("programs/first-line.mjs")], { cwd: PACKAGE });
    const ended = await program.exited;
    expect([ended.code, ended.stderr, ...linesOf(ended)]).toEqual([0, "", "first true", "true"]);
  });

  test("http: agents, without one, and fetch", async () => {
    const ended = await run("http.cjs");
    const got = "GET /agent 127.0.0.1";
    expect(linesOf(ended)).toEqual([got, got, got, "POST /fetch 127.0.0.1", "closed"]);
    expect(ended.proof).toMatchObject({ kernelSockets: 0, kernelServers: 0, accepted: 4 });
  });

  test("a Worker has a libOS of its own", async () => {
    const ended = await run("worker.mjs");
    expect(linesOf(ended)).toEqual(["thread 1 true", "worker ended 0"]);
    expect(ended.proof).toMatchObject({ kernelSockets: 0, kernelServers: 0 });
  });

  test("a cluster's workers share a port, and the primary is told", async () => {
    const ended = await start("cluster.cjs").exited;
    expect(linesOf(ended).sort()).toEqual([
      "all gone",
      "answered by 1,2",
      "listening true 127.0.0.1",
      "listening true 127.0.0.1",
      "worker closed",
      "worker closed",
    ]);
    const proofs = proofsIn(ended);
    expect(proofs).toHaveLength(3);
    for (const proof of proofs) expect(proof).toMatchObject({ kernelSockets: 0, kernelServers: 0 });
    expect(proofs.filter(({ accepted }) => accepted > 0)).toHaveLength(2);
  });

  test("listeners that throw break nothing else", async () => {
    const ended = await run("throwing.cjs");
    const node = await run("throwing.cjs", { imports: [PROOF] });
    expect(linesOf(ended)).toEqual(linesOf(node));
    expect(linesOf(ended)).toContain("uncaught of connection");
    expect(ended.proof).toMatchObject({ kernelSockets: 0, kernelServers: 0, accepted: 2 });
  });

  test("methods of Socket that are wrapped, and classes that extend it", async () => {
    const ended = await run("wrapped.cjs");
    const node = await run("wrapped.cjs", { imports: [PROOF] });
    expect(linesOf(ended)).toEqual(linesOf(node));
    expect(linesOf(ended)).toContain("connects 3");
    // Who calls Socket as a function on what it has made itself gets Node's.
    expect(ended.proof).toMatchObject({ kernelSockets: 1, kernelServers: 0, accepted: 4 });
  });

  test("what is sent to another process is refused", async () => {
    const ended = await start("sending.cjs").exited;
    expect([ended.code, ...linesOf(ended)]).toEqual([0, "ERR_INVALID_HANDLE_TYPE", "ERR_INVALID_HANDLE_TYPE"]);
  });

  test("what is unreferenced lets the process end", async () => {
    const ended = await run("unref.cjs");
    expect(linesOf(ended)).toEqual(["connected"]);
    expect(ended.proof).toMatchObject({ kernelSockets: 0, kernelServers: 0, accepted: 1 });
  });
});

describe("what stays Node's", () => {
  test("pipes, descriptors, children, datagrams", async () => {
    const ended = await run("kernel.cjs", { args: [dir] });
    const lines = ["at true", "pipe", "pipe", "pipe", "child true", "descriptor", "fifo", "datagram"];
    expect(linesOf(ended)).toEqual(lines);
    expect(ended.proof).toMatchObject({ kernelSockets: 0, kernelServers: 0, accepted: 0, completed: 0 });
  });

  test("DEMI_NET=listen: who connects", async () => {
    const { proof } = await run("imports.mjs", { env: { DEMI_NET: "listen" } });
    expect(proof).toMatchObject({ kernelSockets: 2, kernelServers: 0, accepted: 2 });
  });

  test("DEMI_NET=connect: who listens", async () => {
    const { proof } = await run("imports.mjs", { env: { DEMI_NET: "connect" } });
    // Two that the server accepted.
    expect(proof).toMatchObject({ kernelSockets: 2, kernelServers: 1, accepted: 0 });
    expect(proof.completed).toBeGreaterThanOrEqual(4);
  });

  describe("the loopback, with a backend that cannot reach it", () => {
    /** An application that has installed the kernel's sockets under another name. */
    function runThere(name: string) {
      copyFileSync(here(`programs/${name}`), join(dir, name));
      const args = ["--import", REGISTER, "--import", PROOF, join(dir, name)];
      return new Program(process.execPath, args, { cwd: dir, env: { LIBOS: "other" } }).exited;
    }

    beforeAll(() => {
      const backend = join(dir, "node_modules", "other");
      mkdirSync(backend, { recursive: true });
      const posix = here("../node_modules/@demikernel/libos-posix/dist/index.js");
      const entry = `import posix from ${JSON.stringify(posix)};
        export default Object.create(posix, { name: { value: "other" } });\n`;
      writeFileSync(join(backend, "index.js"), entry);
      const manifest = { name: "other", version: "1.0.0", type: "module", demikernel: { libos: "other" } };
      writeFileSync(join(backend, "package.json"), JSON.stringify({ ...manifest, exports: "./index.js" }));
      writeFileSync(join(dir, "package.json"), JSON.stringify({ dependencies: { other: "1.0.0" } }));
    });

    test("is told once for each address", async () => {
      const ended = await runThere("imports.mjs");
      expect(linesOf(ended)).toEqual(["true true true true", "named", "named"]);
      expect(ended.stderr.match(/DemikernelWarning/g)).toHaveLength(1);
      expect(ended.stderr).toMatch(/127\.0\.0\.1, which other cannot reach: it stays with the kernel/);
      // Two that connected, and two that were accepted.
      const there = { kernelSockets: 4, kernelServers: 1, accepted: 0, backend: "other" };
      expect(proofsIn(ended)).toMatchObject([there]);
    });

    test("is shared by a cluster's workers", async () => {
      const ended = await runThere("cluster.cjs");
      expect(linesOf(ended)).toContain("answered by 1,2");
      for (const proof of proofsIn(ended)) expect(proof).toMatchObject({ accepted: 0, completed: 0 });
    });
  });
});

describe("what is wrong ends the process with a sentence", () => {
  test.each([
    ["DEMI_NET", "listen,conect", 'DEMI_NET: "conect" is no use of the network; valid are listen, connect'],
    ["LIBOS", "nonesuch", 'backend "nonesuch" is not installed'],
    ["DEMI_CONFIG", "/nonexistent.yaml", "/nonexistent.yaml"],
  ])("%s=%s", async (name, value, sentence) => {
    const ended = await start("imports.mjs", { env: { [name]: value } }).exited;
    expect([ended.code, ended.stdout]).toEqual([1, ""]);
    expect(ended.stderr).toContain("@demikernel/net/register: ");
    expect(ended.stderr).toContain(sentence);
    expect(ended.stderr.trim().split("\n")).toHaveLength(1);
  });
  test("in a Worker: as its error", async () => {
    const ended = await run("worker-without.mjs");
    const [error, exit] = linesOf(ended);
    expect([error, exit]).toEqual([expect.stringContaining('backend "nonesuch" is not installed'), "exit 1"]);
  });
});
