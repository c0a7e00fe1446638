/** The contract, run on this backend: `node --test test/`. */
import { after, describe, it } from "node:test";
import { runConformance } from "@demikernel/conformance";
import { openLibOS } from "@demikernel/core";
import tiny from "../index.js";

runConformance(
  {
    name: "tiny",
    features: tiny.features,
    hostPeer: true, // sockets of node:net reach this backend
    open: (options) => openLibOS({ libos: "tiny", from: import.meta.url, ...options }),
  },
  { describe, after, it: (name, body, timeout) => it(name, { timeout }, body), skip: (name) => it.skip(name) },
);
