/** What index.ts exports for http, https, http2, tls and undici, without register. */
import { endAll, temporaryDirectory } from "../../apps-echo/test/program.js";
import { makeCertificates } from "./certificates.js";
import { PROOF, run, stepsOf } from "./proven.js";

afterEach(endAll);
const dir = temporaryDirectory();
beforeAll(() => makeCertificates(dir));

test("serve(), agents, connector(), connectTLS() and createTLSServer()", async () => {
  const ended = await run("explicit.mjs", { args: [dir], imports: [PROOF] });
  expect(Object.fromEntries(stepsOf(ended))).toEqual({
    "# http, served, by an agent": ["/a 127.0.0.1 false", "/b 127.0.0.1 true", "1 true"],
    "# https, served, by an agent that resumes": [
      "false 127.0.0.1",
      "true 127.0.0.1",
      "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    ],
    "# http2, both": ["127.0.0.1 2.0 127.0.0.1", "127.0.0.1 2.0 127.0.0.1"],
    "# tls": ["to 127.0.0.1 by TLSv1.3", "to 127.0.0.1 by TLSv1.3 true", "served"],
    "# undici": [
      "200 /undici 127.0.0.1",
      "200 /undici 127.0.0.1",
      "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
      "ECONNREFUSED",
      "UND_ERR_CONNECT_TIMEOUT ConnectTimeoutError",
    ],
    "# closing, while somebody is there": [
      "true true true",
      "ECONNREFUSED false false",
      "closed undefined",
      "EADDRINUSE false",
    ],
    "# beside the kernel": ["false", "both", "both", "true"],
    "# what is Node's": ["kernel 0"],
  });
  // Both ends of the last step, two clients and one end of the step before.
  expect(ended.proof).toMatchObject({ kernelSockets: 5, kernelServers: 2 });
  expect(ended.proof.accepted).toBeGreaterThan(10);
});
