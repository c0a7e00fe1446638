/** TLS, HTTPS and HTTP/2 under register: what a program is told, line by line, is what Node's own sockets tell it. */
import { endAll, temporaryDirectory } from "../../apps-echo/test/program.js";
import { makeCertificates } from "./certificates.js";
import { linesOf, PROOF, run, stepsOf } from "./proven.js";

afterEach(endAll);
const dir = temporaryDirectory();
beforeAll(() => makeCertificates(dir));

test("every step of programs/tls.cjs is as over Node's sockets", async () => {
  const node = await run("tls.cjs", { args: [dir], imports: [PROOF] });
  const ours = await run("tls.cjs", { args: [dir] });
  const expected = stepsOf(node);
  expect(expected.size).toBeGreaterThan(15);
  expect(stepsOf(ours)).toEqual(expected);
  expect(node.proof.kernelSockets).toBeGreaterThan(40);
  expect(ours.proof).toMatchObject({ kernelSockets: 0, kernelServers: 0 });
  expect(ours.proof.accepted).toBeGreaterThan(20);
});

test("a reset behind the peer's end is no error", async () => {
  const ended = await run("reset-after-end.cjs", { args: [dir] });
  expect(linesOf(ended)).toEqual(["all of it", "close false"]);
  expect(ended.proof).toMatchObject({ kernelSockets: 0, kernelServers: 0, accepted: 2 });
});
