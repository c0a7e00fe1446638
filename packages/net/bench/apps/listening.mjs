/** Starts a server of node's (http, net) on one of the sides, and says where: "ready PORT". */
const HOST = "127.0.0.1";

/** @demikernel/net with its libOS open, or node:net. `side`: "node", or options of a libOS as JSON. */
export async function netOf(side) {
  if (side === "node") return import("node:net");
  const net = await import("@demikernel/net");
  await net.open(JSON.parse(side));
  return net;
}

export async function listening(side, server, host = HOST) {
  if (side === "node") {
    server.listen(0, host, () => console.log(`ready ${server.address().port}`));
    return;
  }
  const { serve } = await netOf(side);
  const listener = serve(server, { port: 0, host, noDelay: true }, () =>
    console.log(`ready ${listener.address().port}`),
  );
}
