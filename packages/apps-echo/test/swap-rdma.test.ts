/**
 * The published packages on the messages of libos-rdma and on the kernel's sockets: packed, installed by npm into an empty project, and
 * run over loopback. One line of the project's package.json decides which it is; command lines and configuration file stay as they are.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { bareSystem, emptyProject, npmInstall, pack, swapBackend, which } from "./packed.js";
import { endAll, Program, temporaryDirectory } from "./program.js";
import { withRdma } from "./rdma.js";

const PACKAGES = ["core", "bench", "libos-posix", "libos-rdma", "apps-echo"];
const MESSAGES = 500;
const dir = temporaryDirectory();

afterEach(endAll);

// Where libfabric was not there to build against, there is nothing to pack.
withRdma("the packed packages", () => {
  test("the echo runs on libos-rdma over tcp and shm, and on the kernel's sockets after one line of package.json has changed", async () => {
    const tarballs = pack(PACKAGES);
    const tarball = (name: string) => tarballs.get(name) as string;
    const project = emptyProject(dir);
    const env = bareSystem(dir);
    npmInstall(["core", "bench", "libos-rdma", "apps-echo"].map(tarball), project, env);
    const npx = (...args: string[]) =>
      new Program(which(join(dir, "bin/npx")) as string, args, { cwd: project, env, bare: true, group: true });
    const echoes = async (backend: RegExp, ...kind: string[]) => {
      const server = npx("demi-echo", "server", "--port", "0", "--config", "demi.yaml", ...kind);
      const [line, port] = await server.says(/listening on .*:(\d+).*/, 60_000);
      expect(line).toMatch(backend);
      const to = ["--port", port as string, "--config", "demi.yaml", ...kind];
      const client = await npx("demi-echo", "client", ...to, "-i", String(MESSAGES), "--json").exited;
      expect(client).toMatchObject({ code: 0 });
      expect(JSON.parse(client.stdout)).toMatchObject({ completed: MESSAGES, mismatches: 0 });
      expect((await server.end("SIGINT")).stdout).toMatch(
        kind.length === 0
          ? /served 1 connections.*\nleft open: 0 queues, 0 outstanding/
          : /served 500 messages.*\nleft open: 0 queues, 0 outstanding/,
      );
    };
    for (const provider of ["tcp", "shm"]) {
      writeFileSync(join(project, "demi.yaml"), `rdma:\n  provider: ${provider}\n`);
      const rdma = new RegExp(`\\(rdma, ${provider}\\)`);
      await echoes(rdma);
      if (provider === "shm") await echoes(rdma, "--udp");
    }
    swapBackend(project, tarballs, "libos-rdma", "libos-posix", env);
    await echoes(/\(posix, (io_uring|epoll)\)/);
    await echoes(/\(posix, (io_uring|epoll)\)/, "--udp");
  }, 300_000);
});
