/** What a measurement can be carried by: libfabric's providers that run between two processes of one host. None of them is RDMA. */
import { openLibOS } from "@demikernel/core";

/** By name: options of the libOS, and the address the server listens on. */
const providers = {
  tcp: { options: { provider: "tcp" }, host: "127.0.0.1", port: 0 },
};

export const providerNames = Object.keys(providers);
export const provider = (name) => providers[name];

/** Why it cannot be measured here; undefined when it can. */
export async function whyNot(name) {
  try {
    (await openLibOS({ ...provider(name).options, libos: "rdma", from: import.meta.url })).destroy();
    return undefined;
  } catch (error) {
    return error.message;
  }
}
