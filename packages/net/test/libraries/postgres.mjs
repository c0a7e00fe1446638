/** Debian's PostgreSQL for one run: a cluster in a temporary folder, gone afterwards. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answers, freePort } from "./ports.mjs";

const PROGRAMS = "/usr/lib/postgresql/15/bin";

/** Why there is none, or undefined. */
export function lackingPostgres() {
  if (!existsSync(join(PROGRAMS, "postgres"))) return "no PostgreSQL 15 here: apt install postgresql-15";
  if (process.getuid() === 0 && !existsSync("/usr/sbin/runuser"))
    return "no runuser here, and PostgreSQL does not run as root";
  return undefined;
}

/** As who may run it: not root. */
const asUser = (file, args) =>
  process.getuid() === 0 ? ["/usr/sbin/runuser", ["-u", "postgres", "--", file, ...args]] : [file, args];

const idOf = (kind) => Number(execFileSync("id", [kind, "postgres"], { encoding: "utf8" }));

export class Postgres {
  static async start() {
    const server = new Postgres();
    server.folder = mkdtempSync(join(tmpdir(), "demi-postgres-"));
    chmodSync(server.folder, 0o700);
    if (process.getuid() === 0) chownSync(server.folder, idOf("-u"), idOf("-g"));
    try {
      server.run(join(PROGRAMS, "initdb"), [
        "-D",
        server.data,
        "-U",
        "tester",
        "--auth=trust",
        "--no-sync",
        "-E",
        "UTF8",
        "--locale=C",
      ]);
      server.run("openssl", [
        ...[
          "req",
          "-x509",
          "-newkey",
          "ec",
          "-pkeyopt",
          "ec_paramgen_curve:prime256v1",
          "-nodes",
          "-days",
          "2",
          "-subj",
          "/CN=localhost",
        ],
        ...["-keyout", join(server.data, "server.key"), "-out", join(server.data, "server.crt")],
      ]);
      server.run("chmod", ["600", join(server.data, "server.key")]);
      server.port = await freePort();
      const settings = [
        "fsync=off",
        "ssl=on",
        "listen_addresses=127.0.0.1",
        `unix_socket_directories=${server.folder}`,
        "shared_buffers=16MB",
      ];
      const args = ["-D", server.data, "-p", String(server.port), ...settings.flatMap((setting) => ["-c", setting])];
      server.child = spawn(...asUser(join(PROGRAMS, "postgres"), args), { stdio: "ignore", cwd: server.folder });
      await answers(server.port, "PostgreSQL");
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  get data() {
    return join(this.folder, "data");
  }

  run(file, args) {
    const [program, all] = asUser(file, args);
    execFileSync(program, all, { stdio: ["ignore", "ignore", "pipe"], cwd: this.folder });
  }

  async stop() {
    if (this.child !== undefined && this.child.exitCode === null) {
      const gone = once(this.child, "exit");
      // runuser hands SIGTERM on, which waits for clients; pg_ctl tells the server itself.
      this.run(join(PROGRAMS, "pg_ctl"), ["-D", this.data, "-m", "immediate", "stop"]);
      await gone;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
