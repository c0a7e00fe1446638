/** Keys and certificates for a test, made by openssl: an authority, and who it vouches for. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** Writes ca.pem, server.pem for localhost and 127.0.0.1, and client.pem, with their .key, into `dir`. */
export function makeCertificates(dir: string): void {
  const openssl = (...words: string[]) =>
    execFileSync("openssl", words, { cwd: dir, stdio: ["ignore", "ignore", "pipe"] });
  openssl("req", "-x509", ...KEY, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=authority");
  writeFileSync(join(dir, "names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
  for (const name of ["server", "client"]) {
    openssl("req", ...KEY, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`);
    const names = name === "server" ? ["-extfile", "names"] : [];
    const signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", ...names];
    openssl("x509", "-req", "-in", `${name}.csr`, "-out", `${name}.pem`, ...signed);
  }
}
