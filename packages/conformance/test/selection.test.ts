import {
  type ConformanceTarget,
  type Harness,
  ownLoops,
  runConformance,
  type Selection,
  suite,
} from "@demikernel/conformance";
// @ts-expect-error: plain JavaScript, so that a Worker can import it as it is.
import { target as memory } from "./memory-target.mjs";

const features = { tcp: true, udp: true, ipv6: true, dmtr: true, files: true, sleep: true };

/** The cases that are declared, as "group: name", on a target that offers everything. */
function declared(selection: Selection): string[] {
  const names: string[] = [];
  let group = "";
  const harness: Harness = {
    describe: (name, body) => {
      group = name;
      body();
    },
    it: (name) => void names.push(`${group}: ${name}`),
    skip: (name) => void names.push(`${group}: ${name.replace(/ \([^(]*\)$/, "")}`),
    after: () => undefined,
  };
  runConformance({ ...(memory as ConformanceTarget), features }, harness, selection);
  return names;
}

const full = ({ group, name }: { group: string; name: string }) => `${group}: ${name}`;

test("without a selection all cases are declared, each once", () => {
  expect(declared({}).sort()).toEqual(suite.map(full).sort());
});

test("about the runtime and about queues: together all, and none twice", () => {
  const both = [...declared({ on: "runtime" }), ...declared({ on: "queues" })];
  expect(both.sort()).toEqual(suite.map(full).sort());
});

test("about the device: what is about queues, and of the groups that choose loops and threads what says so", () => {
  const queues = declared({ on: "queues" });
  const device = new Set(declared({ on: "device" }));
  const own = new Set(suite.filter(({ group }) => ownLoops.includes(group)).map(full));
  expect(queues.filter((name) => !own.has(name) && !device.has(name))).toEqual([]);
  const kept = [...device].filter((name) => own.has(name));
  expect(kept.sort()).toEqual(
    suite
      .filter((one) => one.device)
      .map(full)
      .sort(),
  );
  expect(kept.length).toBeGreaterThan(5);
  expect(kept.length).toBeLessThan(own.size / 2);
  expect(suite.filter((one) => one.device && one.on !== "queues")).toEqual([]);
});
