/** demi-log on files. Some of it as a process of its own: `pnpm build` first. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync, readSync, statSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { LibOS } from "@demikernel/core";
import { demiLog as commands } from "../src/cli/program.js";
import { Progress } from "../src/cli/progress.js";
import { append, demiLog, demiLogJson, flip, openDevice, pathOf, program, spawned } from "./demi-log.js";

/** Ten records, each of which says which it is, of more than a line of a terminal. */
const records = (log: string): string[] => Array.from({ length: 10 }, (_, n) => `${log} ${n} `.padEnd(100 + n, "."));

async function device(name: string, fill: (os: LibOS) => void): Promise<string> {
  const path = pathOf(name);
  const os = await openDevice(path);
  try {
    fill(os);
  } finally {
    os.destroy();
  }
  return path;
}

/** The first bytes of a file. */
function start(path: string, length: number): Buffer {
  const file = openSync(path, "r");
  try {
    const bytes = Buffer.alloc(length);
    readSync(file, bytes, 0, length, 0);
    return bytes;
  } finally {
    closeSync(file);
  }
}

let whole: string;
beforeAll(async () => {
  if (!existsSync(program)) throw new Error(`${program} is missing: build the package before this test`);
  whole = await device("whole", (os) => {
    append(os, "first", records("first"));
    append(os, "second", [Uint8Array.of(0, 10, 255, 0), "behind"]);
    const log = os.open("first", "a+");
    os.free(os.wait(os.pop(log), 10_000).sga);
    os.truncate(log, os.lseek(log, 0, "cur"));
  });
});

test("help for each command; help lists them all", async () => {
  const program = commands();
  const names = ["format", "ls", "stat", "cat", "verify", "bench", "bind", "unbind"];
  expect(program.commands.map((command) => command.name())).toEqual(names);
  for (const command of program.commands) expect(command.helpInformation()).toMatch(/^Usage: demi-log \w+ .*--json/s);
  const { status, out } = spawned("help");
  expect(status).toBe(0);
  for (const name of names) expect(out).toMatch(new RegExp(`^ {2}${name} `, "m"));
});

test("format: a file that is not there, of its size; what is there only with --force", async () => {
  const path = pathOf("made");
  expect(await demiLogJson(0, "format", `${path},size=4MiB`, "--logs", "3")).toMatchObject({
    device: `file:${path},size=4MiB`,
    bytes: 4 << 20,
    directorySlots: 3,
    epoch: 1,
    logs: [],
    identity: expect.stringMatching(/^[0-9a-f]{16}$/),
  });
  expect(statSync(path).size).toBe(4 << 20);
  expect(await demiLog("format", path)).toMatchObject({
    status: 1,
    err: expect.stringMatching(/^demi-log: EEXIST: format: .*has logs on it; --force/),
  });
  const foreign = pathOf("foreign");
  const data = Buffer.alloc(4 << 20, "somebody's data ");
  writeFileSync(foreign, data);
  expect((await demiLog("format", foreign)).err).toMatch(/EEXIST: format: .*holds something that is no log/);
  expect(readFileSync(foreign).equals(data)).toBe(true);
  const forced = await demiLog("format", foreign, "--force");
  expect([forced.status, forced.out]).toEqual([
    0,
    expect.stringMatching(/4 MiB for 1024 logs, \d+ segments of 64 KiB/),
  ]);
});

test("ls and stat: what the device is, and its logs", async () => {
  const logs = await demiLogJson(0, "ls", whole);
  expect(logs).toEqual([
    { name: "first", start: expect.any(Number), end: expect.any(Number), segments: 1 },
    { name: "second", start: 0, end: expect.any(Number), segments: 1 },
  ]);
  expect(logs[0].start).toBeGreaterThan(100);
  expect(logs[0].end).toBeGreaterThan(logs[0].start + 900);
  const stat = await demiLogJson(0, "stat", whole);
  expect(stat).toMatchObject({
    version: 1,
    bytes: 16 << 20,
    segmentBytes: 65_536,
    directorySlots: 1024,
    damagedPlaces: 0,
    logs,
  });
  expect(stat.freeSegments).toBe(stat.segments - 2);
  expect(await demiLogJson(0, "stat", whole, "second")).toEqual({ ...stat, epoch: stat.epoch + 1, logs: [logs[1]] });
  const { out } = await demiLog("stat", whole);
  expect(out).toMatch(/^directory +2 of 1024 slots used$/m);
  expect(out).toMatch(new RegExp(`^0 +${logs[1].end} +512 bytes +1 +second$`, "m"));
});

test("cat: bytes as they are, or lines; from a position, so many", async () => {
  expect(spawned("cat", whole, "second").out).toBe("\x00\n\xff\x00behind");
  const { out } = await demiLog("cat", whole, "first", "--json");
  const lines = out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines.map(({ data }) => Buffer.from(data, "base64").toString())).toEqual(records("first").slice(1));
  expect(lines.map(({ bytes }) => bytes)).toEqual([101, 102, 103, 104, 105, 106, 107, 108, 109]);
  const { position } = lines[3];
  expect((await demiLog("cat", whole, "first", "--from", `${position}`, "--count", "2")).out).toBe(
    records("first").slice(4, 6).join(""),
  );
  expect((await demiLog("cat", whole, "first", "--from", `${position}`, "--count", "1", "--positions")).out).toBe(
    `${position} 104\n`,
  );
});

test("verify: all of it is right", async () => {
  expect((await demiLogJson(0, "verify", whole)).logs).toMatchObject([
    { log: "first", records: 9, bytes: 945, damaged: [] },
    { log: "second", records: 2, bytes: 10, damaged: [] },
  ]);
  expect((await demiLog("verify", whole, "second")).out).toMatch(/^2 +10 bytes +no +second$/m);
});

test("verify finds a flipped byte: of a record, of its header, of a batch's; what is behind is read", async () => {
  const path = await device("damaged", (os) => {
    append(os, "data", records("data"));
    append(os, "header", records("header"));
    for (const record of records("batch").slice(0, 3)) append(os, "batch", [record]);
    append(os, "whole", records("whole"));
  });
  const { out } = await demiLog("cat", path, "data", "--positions");
  const places = out.split("\n").map((line) => Number.parseInt(line, 10));
  flip(path, "data 4 ");
  flip(path, "header 4 ", -16);
  flip(path, "batch 1 ", -16 - 56);
  const { logs } = await demiLogJson(1, "verify", path);
  expect(logs).toMatchObject([
    { log: "data", records: 9, damaged: [{ from: places[4], error: "EBADMSG" }] },
    { log: "header", records: 9, damaged: [{ from: places[4], to: places[5], error: "EBADMSG" }] },
    { log: "batch", records: 2, damaged: [{ from: 512, to: 1024, error: "EBADMSG" }] },
    { log: "whole", records: 10, damaged: [] },
  ]);
  const { to } = logs[0].damaged[0];
  expect(to).toBeLessThanOrEqual(places[5]);
  const text = spawned("verify", path, "data");
  expect(text.status).toBe(1);
  expect(text.out).toContain(`data: EBADMSG at position ${places[4]}; reading goes on at position ${to}\n`);
  const cat = spawned("cat", path, "data");
  expect([cat.status, cat.out]).toEqual([1, records("data").slice(0, 4).join("")]);
  expect(cat.err).toBe(`demi-log: EBADMSG: the record at position ${places[4]} of "data" is damaged\n`);
  expect((await demiLog("cat", path, "data", "--from", `${to}`)).out).toBe(records("data").slice(5).join(""));
});

test("bench: each combination, and the log is empty afterwards", async () => {
  const { measured } = await demiLogJson(
    0,
    "bench",
    whole,
    "--size",
    "64,4096",
    "--outstanding",
    "1,8",
    "--seconds",
    "0.05",
  );
  expect(measured.map(({ size, outstanding }: { size: number; outstanding: number }) => [size, outstanding])).toEqual([
    [64, 1],
    [64, 8],
    [4096, 1],
    [4096, 8],
  ]);
  for (const { appends, appendsPerSecond, p50, p99, cpuPerAppend, recordsRead, recordsReadPerSecond } of measured) {
    for (const figure of [appends, appendsPerSecond, p50, cpuPerAppend, recordsRead, recordsReadPerSecond])
      expect(figure).toBeGreaterThan(0);
    expect(p99).toBeGreaterThanOrEqual(p50);
  }
  const [first, , bench] = await demiLogJson(0, "ls", whole);
  expect(bench).toMatchObject({ name: "demi-log.bench", start: bench.end });
  expect(first.name).toBe("first");
});

test("bench on a device that is soon full: it says so, and goes on with the next", async () => {
  const path = pathOf("small");
  await demiLog("format", `${path},size=1MiB`, "--logs", "4");
  const args = ["--size", "65536", "--outstanding", "2,4", "--seconds", "30"];
  const { measured } = await demiLogJson(0, "bench", path, ...args);
  expect(measured).toMatchObject([{ full: true }, { full: true }]);
});

test("bench: Ctrl-C ends it, prints what was measured, and the log is empty", async () => {
  const path = pathOf("interrupted");
  await demiLog("format", `${path},size=64MiB`);
  const child = spawn(process.execPath, [program, "bench", path, "--seconds", "600", "--json"]);
  let out = "";
  child.stdout.on("data", (data) => {
    out += data;
  });
  const ended = once(child, "close");
  // Its log is made when it has begun: the first of the directory.
  while (!start(path, 66 << 10).includes("demi-log.bench")) await pause(20);
  child.kill("SIGINT");
  expect(await ended).toEqual([130, null]);
  expect(JSON.parse(out)).toMatchObject({ interrupted: true });
  const [log] = await demiLogJson(0, "ls", path);
  expect(log.start).toBe(log.end);
});

test("a device in use is EBUSY", async () => {
  const os = await openDevice(pathOf("busy"));
  try {
    expect(await demiLog("ls", pathOf("busy"))).toMatchObject({
      status: 1,
      err: expect.stringMatching(/^demi-log: EBUSY: inspect: .*another libOS has it open\n$/),
    });
  } finally {
    os.destroy();
  }
});

test.each([
  [["ls", "MISSING"], /^demi-log: ENOENT: inspect: .*missing: there is no such file/],
  [["cat", "ZEROS", "log"], /^demi-log: EINVAL: inspect: .*holds no logs/],
  [["ls", "disk:x"], /^demi-log: EINVAL: inspect: device "disk:x": /],
  [["cat", "WHOLE", "third"], /^demi-log: ENOENT: file:.*whole has no log "third"/],
  [["cat", "WHOLE", "second", "--from", "9999"], /^demi-log: EINVAL: "second" ends at position 512, .* 9999/],
  [["format", "MISSING", "--logs", "1025"], /^error: .*Logs is a whole number from 1 to 1024/],
  [["bench", "WHOLE", "--size", "64,x"], /^error: .*A size is a whole number/],
  [["bench", "WHOLE", "--seconds", "0"], /^error: .*Seconds are a number/],
  [["bind", "none"], /^demi-log: EINVAL: bind: "none" is no PCI address/],
  [["unbind", "ffff:ff:1f.7"], /^demi-log: ENODEV: bind: there is no PCI device ffff:ff:1f.7/],
  [["list"], /^error: unknown command 'list'/],
])("%j ends with 1 and a sentence", async (args, message) => {
  const paths: Record<string, string> = { MISSING: pathOf("missing"), ZEROS: pathOf("zeros"), WHOLE: whole };
  writeFileSync(pathOf("zeros"), Buffer.alloc(4 << 20));
  const ended = await demiLog(...args.map((arg) => paths[arg] ?? arg));
  expect(ended).toEqual({ status: 1, out: "", err: expect.stringMatching(message) });
  expect(existsSync(pathOf("missing"))).toBe(false);
  expect(readFileSync(pathOf("zeros")).equals(Buffer.alloc(4 << 20))).toBe(true);
});

test("as a process: a sentence and exit code 1; whoever reads its output may leave first", async () => {
  const refused = spawned("ls", pathOf("missing"));
  expect(refused).toEqual({ status: 1, out: "", err: expect.stringMatching(/^demi-log: ENOENT: inspect: .*\n$/) });
  const long = await device("long", (os) =>
    append(os, "log", [Buffer.alloc(1 << 20, "a"), Buffer.alloc(1 << 20, "b")]),
  );
  const piped = `"$0" "$1" cat "$2" log | head -c 9; echo ":\${PIPESTATUS[0]}"`;
  const ended = spawnSync("bash", ["-c", piped, process.execPath, program, long], { encoding: "utf8" });
  expect([ended.stdout, ended.stderr]).toEqual(["aaaaaaaaa:0\n", ""]);
});

test("progress: on a terminal, not at once, one line as wide as it is", () => {
  const written: string[] = [];
  let now = 0;
  const progressOn = (isTTY: boolean) =>
    new Progress({ isTTY, columns: 11, write: (text) => written.push(text) }, () => now);
  const silent = progressOn(false);
  const progress = progressOn(true);
  progress.say(() => "too early");
  now = 1000;
  silent.say(() => "nobody");
  progress.say(() => "line ".repeat(10));
  progress.say(() => "too early again");
  progress.done();
  progress.done();
  expect(written).toEqual(["\r\x1b[Kline line ", "\r\x1b[K"]);
});
