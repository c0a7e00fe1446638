/** The contract, run on this backend: `node --test test/`. */
import { after, describe, it } from "node:test";
import { openLibOS } from "@demikernel/core";
import { runConformance } from "@demikernel/core/conformance";
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
