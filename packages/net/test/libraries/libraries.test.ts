/** Libraries from npm, as they are, over our sockets: each scenario also over node:net itself, so that who doubts one sees Node pass it. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { unlessLacking } from "../../../apps-redis/test/skipping.js";
import { type Ended, type Line, linesOf } from "../case-lines.js";

const RUN = fileURLToPath(new URL("run.mjs", import.meta.url));
const REDIS = fileURLToPath(new URL("../../../apps-redis/dist/cli.js", import.meta.url));
const POSTGRES = "/usr/lib/postgresql/15/bin/postgres";
const LIMIT = 90_000;

function run(library: string, mode: string): Promise<Ended> {
  const loaded = mode === "register" ? ["--import", "@demikernel/net/register"] : [];
  const cwd = fileURLToPath(new URL("../..", import.meta.url));
  return linesOf(process.execPath, ["--expose-gc", ...loaded, RUN, library, mode], LIMIT - 5000, { cwd });
}

const lackingRedis = (): string | undefined =>
  spawnSync("redis-check-rdb", ["--version"], { argv0: "redis-server" }).error &&
  "redis-server is not installed: apt install redis-tools";
const lackingPostgres = (): string | undefined =>
  existsSync(POSTGRES) ? undefined : "PostgreSQL is not installed: apt install postgresql-15";
const lackingDemiRedis = (): string | undefined => (existsSync(REDIS) ? undefined : "packages/apps-redis is not built");

const LIBRARIES: [name: string, cases: number, modes: string[], lacking?: string | undefined][] = [
  ["express", 18, ["node", "explicit", "served", "register"]],
  ["fastify", 18, ["node", "explicit", "register"]],
  ["ws", 10, ["node", "explicit", "served", "register"]],
  ["clients", 7, ["node", "explicit", "register"]],
  ["redis", 6, ["node", "explicit", "register"], lackingRedis()],
  ["demi-redis", 6, ["explicit", "register"], lackingDemiRedis()],
  ["pg", 7, ["node", "explicit", "register"], lackingPostgres()],
  ["socketio", 12, ["node", "explicit", "register"]],
  ["mqtt", 6, ["node", "explicit", "served", "register"]],
];

for (const [library, cases, modes, lacking] of LIBRARIES) {
  unlessLacking(lacking, library, () =>
    describe(library, () => {
      test.each(modes)(
        "%s",
        async (mode) => {
          const { code, signal, lines, errors } = await run(library, mode);
          const failed = lines.filter(({ error }) => error !== undefined);
          expect({ failed, errors, code, signal }).toEqual({ failed: [], errors: "", code: 0, signal: null });
          const last = lines.pop() as Line;
          expect([lines.length, last.left]).toEqual([cases, []]);
          // It went through the libOS, and with node:net through none.
          if (mode === "node") expect(last.operations).toBe(0);
          else expect(last.operations).toBeGreaterThan(100);
        },
        LIMIT,
      );
    }),
  );
}
