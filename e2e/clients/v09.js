// Scenarios for socket.io-client 0.7.11, 0.8.7 and 0.9.17: node v09.js --url URL
// --transport websocket|xhr-polling [--client 0.7|0.8|0.9]
// [--group heartbeat|restart] [--only REGEXP]
"use strict";

const { Inbox, assert, restarted, run } = require("./harness");
const { connect, open, version } = require("./client09");
const { borders, kilobytes100, texts, values } = require("./values");

// The texts but for the line separators, which have a scenario of their own.
const inLine = Object.fromEntries(
  Object.entries(texts).filter(([, text]) => !/[\u2028\u2029]/.test(text))
);

// What 0.7 cannot read: its parser drops a packet of type 3 that has a line end.
const readable = (bench, text) => version(bench) !== "0.7" || !/[\n\r\u2028\u2029]/.test(text);

const ordinary = {
  async connect(bench) {
    const client = open(bench);
    await client.next("connect");
    assert.deepEqual(await client.next("auth"), [{}]);
    assert.match(client.id, /^[^:/?#%]+$/);
    assert.equal(client.socket.transport.name, bench.transport);
    assert.deepEqual(await client.echo("hello"), ["hello"]);
  },

  async "echo texts"(bench) {
    const client = await connect(bench);
    for (const [name, text] of Object.entries(inLine)) {
      assert.deepEqual(await client.echo(text), [text], name);
    }
  },

  async "echo values"(bench) {
    const client = await connect(bench);
    for (const value of values) {
      assert.deepEqual(await client.echo(value), [value]);
    }
    assert.deepEqual(await client.echo(...values), values);
    assert.deepEqual(await client.echo(), []);
  },

  // 0.7 loses them unless the server escapes them.
  async "line separators"(bench) {
    const client = await connect(bench);
    const text = texts["line separators"];
    assert.deepEqual(await client.echo(text, { [text]: text }), [text, { [text]: text }]);
    assert.deepEqual(await client.call("message-with-ack", text), [text]);
    client.namespace.json.send([text]);
    assert.deepEqual(await client.next("message"), [[text]]);
  },

  // Packets of type 3 come back as packets of type 3: text that looks like
  // JSON stays text.
  async "send text"(bench) {
    const client = await connect(bench);
    for (const [name, text] of Object.entries(texts)) {
      // Outside JSON nothing can carry half a character.
      if (!text.isWellFormed() || !readable(bench, text)) continue;
      client.namespace.send(text);
      assert.deepEqual(await client.next("message"), [text], name);
    }
    for (const text of ['{"a":1}', "5", "null", '"quoted"']) {
      client.namespace.send(text);
      assert.deepEqual(await client.next("message"), [text]);
    }
    assert.equal(client.count("message-back"), 0);
  },

  async "send JSON"(bench) {
    const client = await connect(bench);
    for (const value of [...values, ...Object.values(inLine)]) {
      client.namespace.json.send(value);
      assert.deepEqual(await client.next("message"), [value]);
    }
    assert.equal(client.count("message-back"), 0);
  },

  // The server acknowledges unnamed messages by itself.
  async "send with ack"(bench) {
    const client = await connect(bench);
    const sent = (flag, data) => new Promise((resolve) => flag.send(data, resolve));
    await sent(client.namespace, "text");
    assert.deepEqual(await client.next("message"), ["text"]);
    await sent(client.namespace.json, { a: "é" });
    assert.deepEqual(await client.next("message"), [{ a: "é" }]);
  },

  async "ack from the server"(bench) {
    const client = await connect(bench);
    const args = [1, "é😀", { a: [true, null] }];
    assert.deepEqual(await client.call("message-with-ack", ...args), args);
    assert.deepEqual(await client.call("message-with-ack"), []);
    const many = Array.from({ length: 20 }, (_, i) => [i]);
    const calls = many.map((a) => client.call("message-with-ack", ...a));
    assert.deepEqual(await Promise.all(calls), many);
  },

  async "ack from the client"(bench) {
    const client = await connect(bench);
    for (const payload of ["é😀\n", { a: 1 }, [], null]) {
      client.emit("ask", payload);
      const [asked] = await client.next("question");
      assert.deepEqual(asked, payload);
      assert.deepEqual(await client.next("answered"), ["answer", payload]);
    }
  },

  async "custom namespace"(bench) {
    const client = await connect(bench);
    const custom = client.of("/custom");
    await custom.next("connect");
    assert.deepEqual(await custom.next("auth"), [{}]);
    assert.deepEqual(await custom.echo("é"), ["é"]);
    assert.deepEqual(await custom.call("message-with-ack", "x"), ["x"]);
    custom.emit("ask", 1);
    assert.deepEqual(await custom.next("answered"), ["answer", 1]);
    custom.namespace.send("text");
    assert.deepEqual(await custom.next("message"), ["text"]);
    // A broadcast stays in its namespace.
    custom.emit("broadcast", "only custom");
    assert.deepEqual(await custom.next("broadcast-message"), ["only custom"]);
    await client.echo("after");
    assert.equal(client.count("broadcast-message"), 0);
    assert.equal(client.count("message"), 0);
    // Leaving one namespace leaves the other alone.
    custom.namespace.disconnect();
    assert.deepEqual(await client.echo("alive"), ["alive"]);
    client.emit("broadcast", "only main");
    assert.deepEqual(await client.next("broadcast-message"), ["only main"]);
    assert.equal(custom.count("broadcast-message"), 0);
  },

  async "refused namespace"(bench) {
    const client = await connect(bench);
    const nope = client.of("/nope");
    assert.deepEqual(await nope.next("connect_failed"), ["unauthorized"]);
    assert.equal(nope.count("connect"), 0);
    assert.deepEqual(await client.echo("alive"), ["alive"]);
  },

  async rooms(bench) {
    const [a, b, c] = [await connect(bench), await connect(bench), await connect(bench)];
    assert.deepEqual(await a.call("join", "röm"), ["ok"]);
    assert.deepEqual(await b.call("join", "röm"), ["ok"]);
    assert.deepEqual(await c.call("join", "other"), ["ok"]);

    a.emit("to", "röm", { from: "a" });
    assert.deepEqual(await b.next("room-message"), [{ from: "a" }]);
    // Who is not in the room may speak to it.
    c.emit("to", "röm", "from c");
    assert.deepEqual(await a.next("room-message"), ["from c"]);
    assert.deepEqual(await b.next("room-message"), ["from c"]);

    assert.deepEqual(await b.call("leave", "röm"), ["ok"]);
    a.emit("to", "röm", "not for b");
    a.emit("broadcast", "barrier");
    for (const client of [a, b, c]) {
      assert.deepEqual(await client.next("broadcast-message"), ["barrier"]);
      assert.equal(client.count("room-message"), 0);
    }
  },

  async broadcast(bench) {
    const [a, b] = [await connect(bench), await connect(bench)];
    a.emit("broadcast", "é😀");
    for (const client of [a, b]) {
      assert.deepEqual(await client.next("broadcast-message"), ["é😀"]);
    }
    b.emit("broadcast", { from: "b" });
    for (const client of [a, b]) {
      assert.deepEqual(await client.next("broadcast-message"), [{ from: "b" }]);
    }
  },

  // A volatile message may be lost; of twenty at quiet moments, one comes, and
  // none comes twice or late.
  async volatile(bench) {
    const client = await connect(bench);
    for (let i = 0; i < 20; i++) {
      client.emit("volatile", i);
      await client.echo(i);
      assert.ok(client.count("volatile-message") <= 1);
      if (client.count("volatile-message") === 1) {
        assert.deepEqual(await client.next("volatile-message"), [i]);
        return;
      }
    }
    assert.fail("no volatile message arrived");
  },

  async kick(bench) {
    const proxy = await bench.proxy();
    const client = await connect(bench, { url: proxy.url });
    const custom = client.of("/custom");
    await custom.next("auth");
    if (bench.transport === "xhr-polling") await pollStands(bench, proxy);
    client.emit("kick");
    assert.deepEqual(await client.next("disconnect"), ["booted"]);
    await custom.next("disconnect");
    await staysAway(bench, client, proxy);
    // websocket-client, which 0.7 and 0.8 have, takes every end for an error.
    if (!draft76(bench)) assert.equal(client.count("error"), 0);
  },

  async "client disconnect"(bench) {
    const proxy = await bench.proxy();
    const line = new Inbox(proxy, ["websocket-end"]);
    const client = await connect(bench, { url: proxy.url });
    const { id } = client;
    await client.sent();
    client.namespace.disconnect();
    assert.deepEqual(await client.next("disconnect"), ["booted"]);
    if (bench.transport === "websocket") await line.next("websocket-end");
    await staysAway(bench, client, proxy);
    // It may come back when it wants to.
    client.socket.connect();
    await client.next("auth");
    assert.notEqual(client.id, id);
    assert.deepEqual(await client.echo("back"), ["back"]);
  },

  reconnect: {
    without: (bench) =>
      noticesNoEnd(bench) ||
      (version(bench) === "0.7" &&
        "0.7 notices a cut line by the close timeout only: the group heartbeat has it"),
    run: (bench) => cutThreeTimes(bench),
  },

  async "100 kB"(bench) {
    const client = await connect(bench);
    await large(bench, client, "ascii", "escapes");
    for (const n of borders) {
      assert.ok((await client.echo("y".repeat(n)))[0] === "y".repeat(n), `${n}`);
    }
  },

  async "100 kB beyond ASCII"(bench) {
    await large(bench, await connect(bench), "latin", "astral");
  },

  async "200 in order"(bench) {
    const client = open(bench);
    for (let i = 0; i < 100; i++) client.emit("message", i);
    await client.next("connect");
    for (let i = 0; i < 50; i++) {
      assert.deepEqual(await client.next("message-back"), [i]);
      client.emit("message", 100 + i);
    }
    for (let i = 150; i < 200; i++) client.namespace.send(`${i}é😀`);
    for (let i = 50; i < 150; i++) {
      assert.deepEqual(await client.next("message-back"), [i]);
    }
    for (let i = 150; i < 200; i++) {
      assert.deepEqual(await client.next("message"), [`${i}é😀`]);
    }
  },
};

const draft76 = (bench) => version(bench) !== "0.9" && bench.transport === "websocket";

// noticesNoEnd is why a client that has lost its line never comes back, if it
// does not.
function noticesNoEnd(bench) {
  return (
    version(bench) === "0.8" &&
    draft76(bench) &&
    "websocket-client reports a lost connection as an error, on which 0.8 does nothing, and 0.8 lets its close timeout run until the first packet only"
  );
}

async function cutThreeTimes(bench) {
  const proxy = await bench.proxy();
  const client = await connect(bench, { url: proxy.url });
  const custom = client.of("/custom");
  await custom.next("auth");
  for (let i = 0; i < 3; i++) {
    const { id } = client;
    proxy.turn("down");
    await client.next("disconnect");
    proxy.turn("up");
    await client.next("auth");
    await custom.next("auth");
    assert.notEqual(client.id, id);
    assert.deepEqual(await client.echo(i, "é"), [i, "é"]);
    assert.deepEqual(await custom.echo(i), [i]);
  }
}

// large sends texts of 100 kB both ways, as events and as messages.
async function large(bench, client, ...names) {
  for (const name of names) {
    const text = kilobytes100[name];
    assert.ok((await client.echo(text))[0] === text, name);
    if (!readable(bench, text)) continue;
    client.namespace.send(text);
    assert.ok((await client.next("message"))[0] === text, `text ${name}`);
  }
}

// pollStands resolves when the server surely holds a poll: Node's server does
// not tell a client without one that it was kicked.
async function pollStands(bench, proxy) {
  await proxy.pollOpen();
  const other = await connect(bench);
  await other.echo("the server has read what came before");
}

// staysAway holds that a client does not come back by itself: it says so, and
// asks for no session while another client pays a visit.
async function staysAway(bench, client, proxy) {
  assert.equal(client.socket.reconnecting, false);
  const { handshakes } = proxy;
  const other = await connect(bench);
  for (let i = 0; i < 20; i++) await other.echo(i);
  assert.equal(client.socket.connected, false);
  assert.equal(proxy.handshakes, handshakes);
}

// What keeps the line alive: heartbeats on a stream, the ends of idle polls.
const beats = { websocket: "2::", "xhr-polling": "8::" };

const heartbeat = {
  async "three heartbeats"(bench) {
    const proxy = await bench.proxy();
    const line = new Inbox(proxy, ["from-server"]);
    const client = await connect(bench, { url: proxy.url });
    for (let seen = 0; seen < 3; ) {
      const [chunk] = await line.next("from-server");
      if (chunk.includes(beats[bench.transport])) seen++;
    }
    assert.deepEqual(await client.echo("alive"), ["alive"]);
    assert.equal(client.count("disconnect"), 0);
  },

  // A line that ends, for the client that waits for its close timeout.
  "cut line": {
    without: (bench) => version(bench) !== "0.7" && "the ordinary group has it: reconnect",
    run: (bench) => cutThreeTimes(bench),
  },

  // The line is dead and nobody says so: the client must notice, by the times
  // that the handshake told it.
  "frozen line": {
    without: (bench) =>
      version(bench) === "0.8" &&
      "0.8 lets its close timeout run until the first packet only, and checks no heartbeats",
    async run(bench) {
      const proxy = await bench.proxy();
      const client = await connect(bench, { url: proxy.url });
      const { id } = client;
      proxy.turn("frozen");
      await client.next("disconnect");
      proxy.turn("up");
      await client.next("auth");
      assert.notEqual(client.id, id);
      assert.deepEqual(await client.echo("alive"), ["alive"]);
    },
  },

  // The client hears and is not heard: the server must notice.
  "silent client": {
    transports: ["websocket"],
    async run(bench) {
      const proxy = await bench.proxy();
      const line = new Inbox(proxy, ["websocket-end"]);
      const client = await connect(bench, { url: proxy.url });
      client.socket.options.reconnect = false;
      proxy.turn("mute");
      await line.next("websocket-end");
      await client.next("disconnect");
    },
  },
};

// restart has the server end by a signal and come back. The client finds it by
// itself, and joins its namespaces again.
async function restart(bench, signal) {
  const client = await connect(bench);
  const custom = client.of("/custom");
  await custom.next("auth");
  const { id } = client;
  await restarted(signal);
  await client.next("disconnect");
  await client.next("auth");
  await custom.next("auth");
  assert.notEqual(client.id, id);
  assert.deepEqual(await client.echo("é"), ["é"]);
  assert.deepEqual(await custom.call("message-with-ack", 1), [1]);
}

const restarts = {
  // The server takes leave.
  restart: (bench) => restart(bench, "SIGTERM"),

  crash: {
    without: noticesNoEnd,
    run: (bench) => restart(bench, "SIGKILL"),
  },
};

run({ ordinary, heartbeat, restart: restarts });
