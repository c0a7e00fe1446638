import { open, PEER } from "./two-ports.mjs";

const [how, json = "{}"] = process.argv.slice(2);
const { to, ...options } = JSON.parse(json);
const os = await open({ address: PEER, ...options });
if (how === "say") {
  const qd = os.socket("tcp");
  await os.async.connect(qd, to);
  await os.async.push(qd, os.sga.from("hello"), { free: true });
  process.send("said");
  for await (const sga of os.async.messages(qd)) os.sga.length(sga);
  os.close(qd);
} else {
  const listener = os.socket("tcp");
  os.bind(listener, { host: PEER, port: 0 });
  os.listen(listener);
  process.send(os.getsockname(listener).port);
  let echoing = how === "echo";
  for await (const qd of os.async.connections(listener)) {
    if (how === "take") void take(qd);
    if (echoing) void echo(qd);
    echoing ||= how === "hold-first";
  }
}

async function take(qd) {
  for await (const sga of os.async.messages(qd)) os.sga.length(sga);
  os.close(qd);
}

async function echo(qd) {
  try {
    for await (const sga of os.async.messages(qd))
      await os.async.push(qd, os.sga.from(os.sga.copy(sga)), { free: true });
  } catch (error) {
    console.error(`wire-peer: ${error.message}`);
  }
  os.close(qd);
}
