/** What is done to sockets of node:dgram and of ours. What is seen is compared by ../dgram.test.ts. */
import { AsyncLocalStorage } from "node:async_hooks";
import dgram from "node:dgram";

const six = "udp6";

export const cases = {
  // ---- making ----------------------------------------------------------------------------------------------------------
  "a type that is none": (t) => {
    for (const type of ["udp5", undefined, null, 4, {}, { type: "tcp" }])
      t.throws("createSocket", () => t.createSocket(type));
  },
  "options that are wrong": (t) => {
    for (const wrong of [
      { lookup: 1 },
      { lookup: null },
      { signal: 1 },
      { signal: {} },
      { recvBufferSize: -1 },
      { recvBufferSize: "1" },
      { sendBufferSize: 1.5 },
    ]) {
      t.throws(JSON.stringify(wrong), () => t.createSocket({ type: "udp4", ...wrong }));
    }
  },
  "type, and instanceof": (t) => {
    const socket = t.socket("a", { type: "udp6" });
    t.log(socket.type, socket instanceof dgram.Socket);
  },
  "a listener given to createSocket": async (t) => {
    const a = t.socket("a", "udp4", (bytes) => t.log("given", bytes));
    t.log(a.listenerCount("message"));
    a.bind(0, "127.0.0.1");
    await t.until(a, "listening");
    const b = await t.bound("b");
    b.send("to the listener", a.address().port, "127.0.0.1");
    await t.until(a, "message").then(([bytes]) => t.log(bytes));
    t.seen = t.seen.filter(([name, event]) => !(name === "a" && event === "message"));
  },
  // ---- binding ---------------------------------------------------------------------------------------------------------
  "bind(port, address, callback)": async (t) => {
    const a = t.socket("a");
    t.log(
      a.bind(0, "127.0.0.1", function () {
        t.log("callback", this === a);
      }) === a,
    );
    t.log("bind returned");
    await t.until(a, "listening");
    t.port("a", a);
    t.log(a.address());
  },
  "bind(callback)": (t) => {
    const a = t.socket("a");
    return t.called("callback", (done) => a.bind(done)).then(() => t.log(a.address().address, a.address().port > 0));
  },
  "bind(port, callback)": (t) => {
    const a = t.socket("a");
    return t.called("callback", (done) => a.bind(0, done)).then(() => t.log(a.address().family));
  },
  "bind(options, callback)": (t) => {
    const a = t.socket("a");
    return t
      .called("callback", (done) => a.bind({ port: 0, address: "127.0.0.1", exclusive: true }, done))
      .then(() => t.log(a.address().address));
  },
  "bind() of udp6 is to all": async (t) => {
    const a = t.socket("a", six);
    a.bind();
    await t.until(a, "listening");
    t.log(a.address().address, a.address().family);
  },
  "bind twice": async (t) => {
    const a = t.socket("a");
    a.bind(0, "127.0.0.1");
    t.throws("while it is being bound", () => a.bind());
    await t.until(a, "listening");
    t.throws("bound", () => a.bind(0));
  },
  "bind to a port in use": async (t) => {
    const a = await t.bound("a");
    const b = t.socket("b");
    b.bind(a.address().port, "127.0.0.1", () => t.log("never"));
    await t.until(b, "error");
    t.log("error", b.listenerCount("listening"));
    b.bind(0, "127.0.0.1");
    await t.until(b, "listening");
  },
  "reuseAddr: two on a port": async (t) => {
    const a = await t.bound("a", { type: "udp4", reuseAddr: true });
    const b = t.socket("b", { type: "udp4", reuseAddr: true });
    b.bind(a.address().port, "127.0.0.1");
    await t.until(b, "listening");
  },
  "bind to an address that is not here": async (t) => {
    const a = t.socket("a");
    a.bind(0, "192.0.2.1");
    await t.until(a, "error");
  },
  "bind to an address of the other family": async (t) => {
    const a = t.socket("a");
    a.bind(0, "::1");
    await t.until(a, "error");
    const b = t.socket("b", six);
    b.bind(0, "127.0.0.1");
    await t.until(b, "error");
  },
  "address() before binding, and after closing": async (t) => {
    const a = t.socket("a");
    t.throws("before", () => a.address());
    a.bind(0, "127.0.0.1");
    await t.until(a, "listening");
    a.close();
    t.throws("after", () => a.address());
  },
  "a lookup of one's own": async (t) => {
    const a = t.socket("a", {
      type: "udp4",
      lookup: (host, family, done) => {
        t.log("lookup", host, family);
        process.nextTick(done, null, "127.0.0.1", 4);
      },
    });
    a.bind(0, "somewhere");
    await t.until(a, "listening");
    t.port("a", a);
    await t.called("send", (done) => a.send("x", a.address().port, "elsewhere", done));
  },
  "a lookup that fails": async (t) => {
    const lookup = (host, _family, done) =>
      process.nextTick(done, Object.assign(new Error(`no ${host}`), { code: "ENOTFOUND" }));
    const a = t.socket("a", { type: "udp4", lookup });
    a.bind(0, "somewhere", () => t.log("never"));
    await t.until(a, "error");
    let fails = false;
    const b = t.socket("b", {
      type: "udp4",
      lookup: (host, family, done) => (fails ? lookup(host, family, done) : process.nextTick(done, null, host, 4)),
    });
    b.bind(0, "127.0.0.1");
    await t.until(b, "listening");
    fails = true;
    await t.called("send", (done) => b.send("x", 9, "elsewhere", done));
    b.send("x", 9, "nowhere");
    await t.until(b, "error");
    await t.called("connect", (done) => b.connect(9, "never", done));
  },
  // ---- sending ---------------------------------------------------------------------------------------------------------
  "send forms": async (t) => {
    const a = await t.bound("a");
    const b = await t.bound("b");
    const { port } = b.address();
    const abc = Buffer.from("abcdef");
    const forms = [
      [abc, port, "127.0.0.1"],
      ["a string", port, "127.0.0.1"],
      [abc, 1, 3, port, "127.0.0.1"],
      ["string part", 0, 6, port, "127.0.0.1"],
      [[abc, "-", new Uint8Array([65, 66])], port, "127.0.0.1"],
      [new Uint16Array([0x4142, 0x4344]), port, "127.0.0.1"],
      [new DataView(abc.buffer, abc.byteOffset, 2), port, "127.0.0.1"],
      [abc, port],
      [abc, 2, 2, port],
      [abc, String(port), "127.0.0.1"],
      ["é€", port, "localhost"],
    ];
    for (const form of forms) {
      const came = t.until(b, "message");
      t.log(a.send(...form));
      await came;
    }
  },
  "send callbacks": async (t) => {
    const a = await t.bound("a");
    const b = await t.bound("b");
    const { port } = b.address();
    for (const form of [
      ["abc", port, "127.0.0.1"],
      ["abc", port],
      ["abcdef", 1, 3, port, "127.0.0.1"],
      ["abcdef", 1, 3, port],
      [["ab", "cd"], port],
    ]) {
      const came = t.until(b, "message");
      t.seen.push(
        ...(
          await Promise.all([t.called("callback", (done) => a.send(...form, done)).then(() => []), came.then(() => [])])
        ).flat(),
      );
    }
    t.seen.sort((x, y) => (JSON.stringify(x) < JSON.stringify(y) ? -1 : 1));
  },
  "send arguments that are wrong": (t) => {
    const a = t.socket("a");
    const wrong = [
      [],
      [1, 80],
      [null, 80],
      [{}, 80],
      [[1], 80],
      [["a", null], 80],
      ["abc", 4, 1, 80],
      ["abc", 0, 4, 80],
      ["x"],
      ["x", 0],
      ["x", 65536],
      ["x", -1],
      ["x", 1.5],
      ["x", "http"],
      ["x", null],
      ["x", 80, 5],
      ["x", 80, {}],
      ["x", 0, 1, 0, "127.0.0.1"],
      ["x", 0, 1, 80, 7],
    ];
    for (const args of wrong) t.throws(JSON.stringify(args), () => a.send(...args));
  },
  "the largest datagram, and one byte more": async (t) => {
    const a = await t.bound("a");
    const b = await t.bound("b");
    const came = t.until(b, "message");
    await t.called("largest", (done) => a.send(Buffer.alloc(65507, "x"), b.address().port, "127.0.0.1", done));
    await came;
    await t.called("larger", (done) => a.send(Buffer.alloc(65508), b.address().port, "127.0.0.1", done));
    await t.called("far larger", (done) => a.send(Buffer.alloc(3_000_000), b.address().port, "127.0.0.1", done));
    t.seen.sort((x, y) => (JSON.stringify(x) < JSON.stringify(y) ? -1 : 1));
  },
  "send to an address of the other family": async (t) => {
    const a = await t.bound("a");
    await t.called("callback", (done) => a.send("x", 9, "::1", done));
    const b = await t.bound("b", six);
    await t.called("callback", (done) => b.send("x", 9, "127.0.0.1", done));
    a.send("x", 9, "::1");
    await t.called("another", (done) => a.send("x", a.address().port, "127.0.0.1", done));
  },
  "a failed send without callback is not told": async (t) => {
    const a = await t.bound("a");
    a.send(Buffer.alloc(70_000), 9, "127.0.0.1");
    await t.called("another", (done) => a.send("x", a.address().port, "127.0.0.1", done));
  },
  "send binds": async (t) => {
    const b = await t.bound("b");
    const a = t.socket("a");
    a.send("first", b.address().port, "127.0.0.1");
    a.send("second", b.address().port, "127.0.0.1");
    t.throws("bind", () => a.bind());
    await t.until(a, "listening");
    t.port("a", a);
    t.log(a.address().address);
    await t.until(b, "message");
    if (t.seen.filter(([, event]) => event === "message").length < 2) await t.until(b, "message");
  },
  "send binds; what fails clears what waits": async (t) => {
    const a = t.socket("a", {
      type: "udp4",
      lookup: (host, _family, done) => process.nextTick(done, new Error(`no ${host}`)),
    });
    a.send("x", 9, "127.0.0.1", () => t.log("never"));
    await t.until(a, "error");
    t.log(a.listenerCount("listening"));
  },
  "datagrams come in order": async (t) => {
    const a = await t.bound("a");
    const b = await t.bound("b");
    const texts = [];
    const all = new Promise((done) => b.on("message", (bytes) => texts.push(String(bytes)) === 100 && done()));
    for (let i = 0; i < 100; i++) a.send(`datagram ${i}`, b.address().port, "127.0.0.1");
    await t.within(all);
    t.seen = [[texts]];
  },
  "many at once, each called back": async (t) => {
    const a = await t.bound("a");
    const b = await t.bound("b");
    b.removeAllListeners("message");
    let sent = 0;
    await t.within(
      new Promise((done) => {
        for (let i = 0; i < 1500; i++)
          a.send(`${i}`, b.address().port, "127.0.0.1", (error, bytes) => {
            if (error === null && bytes === `${i}`.length && ++sent === 1500) done();
          });
      }),
    );
    t.seen = [["sent", sent]];
  },
  "the memory of a message may be reused after the callback": async (t) => {
    const a = await t.bound("a");
    const b = await t.bound("b");
    const bytes = Buffer.from("one");
    const first = t.until(b, "message");
    await t.within(new Promise((done) => a.send(bytes, b.address().port, "127.0.0.1", done)));
    bytes.write("two");
    await first;
    const second = t.until(b, "message");
    a.send(bytes, b.address().port, "127.0.0.1");
    await second;
  },
  // ---- receiving -------------------------------------------------------------------------------------------------------
  rinfo: async (t) => {
    const a = await t.bound("a");
    const b = await t.bound("b");
    a.send("hello", b.address().port, "127.0.0.1");
    const [bytes, from] = await t.until(b, "message");
    t.log(Object.keys(from), Buffer.isBuffer(bytes), from);
  },
  "an empty datagram comes": async (t) => {
    const sender = dgram.createSocket("udp4");
    const b = await t.bound("b");
    sender.send("", b.address().port, "127.0.0.1", () => sender.close());
    const [bytes, { size }] = await t.until(b, "message");
    t.seen = [[bytes.length, size]];
  },
  "messages are one's own to keep": async (t) => {
    const a = await t.bound("a");
    const b = await t.bound("b");
    const kept = [];
    for (let i = 0; i < 20; i++) {
      const came = t.until(b, "message");
      a.send(Buffer.alloc(10 + i * 300, `${i % 10}`), b.address().port, "127.0.0.1");
      kept.push((await came)[0]);
    }
    t.seen = [kept.map((bytes, i) => bytes.length === 10 + i * 300 && bytes.every((byte) => byte === 48 + (i % 10)))];
  },
  udp6: async (t) => {
    const a = await t.bound("a", six);
    const b = await t.bound("b", six);
    a.send("six", b.address().port, "::1");
    await t.until(b, "message");
    b.send("default", a.address().port);
    await t.until(a, "message");
    t.log(a.address());
  },
  "udp6 on :: speaks with both": async (t) => {
    const a = t.socket("a", six);
    a.bind(0);
    await t.until(a, "listening");
    const port = t.port("a", a);
    const four = await t.bound("four");
    four.send("from four", port, "127.0.0.1");
    const [, from] = await t.until(a, "message");
    a.send("back to four", from.port, from.address);
    await t.until(four, "message");
    const sixth = await t.bound("six", six);
    sixth.send("from six", port, "::1");
    await t.until(a, "message");
  },
  ipv6Only: async (t) => {
    const a = t.socket("a", { type: six, ipv6Only: true });
    a.bind(0);
    await t.until(a, "listening");
    const four = t.socket("four");
    four.bind(a.address().port, "0.0.0.0");
    await t.until(four, "listening");
  },
  // ---- connecting ------------------------------------------------------------------------------------------------------
  "connect, send, disconnect": async (t) => {
    // A port that was asked for stays; one that was chosen is given back by a disconnect.
    const chosen = await t.bound("chosen");
    const port = chosen.address().port;
    chosen.close();
    await t.until(chosen, "close");
    const a = t.socket("a");
    a.bind(port, "127.0.0.1");
    await t.until(a, "listening");
    const b = await t.bound("b");
    await t.called("connect", (done) => t.log(a.connect(b.address().port, "127.0.0.1", done)));
    t.log(a.remoteAddress(), a.address());
    for (const form of [["all"], [Buffer.from("a part"), 2, 4], [["a ", "list"]], ["null", null]]) {
      const came = t.until(b, "message");
      a.send(...form);
      await came;
    }
    t.throws("with a port", () => a.send("x", 0, 1, 80));
    t.throws("with an address", () => a.send("x", 0, 1, 80, "127.0.0.1"));
    t.throws("again", () => a.connect(80));
    a.disconnect();
    t.throws("twice", () => a.disconnect());
    t.throws("remoteAddress", () => a.remoteAddress());
    t.throws("without a port", () => a.send("x"));
    const came = t.until(b, "message");
    a.send("to all", b.address().port, "127.0.0.1");
    await came;
    t.log(a.address());
  },
  "disconnect gives a port back that was chosen": async (t) => {
    const a = await t.bound("a");
    const b = await t.bound("b");
    const { port } = a.address();
    a.connect(b.address().port, "127.0.0.1");
    await t.until(a, "connect");
    a.disconnect();
    t.log(a.address().port === port, a.address().address);
  },
  "a connected send's callback": async (t) => {
    const a = await t.bound("a");
    const b = await t.bound("b");
    a.connect(b.address().port, "127.0.0.1");
    await t.until(a, "connect");
    for (const form of [["abc"], ["abcdef", 0, 2]]) {
      const came = t.until(b, "message");
      await Promise.all([
        new Promise((done) => a.send(...form, (...args) => done(args))).then((args) => t.log(args)),
        came,
      ]);
    }
    t.seen.sort((x, y) => (JSON.stringify(x) < JSON.stringify(y) ? -1 : 1));
    await t.called("larger", (done) => a.send(Buffer.alloc(70_000), done));
  },
  "a connected socket hears its peer alone": async (t) => {
    const [a, b, c] = [await t.bound("a"), await t.bound("b"), await t.bound("c")];
    a.connect(b.address().port, "127.0.0.1");
    await t.until(a, "connect");
    await t.within(new Promise((done) => c.send("a stranger", a.address().port, "127.0.0.1", done)));
    b.send("the peer", a.address().port, "127.0.0.1");
    await t.until(a, "message");
  },
  "connect binds": async (t) => {
    const b = await t.bound("b");
    const a = t.socket("a");
    a.connect(b.address().port);
    t.throws("send while it is connecting", () => a.send("x"));
    t.throws("connect while it is connecting", () => a.connect(80));
    t.throws("disconnect while it is connecting", () => a.disconnect());
    await t.until(a, "connect");
    t.port("a", a);
    t.log(a.address().address, a.remoteAddress());
    a.send("hello");
    await t.until(b, "message");
  },
  "connect of udp6": async (t) => {
    const b = await t.bound("b", six);
    const a = t.socket("a", six);
    a.connect(b.address().port, "::1");
    await t.until(a, "connect");
    t.port("a", a);
    t.log(a.remoteAddress(), a.address());
    a.send("hello");
    await t.until(b, "message");
  },
  "connect arguments that are wrong": (t) => {
    const a = t.socket("a");
    for (const args of [[], [0], [65536], ["x"], [80, 5], [80, null]])
      t.throws(JSON.stringify(args), () => a.connect(...args));
    t.throws("remoteAddress", () => a.remoteAddress());
    t.throws("disconnect", () => a.disconnect());
  },
  "connect to the other family": async (t) => {
    const a = t.socket("a");
    await t.called("callback", (done) => a.connect(9, "::1", done));
    t.log(a.listenerCount("connect"));
    a.connect(9, "::1");
    await t.until(a, "error");
  },
  "nobody is there: a connected socket is told": async (t) => {
    const gone = await t.bound("gone");
    const { port } = gone.address();
    gone.close();
    await t.until(gone, "close");
    const a = await t.bound("a");
    a.connect(port, "127.0.0.1");
    await t.until(a, "connect");
    a.send("hello?");
    const [error] = await t.until(a, "error");
    t.log(error.code, error.syscall);
  },
  // ---- end -------------------------------------------------------------------------------------------------------------
  "close(callback)": async (t) => {
    const a = await t.bound("a");
    const closed = t.called("callback", (done) => t.log(a.close(done) === a));
    t.log("close returned");
    await closed;
  },
  "close before binding": async (t) => {
    const a = t.socket("a");
    a.close();
    await t.until(a, "close");
    for (const call of ["bind", "close", "address", "remoteAddress"]) t.throws(call, () => a[call]());
    t.throws("send", () => a.send("x", 80));
    t.throws("setMulticastInterface", () => a.setMulticastInterface("0.0.0.0"));
    t.throws("addMembership", () => a.addMembership("224.0.0.1"));
    t.log(a.ref() === a, a.unref() === a);
  },
  "close while it is being bound": async (t) => {
    const a = t.socket("a");
    a.bind(0, "127.0.0.1", () => t.log("never"));
    a.close();
    await t.until(a, "close");
  },
  "close behind a send that binds": async (t) => {
    const a = t.socket("a");
    a.send("x", 9, "127.0.0.1", () => t.log("never"));
    a.close();
    await t.until(a, "close");
  },
  "send, and close in its callback": async (t) => {
    const b = await t.bound("b");
    const a = t.socket("a");
    a.send("last words", b.address().port, "127.0.0.1", () => a.close());
    await Promise.all([t.until(b, "message"), t.until(a, "close")]);
    t.seen = t.seen.map(([name, event]) => [name, event]).sort();
  },
  "what was sent goes out before it is closed": async (t) => {
    const b = await t.bound("b");
    let isBound = false;
    const lookup = (host, _family, done) => (isBound ? done(null, host, 4) : process.nextTick(done, null, host, 4));
    const a = await t.bound("a", { type: "udp4", lookup });
    isBound = true;
    a.send("last words", b.address().port, "127.0.0.1", (error, bytes) => t.log("callback", error, bytes));
    a.close();
    await t.until(a, "close");
    if (!t.seen.some(([, event]) => event === "message")) await t.until(b, "message");
    t.seen.sort((x, y) => (JSON.stringify(x) < JSON.stringify(y) ? -1 : 1));
  },
  signal: async (t) => {
    const controller = new AbortController();
    const a = await t.bound("a", { type: "udp4", signal: controller.signal });
    controller.abort();
    await t.until(a, "close");
    const b = t.socket("b", { type: "udp4", signal: controller.signal });
    t.throws("bind", () => b.bind());
  },
  asyncDispose: async (t) => {
    const a = await t.bound("a");
    await a[Symbol.asyncDispose]();
    t.log("disposed");
    await a[Symbol.asyncDispose]();
    t.log("again");
  },
  // ---- options ---------------------------------------------------------------------------------------------------------
  "buffer sizes": async (t) => {
    const a = await t.bound("a", { type: "udp4", recvBufferSize: 20_000, sendBufferSize: 30_000 });
    t.log(a.getRecvBufferSize(), a.getSendBufferSize());
    a.setRecvBufferSize(40_000);
    a.setSendBufferSize(50_000);
    t.log(a.getRecvBufferSize(), a.getSendBufferSize());
    for (const size of [-1, 1.5, "1", 2 ** 33]) t.throws(`${size}`, () => a.setRecvBufferSize(size));
  },
  "options before binding": (t) => {
    const a = t.socket("a");
    t.throws("getRecvBufferSize", () => a.getRecvBufferSize());
    t.throws("getSendBufferSize", () => a.getSendBufferSize());
    t.throws("setRecvBufferSize", () => a.setRecvBufferSize(1000));
    t.throws("setSendBufferSize", () => a.setSendBufferSize(1000));
    t.throws("setTTL", () => a.setTTL(10));
    t.throws("setBroadcast", () => a.setBroadcast(true));
    t.throws("setMulticastTTL", () => a.setMulticastTTL(10));
    t.throws("setMulticastLoopback", () => a.setMulticastLoopback(true));
    t.log(a.getSendQueueSize(), a.getSendQueueCount());
  },
  "options that are wrong in kind": async (t) => {
    const a = await t.bound("a");
    t.throws("setTTL", () => a.setTTL("1"));
    t.throws("setMulticastTTL", () => a.setMulticastTTL());
    t.throws("setMulticastInterface", () => a.setMulticastInterface(4));
    t.throws("addMembership", () => a.addMembership());
    t.throws("dropMembership", () => a.dropMembership(""));
    t.throws("addSourceSpecificMembership", () => a.addSourceSpecificMembership(1, "224.0.0.1"));
    t.throws("dropSourceSpecificMembership", () => a.dropSourceSpecificMembership("10.0.0.1", 2));
    t.throws("setBroadcast", () => a.setBroadcast(false));
  },
  "the send queue empties": async (t) => {
    const a = await t.bound("a");
    await t.called("callback", (done) => a.send("x", a.address().port, "127.0.0.1", done));
    t.seen = [[a.getSendQueueSize(), a.getSendQueueCount()]];
  },
  sendto: async (t) => {
    const a = await t.bound("a");
    const b = await t.bound("b");
    a.sendto("abcdef", 2, 3, b.address().port, "127.0.0.1");
    await t.until(b, "message");
    t.throws("sendto", () => a.sendto("abc", "0", 1, 2, "x"));
  },
  // ---- what surrounds a call -------------------------------------------------------------------------------------------
  "asynchronous context": async (t) => {
    const around = new AsyncLocalStorage();
    const made = (name) => around.run(`made ${name}`, () => t.createSocket("udp4"));
    const tell = (socket, name, event) => socket.on(event, () => t.log(name, event, around.getStore()));
    const [a, b] = [made("a"), made("b")];
    for (const event of ["listening", "message", "connect", "close"]) {
      tell(a, "a", event);
      tell(b, "b", event);
    }
    for (const socket of [a, b]) {
      around.run("bind", () => socket.bind(0, "127.0.0.1"));
      await t.until(socket, "listening");
    }
    const { port } = b.address();
    for (const sender of ["first", "second"]) {
      const came = t.until(b, "message");
      await around.run(
        sender,
        () => new Promise((done) => a.send("x", port, "127.0.0.1", () => done(t.log("sent", around.getStore())))),
      );
      await came;
    }
    await around.run(
      "connect",
      () => new Promise((done) => a.connect(port, "127.0.0.1", () => done(t.log("callback", around.getStore())))),
    );
    for (const socket of [a, b]) around.run("close", () => socket.close());
    await Promise.all([t.until(a, "close"), t.until(b, "close")]);
    // A message may come before the callback of its send is called, or after it.
    t.seen.sort();
  },
};
