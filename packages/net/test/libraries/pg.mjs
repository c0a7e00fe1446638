/** PostgreSQL, by pg. */
import assert from "node:assert/strict";
import pg from "pg";
import { Postgres } from "./postgres.mjs";
import { happens, patternOf, until, within } from "./support.mjs";

/** pg's way to be given sockets. */
const streamOf = (via) => via.socketOptions.createConnection && { stream: () => new via.clientNet.Socket() };

const optionsFor = (via, { port }) => ({
  host: "127.0.0.1",
  port,
  user: "tester",
  database: "postgres",
  ...streamOf(via),
});

async function using(via, server, use, options = {}) {
  const client = new pg.Client({ ...optionsFor(via, server), ...options });
  client.on("error", () => {});
  // The server says first that it starts.
  await client.connect();
  try {
    await use(client);
  } finally {
    await client.end();
  }
}

export async function begin(via) {
  const server = await Postgres.start();
  await until(
    () =>
      using(via, server, () => {}).then(
        () => true,
        (error) => {
          if (error.code === "57P03") return false;
          throw error;
        },
      ),
    "PostgreSQL to be ready",
  );
  return server;
}

export const end = (server) => server?.stop();

export default {
  "queries, with values of all sizes both ways": (via, server) =>
    using(via, server, async (client) => {
      for (const bytes of [0, 1, 1000, 100_000, 5_000_000]) {
        const value = patternOf(bytes);
        const { rows } = await client.query("SELECT $1::bytea AS value, length($1::bytea) AS length", [value]);
        assert.equal(rows[0].length, bytes);
        assert.ok(rows[0].value.equals(value));
      }
      for (let i = 0; i < 300; i++) {
        const { rows } = await client.query({ name: "twice", text: "SELECT $1::int * 2 AS n", values: [i] });
        assert.equal(rows[0].n, 2 * i);
      }
    }),

  "a transaction that is taken back, and one that holds; an error between": (via, server) =>
    using(via, server, async (client) => {
      await client.query("CREATE TABLE IF NOT EXISTS kept (n int PRIMARY KEY); TRUNCATE kept");
      await client.query("BEGIN");
      await client.query("INSERT INTO kept VALUES (1)");
      await assert.rejects(client.query("INSERT INTO kept VALUES (1)"), { code: "23505" });
      await client.query("ROLLBACK");
      await client.query("BEGIN");
      await client.query("INSERT INTO kept VALUES (2)");
      await client.query("COMMIT");
      assert.deepEqual((await client.query("SELECT n FROM kept")).rows, [{ n: 2 }]);
    }),

  "100,000 rows at once, and by a cursor": (via, server) =>
    using(via, server, async (client) => {
      const all = await client.query("SELECT n, md5(n::text) AS text FROM generate_series(1, 100000) AS n");
      assert.equal(all.rows.length, 100_000);
      await client.query("BEGIN");
      await client.query("DECLARE rows CURSOR FOR SELECT n, md5(n::text) AS text FROM generate_series(1, 100000) AS n");
      let at = 0;
      for (;;) {
        const { rows } = await client.query("FETCH 5000 FROM rows");
        if (rows.length === 0) break;
        for (const row of rows) assert.deepEqual(row, all.rows[at++]);
      }
      assert.equal(at, 100_000);
      await client.query("COMMIT");
    }),

  "a Pool of 5": async (via, server) => {
    const pool = new pg.Pool({ ...optionsFor(via, server), max: 5 });
    const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => pool.query("SELECT $1::int AS n", [i])));
    assert.deepEqual(
      answers.map(({ rows }) => rows[0].n),
      Array.from({ length: 200 }, (_, i) => i),
    );
    assert.equal(pool.totalCount, 5);
    await pool.end();
  },

  "LISTEN and NOTIFY": (via, server) =>
    using(via, server, (listener) =>
      using(via, server, async (client) => {
        const came = [];
        listener.on("notification", ({ payload }) => came.push(payload));
        await listener.query("LISTEN news");
        for (let i = 0; i < 50; i++) await client.query("SELECT pg_notify('news', $1)", [`${i}`]);
        await until(() => came.length === 50, "50 notifications");
        assert.deepEqual(
          came,
          Array.from({ length: 50 }, (_, i) => `${i}`),
        );
      }),
    ),

  "TLS by an upgrade of the connection": (via, server) =>
    using(
      via,
      server,
      async (client) => {
        const { rows } = await client.query("SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
        assert.deepEqual(rows, [{ ssl: true, version: "TLSv1.3" }]);
        const value = patternOf(3_000_000);
        const echoed = await client.query("SELECT $1::bytea AS value", [value]);
        assert.ok(echoed.rows[0].value.equals(value));
      },
      { ssl: { rejectUnauthorized: false } },
    ),

  "a connection that the server ends, in the middle of a query": (via, server) =>
    using(via, server, async (client) => {
      const lost = new pg.Client(optionsFor(via, server));
      await lost.connect();
      const failed = happens(lost, "error");
      const { rows } = await lost.query("SELECT pg_backend_pid() AS pid");
      const waiting = assert.rejects(lost.query("SELECT pg_sleep(30)"), { code: "57P01" });
      await client.query("SELECT pg_terminate_backend($1)", [rows[0].pid]);
      await waiting;
      await failed;
      await within(assert.rejects(lost.query("SELECT 1")), "the query on a lost connection");
      await lost.end();
    }),
};
