// Jest's set-up and its end: a folder for the tarballs of the packages, which each test file packs that is the first to need one.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export default function setUp() {
  process.env.DEMI_TARBALLS = mkdtempSync(join(tmpdir(), "demi-echo-tarballs-"));
}

export function tearDown() {
  rmSync(process.env.DEMI_TARBALLS, { recursive: true, force: true });
}
