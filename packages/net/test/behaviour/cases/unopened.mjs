/** Without open(): the first socket or server opens the libOS, which takes a while. address() is then null until "listening", and nothing else differs. */

async function says(t, what) {
  const child = t.child("unopened.mjs", {}, what);
  let said = "";
  child.stdout.on("data", (bytes) => {
    said += bytes;
  });
  const [code, signal] = await t.event(child, "close");
  return [code, signal, said.trim().split("\n")];
}

const WHATS = [
  "echo",
  "refused",
  "close before listening",
  "listen twice",
  "destroy at once",
  "end at once",
  "taken",
  "unref",
  "reset at once",
  "timeout",
  "lookup",
];

export const cases = Object.fromEntries(WHATS.map((what) => [what, (_net, t) => says(t, what)]));
