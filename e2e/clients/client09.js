// socket.io-client 0.7.11, 0.8.7 and 0.9.17 as the scenarios use them.
"use strict";

require("./oldnode");
const { Inbox, bounded, until } = require("./harness");

const events = [
  "connect",
  "connect_failed",
  "disconnect",
  "error",
  "message",
  "auth",
  "message-back",
  "question",
  "answered",
  "room-message",
  "broadcast-message",
  "volatile-message",
];

// Client is a namespace of a connection, with the inbox of its events.
// 0.9 calls the connection "socket", and the namespaces hang on it.
class Client {
  constructor(namespace) {
    this.namespace = namespace;
    this.socket = namespace.socket;
    this.inbox = new Inbox(namespace, events);
    // 0.7 has Node's emitter, which throws when nobody listens for errors.
    this.socket.on("error", () => {});
    namespace.on("question", (payload, ack) => ack("answer", payload));
  }

  get id() {
    return this.socket.sessionid;
  }

  next(event) {
    return this.inbox.next(event);
  }

  count(event) {
    return this.inbox.count(event);
  }

  emit(...args) {
    this.namespace.emit(...args);
  }

  // call emits an event and resolves with the arguments of its ack.
  call(...args) {
    const ack = new Promise((resolve) => {
      this.namespace.emit(...args, (...answer) => resolve(answer));
    });
    return bounded(ack, `ack of "${args[0]}"`);
  }

  // echo sends a message and resolves with what comes back.
  async echo(...args) {
    this.namespace.emit("message", ...args);
    return this.next("message-back");
  }

  // of joins another namespace over the same connection.
  of(name) {
    return new Client(this.socket.of(name));
  }

  // sent resolves when no POST is under way. A client that is closed before
  // keeps its last packet for the next session.
  async sent() {
    await until(() => !this.socket.doBuffer, "end of the POST");
  }
}

// version is the generation's client that a scenario wants: the option
// --client, 0.9 if there is none.
function version(bench) {
  return bench.client || "0.9";
}

// open makes a client and does not wait for anything.
function open(bench, { url = bench.url, namespace = "" } = {}) {
  const io = require(`socket.io-client-${version(bench)}`);
  // The option "transports" would be merged into this list, not replace it.
  io.transports = [bench.transport];
  const client = new Client(
    io.connect(url + namespace, {
      "force new connection": true,
      "try multiple transports": false,
      "connect timeout": 30000,
      "reconnection delay": 20,
      "max reconnection attempts": 100,
    })
  );
  bench.onEnd(() => {
    client.socket.options.reconnect = false;
    client.socket.disconnect();
  });
  return client;
}

// connect resolves when the client is connected and has seen the server's
// first event.
async function connect(bench, options) {
  const client = open(bench, options);
  await client.next("connect");
  await client.next("auth");
  return client;
}

module.exports = { Client, connect, open, version };
