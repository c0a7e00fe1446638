/** What a measurement can be carried by: libfabric's providers that run between two processes of one host. None of them is RDMA. */
import { openLibOS } from "@demikernel/core";

/** By name: options of the libOS, where its server listens, and the program that uses libfabric alone and where it listens. */
const providers = {
  tcp: { options: { provider: "tcp" }, host: "127.0.0.1", bare: "fabric_echo", bareHost: "127.0.0.1" },
  shm: { options: { provider: "shm" }, host: "127.0.0.1", bare: "shm_echo", bareHost: "demi-bench" },
};

export const providerNames = Object.keys(providers);
export const provider = (name) => providers[name];
export const barePrograms = Object.values(providers).map(({ bare }) => bare);

/** Why it cannot be measured here; undefined when it can. */
export async function whyNot(name) {
  try {
    (await openLibOS({ ...provider(name).options, libos: "rdma", from: import.meta.url })).destroy();
    return undefined;
  } catch (error) {
    return error.message;
  }
}
