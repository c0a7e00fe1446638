/** What is published: packed, installed by npm into an empty project on a machine without a compiler, and loaded before an application there. */
import { existsSync, readdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bareSystem, emptyProject, npmInstall, pack } from "../../apps-echo/test/packed.js";
import { endAll, Program, temporaryDirectory } from "../../apps-echo/test/program.js";

const PACKED = ["core", "libos-posix", "net"];
const APP = `
import http from "node:http";
import net from "node:net";
import { open } from "@demikernel/net";

const server = http.createServer((request, response) => response.end("hello"));
server.listen(0, "127.0.0.1", async () => {
  const answer = await fetch(\`http://127.0.0.1:\${server.address().port}\`);
  // register has opened it.
  const refused = await open().catch(({ code }) => code);
  console.log(await answer.text(), refused, new net.Socket() instanceof net.Socket);
  server.close();
});
`;
const dir = temporaryDirectory();
let env: NodeJS.ProcessEnv;
let project: string;

beforeAll(() => {
  env = bareSystem(dir);
  project = emptyProject(dir);
  const tarballs = pack(PACKED);
  npmInstall(
    PACKED.map((name) => tarballs.get(name) as string),
    project,
    env,
  );
}, 120_000);
afterEach(endAll);

test("it has its documents and no tests, and its README's links lead somewhere", () => {
  const folder = realpathSync(join(project, "node_modules/@demikernel/net"));
  expect(readdirSync(folder)).toEqual(expect.arrayContaining(["dist", "package.json", "README.md", "LIMITS.md"]));
  expect(readdirSync(folder)).not.toContain("test");
  const readme = readFileSync(join(folder, "README.md"), "utf8");
  const linked = [...readme.matchAll(/\]\((\w[^):]*)\)/g)].map(([, path]) => path as string);
  expect(linked).toContain("LIMITS.md");
  expect(linked.filter((path) => !existsSync(join(folder, path)))).toEqual([]);
});

test("an application that knows nothing of it runs over the libOS, and ends", async () => {
  writeFileSync(join(project, "app.js"), APP);
  const words = ["--import", "@demikernel/net/register", "app.js"];
  const ended = await new Program(join(dir, "bin/node"), words, { cwd: project, env, bare: true }).exited;
  expect(ended).toMatchObject({ code: 0, stdout: "hello EALREADY true\n", stderr: "" });
});
