/** Names: the lookup, its events, its errors, and the choice of a family. */
import assert from "node:assert/strict";
import { needs } from "../needs.mjs";

/** A lookup that finds these; later, as dns.lookup() does. */
const finds =
  (...addresses) =>
  (_host, options, done) =>
    process.nextTick(() => {
      if (options.all)
        done(
          null,
          addresses.map(([address, family]) => ({ address, family })),
        );
      else done(null, ...addresses[0]);
    });

async function watched(net, t, options, act) {
  const client = t.record.watch("client", t.owns(net.connect(options)));
  const errors = [];
  client.on("error", (error) => errors.push(t.shape(error)));
  client.on("connect", () => client.destroy());
  act?.(client);
  await t.closed(client);
  await t.turns();
  return [
    errors,
    t.record.parties,
    client.autoSelectFamilyAttemptedAddresses?.map((each) => each.replace(/:\d+$/, "")),
  ];
}

/** Answered after the socket has told that it is closed. */
async function answeredLate(net, t, options) {
  let answer;
  const lookup = (host, asked, done) => {
    answer = () => finds([t.host, 4])(host, asked, done);
  };
  const result = await watched(net, t, { port: 1, host: "late.invalid", lookup, ...options }, (client) =>
    client.destroy(),
  );
  answer();
  await t.turns();
  return [result, t.record.parties];
}

export const cases = {
  "a lookup of one's own": async (net, t) => {
    const server = await t.serve();
    return watched(net, t, { port: server.address().port, host: "one.invalid", lookup: finds([t.host, 4]) });
  },
  "what a lookup is given": async (net, t) => {
    const seen = [];
    const lookup = (host, options, done) => {
      seen.push([host, { ...options }, typeof done]);
      finds([t.host, 4])(host, options, done);
    };
    const { port } = (await t.serve()).address();
    const base = { port, host: "asked.invalid", lookup };
    for (const options of [
      {},
      { family: 4 },
      { family: "IPv4" },
      { hints: 3 },
      { autoSelectFamily: false },
      { autoSelectFamily: false, family: 0 },
      { localAddress: t.host },
    ]) {
      const client = t.owns(net.connect({ ...base, ...options }));
      await t.event(client, "connect");
      client.destroy();
    }
    return seen;
  },
  "without autoSelectFamily": async (net, t) => {
    const server = await t.serve();
    return watched(net, t, {
      port: server.address().port,
      host: "one.invalid",
      lookup: finds([t.host, 4]),
      autoSelectFamily: false,
    });
  },
  "that fails": async (net, t) => {
    const lookup = (_host, _options, done) =>
      process.nextTick(done, Object.assign(new Error("no such thing"), { code: "ENOTFOUND" }));
    return watched(net, t, { port: 1, host: "none.invalid", lookup });
  },
  "that fails, without autoSelectFamily": async (net, t) => {
    const lookup = (_host, _options, done) =>
      process.nextTick(done, Object.assign(new Error("no such thing"), { code: "ENOTFOUND" }));
    return watched(net, t, { port: 1, host: "none.invalid", lookup, autoSelectFamily: false });
  },
  "that fails at once": async (net, t) => {
    const lookup = (_host, _options, done) => done(new Error("at once"));
    return watched(net, t, { port: 1, host: "none.invalid", lookup });
  },
  "that finds what is no address": async (net, t) =>
    watched(net, t, { port: 1, host: "odd.invalid", lookup: finds(["not.an.address", 4]) }),
  "that finds what is no address, without autoSelectFamily": async (net, t) =>
    watched(net, t, { port: 1, host: "odd.invalid", lookup: finds(["not.an.address", 4]), autoSelectFamily: false }),
  "that finds a wrong family": async (net, t) =>
    watched(net, t, { port: 1, host: "odd.invalid", lookup: finds([t.host, 5]) }),
  "that finds a wrong family, without autoSelectFamily": async (net, t) =>
    watched(net, t, { port: 1, host: "odd.invalid", lookup: finds([t.host, 5]), autoSelectFamily: false }),
  "a wrong one among right ones is left out": async (net, t) => {
    const server = await t.serve();
    return watched(net, t, {
      port: server.address().port,
      host: "mixed.invalid",
      lookup: finds(["nonsense", 4], [t.host, 4]),
    });
  },
  "the same address twice is tried once": async (net, t) => {
    const server = await t.serve();
    return watched(net, t, {
      port: server.address().port,
      host: "twice.invalid",
      lookup: finds([t.host, 4], [t.host, 4]),
    });
  },
  "destroyed before the lookup has an answer": (net, t) => answeredLate(net, t, {}),
  "destroyed before the lookup has an answer, without autoSelectFamily": (net, t) =>
    answeredLate(net, t, { autoSelectFamily: false }),
  "a lookup that is no function": async (net, t) =>
    [1, "dns", {}].map((lookup) => t.thrown(() => net.connect({ port: 1, host: "a.invalid", lookup }))),
  "a lookup that is no function, for an address": async (net, t) => {
    const server = await t.serve();
    return watched(net, t, { port: server.address().port, host: t.host, lookup: "unused" });
  },
  "a lookup that is null is the usual one": async (net, t) => {
    const server = await t.serve();
    return watched(net, t, { port: server.address().port, host: t.host, lookup: null });
  },
  "the first of two addresses is dead: the second is taken": needs(["addresses"], async (net, t) => {
    const server = await t.serve();
    return watched(net, t, {
      port: server.address().port,
      host: "two.invalid",
      lookup: finds(["127.0.0.3", 4], [t.host, 4]),
      autoSelectFamily: true,
    });
  }),
  "IPv6 first, which is dead": needs(["ipv6"], async (net, t) => {
    const server = await t.serve();
    return watched(net, t, {
      port: server.address().port,
      host: "both.invalid",
      lookup: finds(["::1", 6], [t.host, 4]),
      autoSelectFamily: true,
    });
  }),
  "families are tried by turns": needs(["ipv6"], async (net, t) => {
    const port = await t.deadPort();
    const lookup = finds([t.host, 4], ["127.0.0.2", 4], ["::1", 6], ["127.0.0.3", 4]);
    return watched(net, t, { port, host: "many.invalid", lookup, autoSelectFamily: true });
  }),
  "all addresses are dead: an AggregateError": needs(["addresses"], async (net, t) => {
    const port = await t.deadPort();
    const result = await watched(net, t, {
      port,
      host: "dead.invalid",
      lookup: finds([t.host, 4], ["127.0.0.3", 4]),
      autoSelectFamily: true,
    });
    assert.equal(result[0][0].class, "AggregateError");
    return result;
  }),
  "several addresses without autoSelectFamily: the first only": needs(["addresses"], async (net, t) => {
    const port = await t.deadPort();
    return watched(net, t, {
      port,
      host: "dead.invalid",
      lookup: finds([t.host, 4], ["127.0.0.3", 4]),
      autoSelectFamily: false,
    });
  }),
  "destroyed between two attempts": needs(["addresses"], async (net, t) => {
    const port = await t.deadPort();
    return watched(
      net,
      t,
      { port, host: "dead.invalid", lookup: finds([t.host, 4], ["127.0.0.3", 4]), autoSelectFamily: true },
      (client) => client.on("connectionAttemptFailed", () => client.destroy()),
    );
  }),
  "an attempt that does not answer in time": needs(["kernel"], async (net, t) => {
    const server = await t.serve();
    // TEST-NET-2: nobody is there.
    const lookup = finds(["198.51.100.1", 4], [t.host, 4]);
    const options = {
      port: server.address().port,
      host: "slow.invalid",
      lookup,
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: 60,
    };
    const [, { client }, attempted] = await watched(net, t, options);
    // Where there is no route, it fails sooner.
    return [client.filter((event) => !/^connectionAttempt(Timeout|Failed)/.test(event)), attempted];
  }),
  "wrong autoSelectFamily": async (net, t) =>
    [1, "yes", {}].map((autoSelectFamily) =>
      t.thrown(() => net.connect({ port: 1, host: "a.invalid", autoSelectFamily })),
    ),
  "wrong autoSelectFamilyAttemptTimeout": async (net, t) =>
    [0, -1, 1.5, "10", {}, 2 ** 31, Number.NaN].map((autoSelectFamilyAttemptTimeout) =>
      t.thrown(() => net.connect({ port: 1, host: "a.invalid", autoSelectFamilyAttemptTimeout })),
    ),
  "family 4 of localhost": needs(["localhost"], async (net, t) => {
    const server = await t.serve();
    const result = await watched(net, t, { port: server.address().port, host: "localhost", family: 4 });
    assert.deepEqual(result[0], []);
    return result;
  }),
  "no host is localhost": needs(["localhost", "ipv6"], async (net, t) => {
    const server = await t.serve(null, {}, { host: "::" });
    const client = t.owns(net.connect(server.address().port));
    await t.event(client, "connect");
    return client._host;
  }),
  "a lookup that answers within the call": async (net, t) => {
    const server = await t.serve();
    const lookup = (_host, options, done) =>
      options.all ? done(null, [{ address: t.host, family: 4 }]) : done(null, t.host, 4);
    return watched(net, t, { port: server.address().port, host: "sync.invalid", lookup });
  },
};
export const alone = {
  "the default of autoSelectFamily": async (net, t) => {
    const before = net.getDefaultAutoSelectFamily();
    const timeout = net.getDefaultAutoSelectFamilyAttemptTimeout();
    net.setDefaultAutoSelectFamily(false);
    net.setDefaultAutoSelectFamilyAttemptTimeout(5);
    const facts = [before, timeout, net.getDefaultAutoSelectFamily(), net.getDefaultAutoSelectFamilyAttemptTimeout()];
    try {
      const seen = [];
      const lookup = (host, options, done) => {
        seen.push(options.all);
        finds([t.host, 4])(host, options, done);
      };
      const server = await t.serve();
      const client = t.owns(net.connect({ port: server.address().port, host: "default.invalid", lookup }));
      await t.event(client, "connect");
      facts.push(
        seen,
        t.thrown(() => net.setDefaultAutoSelectFamily(1)),
        t.thrown(() => net.setDefaultAutoSelectFamilyAttemptTimeout(0)),
      );
    } finally {
      net.setDefaultAutoSelectFamily(before);
      net.setDefaultAutoSelectFamilyAttemptTimeout(timeout);
    }
    return facts;
  },
};
