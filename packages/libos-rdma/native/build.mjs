// Builds the addon where libfabric is installed to build against; with --tests builds and runs the native tests.
import { buildAddon } from "@demikernel/core/build-addon";

buildAddon(import.meta.url, {
  required: "DEMI_REQUIRE_RDMA",
  libraries: { libfabric: { debian: "libfabric-dev", atLeast: "1.17" } },
});
