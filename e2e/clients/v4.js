// Scenarios for socket.io-client 4.8: node v4.js --url URL
// --transport polling|websocket|upgrade [--group heartbeat] [--only REGEXP]
"use strict";

const engine = require("engine.io-client");
const { Inbox, assert, run } = require("./harness");
const { connect, open } = require("./client4");
const { borders, kilobytes100, texts, values } = require("./values");

const ordinary = {
  async connect(bench) {
    const client = open(bench);
    await client.next("connect");
    assert.deepEqual(await client.next("auth"), [{}]);
    assert.equal(typeof client.socket.id, "string");
    assert.notEqual(client.socket.id, client.socket.io.engine.id);
    assert.deepEqual(await client.echo("hello"), ["hello"]);
  },

  async "auth payload"(bench) {
    const auth = { token: "é😀", nested: { a: [1, null] } };
    const client = open(bench, { auth });
    assert.deepEqual(await client.next("auth"), [auth]);
  },

  async "echo texts"(bench) {
    const client = await connect(bench);
    for (const [name, text] of Object.entries(texts)) {
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

  async "echo binary"(bench) {
    const client = await connect(bench);
    const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    assert.deepEqual(await client.echo(all), [all]);
    assert.deepEqual(await client.echo(Buffer.alloc(0)), [Buffer.alloc(0)]);
    const typed = new Uint8Array([0, 30, 255]);
    assert.deepEqual(await client.echo(typed), [Buffer.from(typed)]);
  },

  async "echo nested binary"(bench) {
    const client = await connect(bench);
    const args = [
      { "é": [Buffer.from([1]), { b: Buffer.from([2, 3]) }], text: "😀" },
      "between",
      [Buffer.from([]), [Buffer.from([4])]],
      { x: Buffer.from([5]), y: null },
    ];
    assert.deepEqual(await client.echo(...args), args);
    assert.deepEqual(await client.call("message-with-ack", ...args), args);
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
    for (const payload of ["é😀", { a: 1 }, Buffer.from([1, 2]), null]) {
      client.emit("ask", payload);
      const [asked] = await client.next("question");
      assert.deepEqual(asked, payload);
      assert.deepEqual(await client.next("answered"), ["answer", payload]);
    }
  },

  async "custom namespace"(bench) {
    const client = await connect(bench);
    const custom = client.of("/custom", { token: "custom" });
    assert.deepEqual(await custom.next("auth"), [{ token: "custom" }]);
    assert.notEqual(custom.socket.id, client.socket.id);
    assert.deepEqual(await custom.echo("é", Buffer.from([1])), ["é", Buffer.from([1])]);
    assert.deepEqual(await custom.call("message-with-ack", "x"), ["x"]);
    custom.emit("ask", 1);
    assert.deepEqual(await custom.next("answered"), ["answer", 1]);
    // A broadcast stays in its namespace.
    custom.emit("broadcast", "only custom");
    assert.deepEqual(await custom.next("broadcast-message"), ["only custom"]);
    await client.echo("after");
    assert.equal(client.count("broadcast-message"), 0);
    // Leaving one namespace leaves the other alone.
    custom.socket.disconnect();
    assert.equal((await custom.next("disconnect"))[0], "io client disconnect");
    assert.deepEqual(await client.echo("alive"), ["alive"]);
    custom.socket.connect();
    await custom.next("auth");
    assert.deepEqual(await custom.echo("again"), ["again"]);
  },

  async "custom namespace alone"(bench) {
    const custom = open(bench, { namespace: "/custom", auth: { a: 1 } });
    assert.deepEqual(await custom.next("auth"), [{ a: 1 }]);
    assert.deepEqual(await custom.echo("x"), ["x"]);
  },

  async "refused namespace"(bench) {
    const client = await connect(bench);
    const nope = client.of("/nope");
    const [err] = await nope.next("connect_error");
    assert.equal(err.message, "Invalid namespace");
    assert.equal(nope.socket.connected, false);
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
    c.emit("to", "röm", Buffer.from([7]));
    assert.deepEqual(await a.next("room-message"), [Buffer.from([7])]);
    assert.deepEqual(await b.next("room-message"), [Buffer.from([7])]);

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
    b.emit("broadcast", { bin: Buffer.from([1, 2, 3]) });
    for (const client of [a, b]) {
      const got = [await client.next("broadcast-message"), await client.next("broadcast-message")];
      const text = got.filter(([payload]) => payload === "é😀");
      const binary = got.filter(([payload]) => payload.bin);
      assert.equal(text.length, 1);
      assert.deepEqual(binary, [[{ bin: Buffer.from([1, 2, 3]) }]]);
    }
  },

  // A volatile message may be lost; of twenty at quiet moments, one comes, and
  // none comes twice or late.
  async volatile(bench) {
    const client = await connect(bench);
    for (let i = 0; i < 20 && client.count("volatile-message") === 0; i++) {
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
    client.emit("kick");
    assert.equal((await client.next("disconnect"))[0], "io server disconnect");
    await custom.next("disconnect");
    await staysAway(bench, client, proxy);
    // It may come back when it wants to.
    client.socket.connect();
    await client.next("auth");
    assert.deepEqual(await client.echo("back"), ["back"]);
  },

  async "client disconnect"(bench) {
    const proxy = await bench.proxy();
    const client = await connect(bench, { url: proxy.url });
    const id = client.socket.id;
    client.socket.disconnect();
    assert.equal((await client.next("disconnect"))[0], "io client disconnect");
    await staysAway(bench, client, proxy);
    client.socket.connect();
    await client.next("auth");
    assert.notEqual(client.socket.id, id);
    assert.deepEqual(await client.echo("back"), ["back"]);
  },

  async reconnect(bench) {
    const proxy = await bench.proxy();
    const client = await connect(bench, { url: proxy.url });
    const custom = client.of("/custom");
    await custom.next("auth");
    for (let i = 0; i < 3; i++) {
      const { id } = client.socket;
      proxy.turn("down");
      const [reason] = await client.next("disconnect");
      proxy.turn("up");
      assert.match(reason, /^transport (close|error)$/);
      await client.next("auth");
      await custom.next("auth");
      assert.notEqual(client.socket.id, id);
      assert.deepEqual(await client.echo(i, "é"), [i, "é"]);
      assert.deepEqual(await custom.echo(i), [i]);
    }
  },

  async "100 kB"(bench) {
    const client = await connect(bench);
    for (const [name, text] of Object.entries(kilobytes100)) {
      const [back] = await client.echo(text);
      assert.ok(back === text, name);
    }
    const bytes = Buffer.from(Array.from({ length: 100000 }, (_, i) => i & 255));
    assert.ok((await client.echo(bytes))[0].equals(bytes));
    for (const n of borders) {
      assert.ok((await client.echo("y".repeat(n)))[0] === "y".repeat(n), `${n}`);
      const [back] = await client.echo(Buffer.alloc(n, 1));
      assert.ok(back.equals(Buffer.alloc(n, 1)), `${n} bytes`);
    }
  },

  // On "upgrade" the messages begin before the upgrade and end after it.
  async "200 in order"(bench) {
    const client = open(bench);
    await client.next("connect");
    for (let i = 0; i < 100; i++) client.emit("message", i);
    for (let i = 0; i < 50; i++) {
      assert.deepEqual(await client.next("message-back"), [i]);
      client.emit("message", 100 + i);
    }
    if (bench.transport === "upgrade") await client.upgraded();
    for (let i = 150; i < 200; i++) client.emit("message", i, Buffer.from([i]));
    for (let i = 50; i < 150; i++) {
      assert.deepEqual(await client.next("message-back"), [i]);
    }
    for (let i = 150; i < 200; i++) {
      assert.deepEqual(await client.next("message-back"), [i, Buffer.from([i])]);
    }
  },

  // Nothing is lost between two clients while both change their transport.
  async "upgrade under broadcasts"(bench) {
    const [a, b] = [open(bench), open(bench)];
    await Promise.all([a.next("auth"), b.next("auth")]);
    for (let i = 0; i < 50; i++) a.emit("broadcast", i);
    for (let i = 0; i < 50; i++) {
      assert.deepEqual(await b.next("broadcast-message"), [i]);
      assert.deepEqual(await a.next("broadcast-message"), [i]);
    }
    if (bench.transport === "upgrade") {
      await Promise.all([a.upgraded(), b.upgraded()]);
    }
    b.emit("broadcast", "end");
    assert.deepEqual(await a.next("broadcast-message"), ["end"]);
  },

  // The bare Engine.IO echo.
  async "engine.io echo"(bench) {
    const names = { upgrade: ["polling", "websocket"] }[bench.transport];
    const socket = new engine.Socket(bench.url, {
      path: "/engine.io/",
      transports: names || [bench.transport],
    });
    bench.onEnd(() => socket.close());
    const inbox = new Inbox(socket, ["open", "message", "upgrade", "close"]);
    await inbox.next("open");
    const send = async (data) => {
      socket.send(data);
      assert.deepEqual(await inbox.next("message"), [data]);
    };
    for (const text of [texts.astral, texts.nul, texts.latin]) await send(text);
    await send(Buffer.from([0, 4, 30, 255]));
    if (names) await inbox.next("upgrade");
    await send("é😀");
    await send(Buffer.alloc(70000, 9));
    socket.close();
    assert.equal((await inbox.next("close"))[0], "forced close");
  },
};

// staysAway holds that a client does not come back by itself: it says so, and
// asks for no session while another client pays a visit.
async function staysAway(bench, client, proxy) {
  assert.equal(client.socket.active, false);
  const { handshakes } = proxy;
  const other = await connect(bench);
  for (let i = 0; i < 20; i++) await other.echo(i);
  assert.equal(client.socket.connected, false);
  assert.equal(proxy.handshakes, handshakes);
}

const heartbeat = {
  async "three heartbeats"(bench) {
    const client = await connect(bench);
    for (let i = 0; i < 3; i++) await client.manager.next("ping");
    assert.deepEqual(await client.echo("alive"), ["alive"]);
    assert.equal(client.count("disconnect"), 0);
  },

  // The line is dead and nobody says so: the client must notice.
  async "frozen line"(bench) {
    const proxy = await bench.proxy();
    const client = await connect(bench, { url: proxy.url });
    proxy.turn("frozen");
    assert.equal((await client.next("disconnect"))[0], "ping timeout");
    proxy.turn("up");
    await client.next("auth");
    assert.deepEqual(await client.echo("alive"), ["alive"]);
  },

  // The client hears and is not heard: the server must notice.
  "silent client": {
    transports: ["websocket", "upgrade"],
    async run(bench) {
      const proxy = await bench.proxy();
      const line = new Inbox(proxy, ["websocket-end"]);
      const client = await connect(bench, { url: proxy.url, reconnection: false });
      proxy.turn("mute");
      await line.next("websocket-end");
      await client.next("disconnect");
    },
  },
};

run({ ordinary, heartbeat });
