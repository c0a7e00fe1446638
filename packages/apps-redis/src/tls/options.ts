/** What tls-* parameters mean for node:tls. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TlsOptions } from "node:tls";
import type { Config } from "../config/config.js";

const PROTOCOLS: Record<string, "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3"> = {
  tlsv1: "TLSv1",
  "tlsv1.1": "TLSv1.1",
  "tlsv1.2": "TLSv1.2",
  "tlsv1.3": "TLSv1.3",
};
const ORDER = Object.values(PROTOCOLS);

/** Throws a sentence: a file that cannot be read, a protocol that there is not. */
export function tlsOptions(config: Config): TlsOptions {
  if (config.tlsCertFile === "" || config.tlsKeyFile === "")
    throw new Error("tls-cert-file and tls-key-file are needed");
  const authorities = [
    ...(config.tlsCaCertFile === "" ? [] : [read("tls-ca-cert-file", config.tlsCaCertFile)]),
    ...(config.tlsCaCertDir === "" ? [] : readAll(config.tlsCaCertDir)),
  ];
  if (authorities.length === 0 && config.tlsAuthClients !== "no")
    throw new Error("tls-ca-cert-file or tls-ca-cert-dir is needed where tls-auth-clients is not no");
  const ciphers = [config.tlsCiphersuites, config.tlsCiphers].filter(Boolean).join(":");
  return {
    cert: read("tls-cert-file", config.tlsCertFile),
    key: read("tls-key-file", config.tlsKeyFile),
    ...(config.tlsKeyFilePass === "" ? {} : { passphrase: config.tlsKeyFilePass }),
    ...(authorities.length === 0 ? {} : { ca: authorities }),
    ...(config.tlsDhParamsFile === "" ? {} : { dhparam: read("tls-dh-params-file", config.tlsDhParamsFile) }),
    ...(ciphers === "" ? {} : { ciphers }),
    ...versions(config.tlsProtocols),
    honorCipherOrder: config.tlsPreferServerCiphers,
    requestCert: config.tlsAuthClients !== "no",
    rejectUnauthorized: config.tlsAuthClients === "yes",
    sessionTimeout: config.tlsSessionCaching ? config.tlsSessionCacheTimeout : 1,
  };
}

/** Of several, all between the oldest and the newest: what is left out within, OpenSSL speaks by itself only from old to new. */
function versions(text: string): TlsOptions {
  const words = text.toLowerCase().split(" ").filter(Boolean);
  if (words.length === 0) return { minVersion: "TLSv1.2" };
  const places = words.map((word) => {
    const place = ORDER.indexOf(PROTOCOLS[word]);
    if (place < 0) throw new Error(`tls-protocols: ${word} is none of TLSv1, TLSv1.1, TLSv1.2, TLSv1.3`);
    return place;
  });
  return { minVersion: ORDER[Math.min(...places)], maxVersion: ORDER[Math.max(...places)] };
}

function read(name: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message}`);
  }
}

function readAll(folder: string): Buffer[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile() || entry.isSymbolicLink())
      .map(({ name }) => read("tls-ca-cert-dir", join(folder, name)));
  } catch (error) {
    throw new Error(`tls-ca-cert-dir: ${(error as Error).message}`);
  }
}
