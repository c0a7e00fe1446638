/** What the loss benchmark does on a stream. */

/** The services of loss-server.mjs. */
export const ports = { echo: 7, sink: 9, source: 19 };
export const requestBytes = 1000;

/** Sends `bytes`: MB/s until the other end has them, and the longest time in which nothing arrived there, ms. */
export async function sendBulk(host, address, bytes) {
  const stream = await host.connect(address, ports.sink);
  const data = Buffer.alloc(bytes, "b");
  const start = performance.now();
  await stream.send(data);
  const gap = Number(await stream.text());
  const seconds = (performance.now() - start) / 1000;
  stream.close();
  return { rate: bytes / seconds / 1e6, gap };
}

/** Receives `bytes`: the same, seen from here. */
export async function receiveBulk(host, address, bytes) {
  const stream = await host.connect(address, ports.source);
  const start = performance.now();
  await stream.send(Buffer.from("?"));
  let gap = 0;
  let last;
  for (let got = 0; got < bytes; ) {
    got += await stream.receive();
    const now = performance.now();
    if (last !== undefined) gap = Math.max(gap, now - last);
    last = now;
  }
  const seconds = (performance.now() - start) / 1000;
  stream.close();
  return { rate: bytes / seconds / 1e6, gap };
}

/** The times of requests, one after the other, ms. */
export async function requests(host, address, count) {
  const stream = await host.connect(address, ports.echo);
  const request = Buffer.alloc(requestBytes, "m");
  const times = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    await stream.send(request);
    for (let got = 0; got < requestBytes; ) got += await stream.receive();
    times.push(performance.now() - start);
  }
  stream.close();
  return times;
}
