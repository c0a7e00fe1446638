// Builds the addon where DPDK and lwIP are installed to build against; with --tests builds and runs the native tests.
import { buildAddon } from "@demikernel/core/build-addon";

buildAddon(import.meta.url, {
  required: "DEMI_REQUIRE_DPDK",
  libraries: { libdpdk: { debian: "libdpdk-dev" }, lwip: { debian: "liblwip-dev" } },
});
