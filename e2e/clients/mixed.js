// Scenarios for a client of 4.8 and one of 0.7 to 0.9 on one server:
// node mixed.js --url URL --transport TRANSPORT_OF_4+TRANSPORT_OF_THE_OLD [--client 0.7|0.8|0.9]
// [--only REGEXP]
"use strict";

const { assert, run } = require("./harness");
const client4 = require("./client4");
const client09 = require("./client09");
const { texts, values } = require("./values");

// both connects one client of each generation, and has them join a room.
async function both(bench, room) {
  const [transport4, transport09] = bench.transport.split("+");
  const on = (transport) => Object.create(bench, { transport: { value: transport } });
  const now = await client4.connect(on(transport4));
  const old = await client09.connect(on(transport09));
  if (room) {
    assert.deepEqual(await now.call("join", room), ["ok"]);
    assert.deepEqual(await old.call("join", room), ["ok"]);
  }
  return { now, old };
}

// The form that binary has for a client of revision 1.
function oldForm(bytes) {
  return { base64: true, data: bytes.toString("base64") };
}

const ordinary = {
  async "room, 4.8 to old"(bench) {
    const { now, old } = await both(bench, "shared");
    for (const payload of [...values, ...Object.values(texts)]) {
      now.emit("to", "shared", payload);
      assert.deepEqual(await old.next("room-message"), [payload]);
    }
    assert.equal(now.count("room-message"), 0);
  },

  async "room, old to 4.8"(bench) {
    const { now, old } = await both(bench, "shared");
    for (const payload of [...values, ...Object.values(texts)]) {
      old.emit("to", "shared", payload);
      assert.deepEqual(await now.next("room-message"), [payload]);
    }
    assert.equal(old.count("room-message"), 0);
  },

  async "leaving a room"(bench) {
    const { now, old } = await both(bench, "shared");
    for (const [leaver, stayer] of [[old, now], [now, old]]) {
      await leaver.call("leave", "shared");
      stayer.emit("to", "shared", "not for you");
      stayer.emit("broadcast", "barrier");
      await leaver.next("broadcast-message");
      await stayer.next("broadcast-message");
      assert.equal(leaver.count("room-message"), 0);
      await leaver.call("join", "shared");
    }
  },

  async broadcast(bench) {
    const { now, old } = await both(bench);
    for (const [from, payload] of [[now, "from 4.8 😀"], [old, "from the old one é😀"]]) {
      from.emit("broadcast", payload);
      for (const client of [now, old]) {
        assert.deepEqual(await client.next("broadcast-message"), [payload]);
      }
    }
  },

  async "custom namespace"(bench) {
    const { now, old } = await both(bench);
    const [now2, old2] = [now.of("/custom"), old.of("/custom")];
    await now2.next("auth");
    await old2.next("auth");
    await now2.call("join", "shared");
    await old2.call("join", "shared");
    now2.emit("to", "shared", "x");
    assert.deepEqual(await old2.next("room-message"), ["x"]);
    old2.emit("to", "shared", "y");
    assert.deepEqual(await now2.next("room-message"), ["y"]);
    now2.emit("broadcast", "z");
    assert.deepEqual(await old2.next("broadcast-message"), ["z"]);
    // Neither the room nor the broadcast has reached the main namespace.
    await now.echo("barrier");
    await old.echo("barrier");
    for (const client of [now, old]) {
      assert.equal(client.count("room-message"), 0);
      assert.equal(client.count("broadcast-message"), 0);
    }
  },

  // The picture that a new client sends reaches an old one in the form that
  // its grammar can carry, and the new clients as binary.
  async "binary, 4.8 to old"(bench) {
    const { now, old } = await both(bench, "shared");
    const picture = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7) & 255));
    now.emit("to", "shared", picture);
    assert.deepEqual(await old.next("room-message"), [oldForm(picture)]);
    now.emit("to", "shared", { name: "é", parts: [picture, Buffer.alloc(0)] });
    assert.deepEqual(await old.next("room-message"), [
      { name: "é", parts: [oldForm(picture), oldForm(Buffer.alloc(0))] },
    ]);
    now.emit("broadcast", picture);
    assert.deepEqual(await now.next("broadcast-message"), [picture]);
    assert.deepEqual(await old.next("broadcast-message"), [oldForm(picture)]);
  },

  // One way: the same object coming back stays an object.
  async "the old form stays an object"(bench) {
    const { now, old } = await both(bench, "shared");
    const form = oldForm(Buffer.from("abc"));
    old.emit("to", "shared", form);
    assert.deepEqual(await now.next("room-message"), [form]);
  },

  async "100 in order"(bench) {
    const { now, old } = await both(bench, "shared");
    for (let i = 0; i < 100; i++) {
      now.emit("to", "shared", i);
      old.emit("to", "shared", i);
    }
    for (let i = 0; i < 100; i++) {
      assert.deepEqual(await now.next("room-message"), [i]);
      assert.deepEqual(await old.next("room-message"), [i]);
    }
  },
};

run({ ordinary, heartbeat: {} });
