/** MQTT: the broker aedes, and the client mqtt. */
import assert from "node:assert/strict";
import { Aedes } from "aedes";
import mqtt from "mqtt";
import { event, happens, patternOf, until } from "./support.mjs";

async function serving(via, use) {
  const broker = await Aedes.createBroker();
  const streams = new Set();
  const server = via.net.createServer((socket) => {
    streams.add(socket);
    socket.on("close", () => streams.delete(socket));
    broker.handle(socket);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  const clients = [];
  const connect = async (options = {}) => {
    const given = { host: "127.0.0.1", port, reconnectPeriod: 20, connectTimeout: 10_000, ...options };
    const client = via.socketOptions.createConnection
      ? new mqtt.MqttClient(() => via.clientNet.connect(port, "127.0.0.1"), given)
      : mqtt.connect({ protocol: "mqtt", ...given });
    client.on("error", () => {});
    clients.push(client);
    await event(client, "connect");
    return client;
  };
  try {
    await use({ broker, connect, streams });
  } finally {
    for (const client of clients) await client.endAsync(true);
    await new Promise((resolve) => broker.close(resolve));
    await new Promise((resolve) => server.close(resolve));
  }
}

/** What comes to a client. */
function inbox(client) {
  const came = [];
  client.on("message", (topic, payload, packet) =>
    came.push({ topic, text: payload.toString(), qos: packet.qos, retain: packet.retain }),
  );
  return came;
}

export default {
  "QoS 0, 1 and 2: each once": (via) =>
    serving(via, async ({ connect }) => {
      const [publisher, subscriber] = [await connect(), await connect()];
      const came = inbox(subscriber);
      await subscriber.subscribeAsync("a/+", { qos: 2 });
      for (const qos of [0, 1, 2]) await publisher.publishAsync(`a/${qos}`, `by ${qos}`, { qos });
      await until(() => came.length >= 3, "three messages");
      assert.deepEqual(
        came.map(({ topic, text, qos }) => [topic, text, qos]),
        [0, 1, 2].map((qos) => [`a/${qos}`, `by ${qos}`, qos]),
      );
    }),

  "1000 messages, in order": (via) =>
    serving(via, async ({ connect }) => {
      const [publisher, subscriber] = [await connect(), await connect()];
      const came = inbox(subscriber);
      await subscriber.subscribeAsync("many", { qos: 1 });
      const sent = Array.from({ length: 1000 }, (_, i) => `message ${i}`);
      await Promise.all(sent.map((text) => publisher.publishAsync("many", text, { qos: 1 })));
      await until(() => came.length >= 1000, "1000 messages");
      assert.deepEqual(
        came.map(({ text }) => text),
        sent,
      );
    }),

  "1 MiB in one message": (via) =>
    serving(via, async ({ connect }) => {
      const [publisher, subscriber] = [await connect(), await connect()];
      const bytes = patternOf(1024 * 1024);
      await subscriber.subscribeAsync("large", { qos: 1 });
      const coming = event(subscriber, "message");
      await publisher.publishAsync("large", bytes, { qos: 1 });
      assert.ok((await coming)[1].equals(bytes));
    }),

  "a retained message comes to who subscribes later": (via) =>
    serving(via, async ({ connect }) => {
      const publisher = await connect();
      await publisher.publishAsync("state", "on", { qos: 1, retain: true });
      const subscriber = await connect();
      const came = inbox(subscriber);
      await subscriber.subscribeAsync("state");
      await until(() => came.length === 1, "the retained message");
      assert.deepEqual([came[0].text, came[0].retain], ["on", true]);
    }),

  "a will is told when its client breaks off, and not when it says goodbye": (via) =>
    serving(via, async ({ connect }) => {
      const subscriber = await connect();
      const came = inbox(subscriber);
      await subscriber.subscribeAsync("will/+", { qos: 1 });
      const polite = await connect({ will: { topic: "will/polite", payload: Buffer.from("gone"), qos: 1 } });
      await polite.endAsync();
      const abrupt = await connect({
        will: { topic: "will/abrupt", payload: Buffer.from("gone"), qos: 1 },
        reconnectPeriod: 0,
      });
      abrupt.stream.destroy();
      await until(() => came.length >= 1, "the will");
      assert.deepEqual(
        came.map(({ topic }) => topic),
        ["will/abrupt"],
      );
    }),

  "connections that the server resets are made again, and nothing is lost": (via) =>
    serving(via, async ({ connect, streams }) => {
      const [publisher, subscriber] = [
        await connect({ clean: false, clientId: "p" }),
        await connect({ clean: false, clientId: "s" }),
      ];
      const came = inbox(subscriber);
      await subscriber.subscribeAsync("kept", { qos: 1 });
      const again = Promise.all([happens(publisher, "connect"), happens(subscriber, "connect")]);
      for (const stream of streams) stream.resetAndDestroy();
      const sending = Promise.all(
        Array.from({ length: 50 }, (_, i) => publisher.publishAsync("kept", `${i}`, { qos: 1 })),
      );
      await again;
      await sending;
      await until(() => new Set(came.map(({ text }) => text)).size === 50, "50 messages");
    }),
};
