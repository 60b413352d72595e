// socket.io-client 4.8 as the scenarios use it.
"use strict";

const { io } = require("socket.io-client-4");
const { Inbox, bounded } = require("./harness");

const transports = {
  polling: ["polling"],
  websocket: ["websocket"],
  upgrade: ["polling", "websocket"],
};

const events = [
  "connect",
  "connect_error",
  "disconnect",
  "auth",
  "message-back",
  "question",
  "answered",
  "room-message",
  "broadcast-message",
  "volatile-message",
];

// Client is a socket with the inbox of its events.
class Client {
  constructor(socket) {
    this.socket = socket;
    this.inbox = new Inbox(socket, events);
    this.manager = new Inbox(socket.io, ["ping", "open", "close", "reconnect"]);
    socket.on("question", (...args) => this.answer(...args));
  }

  // answer acknowledges questions with what was asked.
  answer(...args) {
    args.pop()("answer", ...args);
  }

  next(event) {
    return this.inbox.next(event);
  }

  count(event) {
    return this.inbox.count(event);
  }

  emit(...args) {
    this.socket.emit(...args);
  }

  // call emits an event and resolves with the arguments of its ack.
  call(...args) {
    const ack = new Promise((resolve) => {
      this.socket.emit(...args, (...answer) => resolve(answer));
    });
    return bounded(ack, `ack of "${args[0]}"`);
  }

  // echo sends a message and resolves with what comes back.
  async echo(...args) {
    this.socket.emit("message", ...args);
    return this.next("message-back");
  }

  // upgraded resolves when the connection has left polling.
  async upgraded() {
    const { engine } = this.socket.io;
    if (engine.transport.name === "websocket") return;
    await bounded(new Promise((r) => engine.once("upgrade", r)), "upgrade");
  }

  // of joins another namespace over the same connection.
  of(name, auth) {
    return new Client(this.socket.io.socket(name, { auth }));
  }
}

// open makes a client and does not wait for anything.
function open(bench, { url = bench.url, namespace = "/", ...options } = {}) {
  const socket = io(url + namespace, {
    forceNew: true,
    transports: transports[bench.transport],
    reconnectionDelay: 20,
    reconnectionDelayMax: 100,
    ...options,
  });
  bench.onEnd(() => socket.io._close());
  return new Client(socket);
}

// connect resolves when the client is connected, has seen the server's first
// event and has made the upgrade where there is one to make.
async function connect(bench, options) {
  const client = open(bench, options);
  await client.next("connect");
  await client.next("auth");
  if (bench.transport === "upgrade") await client.upgraded();
  return client;
}

module.exports = { Client, connect, open };
