// http by its own agent, without one, and by fetch.
const http = require("node:http");
const { once } = require("node:events");

async function main() {
  const server = http.createServer((request, response) => {
    response.end(`${request.method} ${request.url} ${request.socket.remoteAddress}`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  for (const agent of [undefined, false, new http.Agent({ keepAlive: true })]) {
    const request = http.get({ port, host: "127.0.0.1", path: "/agent", agent });
    const [response] = await once(request, "response");
    let text = "";
    for await (const bytes of response) text += bytes;
    console.log(text);
    if (agent) agent.destroy();
  }
  console.log(await (await fetch(`http://localhost:${port}/fetch`, { method: "POST", body: "x" })).text());
  server.close();
  server.closeAllConnections();
  await once(server, "close");
  console.log("closed");
}
main();
