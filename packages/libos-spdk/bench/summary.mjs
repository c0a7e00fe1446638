/** The results as tables and goals. */
import { atLeast, atMost, figure, spread, table, thousands } from "@demikernel/bench";

const NAMES = {
  "libos-spdk": "libos-spdk, JavaScript",
  append_group: "C, group commit by io_uring",
  append_fdatasync: "C, write and fdatasync for each",
  read_records: "C, io_uring",
};
const nameOf = (name) => NAMES[name] ?? name;

const MANY = 64;
const CPU_TO_GROUP = 1.15;
const P50_TO_GROUP = 1.1;
const PER_SECOND_TO_SINGLE = 8;
const READ_TO_C = 0.9;
const OPEN_TO_DD = 2;
/** MiB that opening takes at most, of whatever is on the device: buffers, and some 200 bytes a segment. */
const OPEN_MEBIBYTES = 64;

export function appendsTable(rows) {
  const head = ["durable appends", "bytes", "outstanding", "CPU us/append", "/ C group", "p50 us", "/ C group"];
  return table(
    [...head, "appends/s", "/ C one by one"],
    rows.map((row) => [
      nameOf(row.name),
      String(row.size),
      String(row.outstanding),
      spread(row.cpu),
      row.name === "append_group" ? "" : spread(row.cpuToGroup),
      spread(row.p50),
      row.name === "append_group" ? "" : spread(row.p50ToGroup),
      thousands(row.perSecond.median),
      row.name === "append_fdatasync" ? "" : spread(row.perSecondToSingle),
    ]),
  );
}

export function judgeAppends(rows) {
  return rows
    .filter(({ name }) => name === "libos-spdk")
    .flatMap(({ size, outstanding, cpuToGroup, p50ToGroup, perSecondToSingle }) => {
      const where = `appends of ${size} B, ${outstanding} outstanding`;
      if (outstanding === 1) return [atMost(`${where}: p50 / C`, p50ToGroup.median, P50_TO_GROUP)];
      if (outstanding !== MANY) return [];
      return [
        atMost(`${where}: CPU per append / C`, cpuToGroup.median, CPU_TO_GROUP),
        atLeast(`${where}: appends/s / C one by one`, perSecondToSingle.median, PER_SECOND_TO_SINGLE),
      ];
    });
}

export function readingTable(rows) {
  return table(
    ["reading back", "bytes", "MB/s", "/ C", "CPU us/record", "/ C"],
    rows.map((row) => [
      nameOf(row.name),
      String(row.size),
      spread(row.megabytes),
      row.name === "read_records" ? "" : spread(row.megabytesToC),
      spread(row.cpu),
      row.name === "read_records" ? "" : spread(row.cpuToC),
    ]),
  );
}

export function judgeReading(rows) {
  return rows
    .filter(({ name }) => name === "libos-spdk")
    .map(({ size, megabytesToC }) => atLeast(`reading back ${size} B: MB/s / C`, megabytesToC.median, READ_TO_C));
}

export function openingTable(rows) {
  return table(
    ["opening", "records", "MiB", "seconds", "/ dd", "MiB of memory", "batches read"],
    rows.map((row) => [
      row.name,
      String(row.records),
      String(row.mebibytes),
      spread(row.seconds),
      spread(row.toDd),
      row.peakMebibytes ? figure(row.peakMebibytes.median) : "",
      row.recovered === undefined ? "" : String(row.recovered),
    ]),
  );
}

export function judgeOpening(rows) {
  return rows
    .filter(({ peakMebibytes }) => peakMebibytes !== undefined)
    .flatMap(({ name, toDd, peakMebibytes }) => [
      atMost(`opening ${name} / dd`, toDd.median, OPEN_TO_DD),
      atMost(`opening ${name}: memory`, peakMebibytes.median, OPEN_MEBIBYTES, "MiB"),
    ]);
}
