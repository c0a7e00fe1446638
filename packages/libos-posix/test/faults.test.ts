import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { engines } from "./engines.js";

const program = (name: string) => fileURLToPath(new URL(`programs/${name}`, import.meta.url));

test.each(engines)(
  "%s: accepts wait while the process is out of descriptors, and go on",
  (engine) => {
    const run = spawnSync("sh", ["-c", `ulimit -n 64; exec node ${program("few-descriptors.mjs")} ${engine}`], {
      encoding: "utf8",
      timeout: 60_000,
    });
    expect(run.stderr).toBe("");
    const { starved, afterClose, accepting, texts } = JSON.parse(run.stdout);
    expect(starved.accepted).toBe(1);
    // Tried every 100 ms and when a descriptor closed, not in a loop: of four tries the first may have been just before.
    expect(starved.paused).toBe(4);
    expect(starved.milliseconds).toBeGreaterThan(200);
    expect(afterClose).toBe(2);
    expect(accepting).toBe(false);
    expect(texts).toEqual(["client 0", "client 1", "client 2", "client 3"]);
  },
  70_000,
);

test.each(engines)(
  "%s: garbage in the rings is refused and harms nothing",
  (engine) => {
    const seed = Number(process.env.DEMI_SEED ?? Math.floor(Math.random() * 2 ** 31));
    const run = spawnSync("node", [program("corrupt-ring.mjs"), engine, String(seed)], {
      encoding: "utf8",
      timeout: 60_000,
    });
    const outcome = `seed ${seed}: ${run.signal ?? run.status} ${run.stderr}`;
    expect(outcome).toBe(`seed ${seed}: 0 `);
    const { queues, invalidEntries } = JSON.parse(run.stdout);
    expect(`seed ${seed}: ${queues} queues`).toBe(`seed ${seed}: 0 queues`);
    expect(invalidEntries).toBeGreaterThan(100);
  },
  70_000,
);

const namespace = spawnSync("unshare", ["--net", "true"], { encoding: "utf8" });
const noNamespace = namespace.status === 0 ? undefined : `no network namespace: ${namespace.error ?? namespace.stderr}`;
if (noNamespace !== undefined) process.stderr.write(`skipped: ${noNamespace}\n`);

(noNamespace === undefined || process.env.CI === "true" ? test : test.skip).each(engines)(
  "%s: IPv6 zones by number and by name",
  (engine) => {
    const setUp =
      "ip link set lo up && ip link add zone0 type veth peer name zone1 && ip link set zone1 up && " +
      "ip link set zone0 up && ip address add fe80::1/64 dev zone0 nodad";
    const run = spawnSync("unshare", ["--net", "sh", "-ec", `${setUp}; exec node ${program("zones.mjs")} ${engine}`], {
      encoding: "utf8",
      timeout: 60_000,
    });
    expect(run.stderr).toBe("");
    const both = ["pushed to", "connected to"];
    expect(JSON.parse(run.stdout)).toEqual({ heard: [...both, ...both], codes: new Array(6).fill("EINVAL") });
  },
  70_000,
);
