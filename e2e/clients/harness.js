// What the drivers share: waiting for events, a TCP proxy that can cut or
// freeze the line, and the runner that reports each scenario as a JSON line.
//
// Every wait is for an event, bounded by `patience`, which only ends a run
// that hangs: no scenario passes or fails by its speed.
"use strict";

const assert = require("assert");
const { EventEmitter } = require("events");
const net = require("net");

const patience = 45000;

// bounded rejects when the promise has not settled in time.
function bounded(promise, what, time = patience) {
  let timer;
  const error = new Error(`no ${what} in time`); // made here for its stack
  const late = new Promise((_, reject) => {
    timer = setTimeout(reject, time, error);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// until resolves when a condition has come true, which the event loop is given
// turns to do.
async function until(condition, what) {
  let late = false;
  const turns = async () => {
    while (!condition() && !late) await new Promise(setImmediate);
  };
  await bounded(turns(), what).finally(() => (late = true));
}

// Inbox keeps the arguments of every event of the given names, in order, until
// a scenario asks for them.
class Inbox {
  constructor(emitter, names) {
    this.events = new Map();
    this.waiting = new Map();
    for (const name of names) {
      this.events.set(name, []);
      this.waiting.set(name, []);
      emitter.on(name, (...args) => this.put(name, args));
    }
  }

  put(name, args) {
    const next = this.waiting.get(name).shift();
    if (next) next(args);
    else this.events.get(name).push(args);
  }

  next(name) {
    const events = this.events.get(name);
    if (events.length > 0) return Promise.resolve(events.shift());
    const arrival = new Promise((resolve) => this.waiting.get(name).push(resolve));
    return bounded(arrival, `event "${name}"`);
  }

  // count tells how many events of a name nobody has asked for yet.
  count(name) {
    return this.events.get(name).length;
  }
}

// The request that begins a session: revision 1's handshake, or one of
// Engine.IO without a session id.
const asksForSession = /^GET \/socket\.io\/(1\/?\?|\?(?!\S*sid=))/;

const asksForPoll = /^GET \/socket\.io\/1\/xhr-polling\//;
const asksForUpgrade = /^GET [^]*\r\nupgrade: websocket\r\n/i;
const closeFrame = 0x88;

// Proxy passes TCP connections on to a server. The line has a state that the
// present connections and those to come share, so that a poll just about to
// begin is not missed: "up", "down" (connections are reset), "frozen" (they
// stand and carry nothing) or "mute" (they carry only what the server says).
// It emits "from-server" with each chunk that comes back, and "websocket-end"
// when a connection that was upgraded has ended or the server has sent a close
// frame; on a line that is not up, only the server can do either.
class Proxy extends EventEmitter {
  static async to(url) {
    const proxy = new Proxy();
    await proxy.listen(new URL(url));
    return proxy;
  }

  async listen(target) {
    this.state = "up";
    this.pairs = new Set();
    this.handshakes = 0;
    this.server = net.createServer((client) => this.accept(client, target));
    await new Promise((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
  }

  accept(client, target) {
    const server = net.connect(Number(target.port), target.hostname);
    const pair = { client, server, state: this.state };
    this.pairs.add(pair);
    this.joinUp(pair);
    if (this.state === "down") reset(pair);
  }

  joinUp(pair) {
    const { client, server } = pair;
    client.on("data", (chunk) => {
      if (asksForSession.test(chunk.toString("latin1"))) this.handshakes++;
      if (asksForPoll.test(chunk.toString("latin1"))) pair.polling = true;
      if (asksForUpgrade.test(chunk.toString("latin1"))) pair.upgraded = true;
      if (pair.state === "up") server.write(chunk);
    });
    server.on("data", (chunk) => {
      pair.polling = false;
      if (pair.upgraded && chunk[0] === closeFrame) this.emit("websocket-end");
      this.emit("from-server", chunk);
      if (pair.state !== "frozen") client.write(chunk);
    });
    for (const end of [client, server]) {
      end.setNoDelay(true);
      end.on("error", () => {}); // "close" follows
      end.on("close", () => this.part(pair, end));
    }
  }

  // part passes the end of one side on to the other if the line carries what
  // that side says.
  part(pair, end) {
    if (pair.state === "frozen") return;
    if (pair.state === "mute" && end === pair.client) return;
    if (pair.upgraded && this.pairs.has(pair)) this.emit("websocket-end");
    pair.client.destroy();
    pair.server.destroy();
    this.pairs.delete(pair);
  }

  // pollOpen resolves when a poll of revision 1 has been passed on and has no
  // answer yet.
  async pollOpen() {
    await until(() => [...this.pairs].some((p) => p.polling), "open poll");
  }

  // turn changes the state of the line. Going "up" is for new connections
  // only: what was frozen stays frozen.
  turn(state) {
    this.state = state;
    if (state === "up") return;
    for (const pair of this.pairs) {
      pair.state = state;
      if (state === "down") reset(pair);
    }
  }

  close() {
    this.server.close();
    for (const { client, server } of this.pairs) {
      client.destroy();
      server.destroy();
    }
  }
}

function reset({ client, server }) {
  client.resetAndDestroy();
  server.resetAndDestroy();
}

// Bench is what a scenario gets: the server's URL, the transport, and a list
// of what must be closed at the end.
class Bench {
  constructor(options) {
    Object.assign(this, options);
    this.cleanups = [];
  }

  onEnd(f) {
    this.cleanups.push(f);
  }

  async proxy() {
    const proxy = await Proxy.to(this.url);
    this.onEnd(() => proxy.close());
    return proxy;
  }

  end() {
    for (const f of this.cleanups.reverse()) {
      try {
        f();
      } catch (err) {
        console.error("cleanup:", err);
      }
    }
  }
}

function parseArguments(argv) {
  const options = { only: "", group: "ordinary" };
  for (let i = 0; i < argv.length; i += 2) {
    options[argv[i].replace(/^--/, "")] = argv[i + 1];
  }
  return options;
}

function report(line) {
  process.stdout.write(JSON.stringify(line) + "\n");
}

// restarted resolves when whoever reads the report has ended the server by a
// signal and started it anew where it was.
async function restarted(signal) {
  const line = new Promise((resolve) => process.stdin.once("data", resolve).resume());
  report({ restart: signal });
  await bounded(line, "server that has been restarted");
  process.stdin.pause();
}

// run runs the scenarios of one group. The first line names them all, so that
// the reader notices a driver that died on the way.
async function run(groups) {
  const options = parseArguments(process.argv.slice(2));
  const only = new RegExp(options.only);
  const chosen = Object.entries(groups[options.group]).filter(
    ([name, scenario]) => only.test(name) && applies(scenario, options)
  );
  report({ plan: chosen.map(([name]) => name) });
  for (const [name, scenario] of chosen) {
    const why = scenario.without && scenario.without(options);
    if (why) {
      report({ scenario: name, without: why });
      continue;
    }
    const bench = new Bench(options);
    try {
      const end = (scenario.run || scenario)(bench);
      await bounded(end, `end of ${name}`, 3 * patience);
      report({ scenario: name, ok: true });
    } catch (err) {
      report({ scenario: name, ok: false, error: String(err.stack || err) });
    }
    bench.end();
  }
  // What the clients leave behind (timers, connections kept alive) must not
  // keep the process.
  process.exit(0);
}

// A scenario is a function, or { transports, without, run } if it makes sense on
// some transports only, or if there are clients that cannot do it: without
// returns the reason.
function applies(scenario, options) {
  return !scenario.transports || scenario.transports.includes(options.transport);
}

module.exports = { Bench, Inbox, Proxy, assert: assert.strict, bounded, restarted, run, until };
