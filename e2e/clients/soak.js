// Clients for the soak: node soak.js --url URL --generation 4|09 --clients N
//
// They come, speak, listen and go, over all transports of their generation, until a
// line is read from standard input, or one of them has something to complain about.
// Then they leave in good order, and one JSON line tells what happened. The process
// ends with its standard input, so that what is on its way can still leave. ../soakserver/main.go says what the events mean.
"use strict";

const { assert, bounded } = require("./harness");

const options = {};
for (let i = 2; i < process.argv.length; i += 2) {
  options[process.argv[i].slice(2)] = process.argv[i + 1];
}
const old = options.generation === "09";
const { open } = require(old ? "./client09" : "./client4");
const transports = old ? ["websocket", "xhr-polling"] : ["polling", "websocket", "upgrade"];

const rooms = 8;
let stopping = false;
const result = { said: 0, heard: 0, echoes: 0, lives: {}, errors: [] };

const random = (n) => Math.floor(Math.random() * n);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Listener holds that what each speaker of a room says comes once and in order, with
// nothing missing.
class Listener {
  constructor(said) {
    this.last = new Map(Object.entries(said));
  }

  of(speaker) {
    return this.last.get(speaker) || 0;
  }

  said(speaker, n, text) {
    assert.equal(n, this.of(speaker) + 1, `number of ${speaker}`);
    assert.equal(text, textOf(n), `text ${n} of ${speaker}`);
    this.last.set(speaker, n);
    result.heard++;
  }

  gone(speaker, n) {
    assert.equal(this.of(speaker), n, `last number of ${speaker}`);
    this.last.delete(speaker);
  }

  // compare holds that all was heard that had been said when this one left.
  compare(said) {
    for (const [speaker, n] of Object.entries(said)) {
      assert.equal(this.of(speaker), n, `last number of ${speaker}, leaving`);
    }
  }
}

// textOf is what is said under a number: now and then it is long.
function textOf(n) {
  return "é".repeat(n % 10 === 9 ? 8000 : n % 50);
}

// live is one visit: to one room, or two one after the other.
async function live(transport) {
  const bench = { url: options.url, transport, onEnd() {} };
  const client = open(bench, { reconnection: false });
  const emitter = client.namespace || client.socket;
  let listener = null;
  let failed = null;
  const heard = (f) => {
    return (...args) => {
      try {
        f(...args);
      } catch (err) {
        failed = failed || err;
      }
    };
  };
  emitter.on("said", heard((...args) => listener.said(...args)));
  emitter.on("gone", heard((...args) => listener.gone(...args)));
  emitter.on("fault", heard((what) => assert.fail(`the server says: ${what}`)));
  if (old) client.socket.options.reconnect = false;
  await client.next("connect");
  for (let visits = 1 + random(2); visits > 0; visits--) {
    await visit(client, (l) => (listener = l), () => listener, () => failed);
  }
  await leave(client, transport);
  if (failed) throw failed;
  result.lives[transport] = (result.lives[transport] || 0) + 1;
}

// visit enters a room, speaks and listens, and leaves it.
async function visit(client, set, get, failed) {
  const enter = new Promise((resolve) => {
    // Not call: what is said from now on may come in the same turn.
    client.emit("enter", `room ${random(rooms)}`, (said) => resolve(set(new Listener(said))));
  });
  await bounded(enter, "answer to enter");
  const sayings = 5 + random(25);
  for (let n = 1; n <= sayings && !stopping && !failed(); n++) {
    assert.deepEqual(await client.call("say", n, textOf(n)), [n]);
    result.said++;
    if (n % 4 === 0) {
      assert.deepEqual(await client.call("echo", n, textOf(n)), [n, textOf(n)]);
      result.echoes++;
    }
    if (n % 11 === 0) client.emit("slow", 50);
    await pause(50 + random(300));
  }
  const [said] = await client.call("exit");
  if (!failed()) get().compare(said);
}

// leave ends a connection, WebSockets of 4.x now and then without a word.
async function leave(client, transport) {
  // A client of 0.9 that has a POST under way would keep its goodbye for ever.
  if (transport === "xhr-polling") await client.sent();
  const { engine } = client.socket.io || {};
  if (engine && engine.transport.ws && random(3) === 0) engine.transport.ws.terminate();
  else client.socket.disconnect();
  await client.next("disconnect");
  if (transport === "xhr-polling") await client.sent();
}

// lives has one client come again and again.
async function lives(i) {
  const transport = transports[i % transports.length];
  while (!stopping) {
    try {
      await live(transport);
    } catch (err) {
      result.errors.push(`${transport}: ${err.stack || err}`);
      stopping = true;
    }
  }
}

process.stdin.once("data", () => (stopping = true));
process.stdin.once("end", () => process.exit(0));

Promise.all(Array.from({ length: Number(options.clients) }, (_, i) => lives(i))).then(() => {
  process.stdout.write(JSON.stringify(result) + "\n");
});
