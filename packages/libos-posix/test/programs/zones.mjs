// Link-local addresses by zone, as a number and by the interface's name, in every call: in a network namespace with the interface
// zone0, whose address is fe80::1. Arguments: engine.
import { openLibOS, PushFlag } from "@demikernel/core";

const os = await openLibOS({ libos: "posix", engine: process.argv[2], from: import.meta.url });
const heard = [];
for (const zone of ["zone0", ""]) {
  const server = os.socket("udp", { family: 6 });
  os.bind(server, { host: "fe80::1%zone0", port: 0 });
  const { host, port } = os.getsockname(server);
  const to = { host: zone === "" ? host : `fe80::1%${zone}`, port };
  const client = os.socket("udp", { family: 6 });
  os.wait(os.pushTo(client, os.sga.from("pushed to"), to, PushFlag.FREE), 2000);
  heard.push(os.sga.copy(os.wait(os.pop(server), 2000).sga).toString());
  os.wait(os.connect(client, to), 2000);
  os.wait(os.push(client, os.sga.from("connected to"), PushFlag.FREE), 2000);
  heard.push(os.sga.copy(os.wait(os.pop(server), 2000).sga).toString());
}
const codes = [];
for (const host of ["fe80::1%none", "fe80::1%lo"]) {
  const qd = os.socket("udp", { family: 6 });
  for (const call of [
    () => os.bind(qd, { host, port: 0 }),
    () => os.connect(qd, { host, port: 9 }),
    () => os.pushTo(qd, os.sga.from("x"), { host, port: 9 }, PushFlag.FREE),
  ]) {
    try {
      call();
      codes.push("none");
    } catch (error) {
      codes.push(error.code);
    }
  }
}
console.log(JSON.stringify({ heard, codes }));
os.destroy();
