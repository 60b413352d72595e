// The conformance app on socket.io 0.9.19.
"use strict";

// policyfile, which 0.9 loads, expects the class where Node 0.x had it.
process.EventEmitter = require("events").EventEmitter;
const sio = require("socket.io-0.9");

function configure(io, flags) {
  io.set("log level", 0);
  if (flags.pingInterval === undefined || flags.pingTimeout === undefined) {
    return;
  }
  const interval = flags.pingInterval / 1000;
  const timeout = Math.ceil((flags.pingInterval + flags.pingTimeout) / 1000);
  io.set("heartbeat interval", interval);
  io.set("polling duration", interval * 0.8);
  io.set("heartbeat timeout", timeout);
  io.set("close timeout", timeout);
}

function attach(httpServer, flags, bridge) {
  const io = sio.listen(httpServer, { "log level": 0 });
  configure(io, flags);
  tellUnnamed(io.sockets.constructor);
  // 0.9 says nothing to a namespace it does not know. A namespace that lets
  // nobody in gives the refusal that the conformance app asks for.
  io.of("/nope").authorization((data, answer) => answer(null, false));

  const self = {
    deliver(nsp, room, event, payload) {
      const of = nsp === "/" ? io.sockets : io.of(nsp);
      (room === null ? of : of.in(room)).emit(event, oldForm(payload));
    },
  };
  bridge.add(self);
  const others = (...args) => {
    for (const app of bridge) if (app !== self) app.deliver(...args);
  };

  io.sockets.on("connection", (s) => handlers(io.sockets, "/", s, others));
  const custom = io.of("/custom");
  custom.on("connection", (s) => handlers(custom, "/custom", s, others));
}

// 0.9 hands packets of the types 3 and 4 to the listeners of the event
// "message". The type is noted on the way, so that the app can tell.
function tellUnnamed(SocketNamespace) {
  const handlePacket = SocketNamespace.prototype.handlePacket;
  SocketNamespace.prototype.handlePacket = function (sessid, packet) {
    const socket = this.socket(sessid);
    socket.unnamed = packet.type;
    handlePacket.call(this, sessid, packet);
    socket.unnamed = undefined;
  };
}

function handlers(nsp, name, socket, others) {
  socket.emit("auth", {});
  socket.on("message", (...args) => {
    if (socket.unnamed === "message") return socket.send(args[0]);
    if (socket.unnamed === "json") return socket.json.send(args[0]);
    socket.emit("message-back", ...args);
  });
  socket.on("message-with-ack", (...args) => args.pop()(...args));
  socket.on("join", (room, ack) => {
    socket.join(room);
    ack("ok");
  });
  socket.on("leave", (room, ack) => {
    socket.leave(room);
    ack("ok");
  });
  socket.on("to", (room, payload) => {
    socket.broadcast.to(room).emit("room-message", payload);
    others(name, room, "room-message", payload);
  });
  socket.on("broadcast", (payload) => {
    nsp.emit("broadcast-message", payload);
    others(name, null, "broadcast-message", payload);
  });
  socket.on("ask", (payload) => {
    const answered = (...answer) => socket.emit("answered", ...answer);
    // The number of parameters tells 0.9 that this ack takes data.
    Object.defineProperty(answered, "length", { value: 1 });
    socket.emit("question", payload, answered);
  });
  socket.on("volatile", (payload) => {
    socket.volatile.emit("volatile-message", payload);
  });
  socket.on("kick", () => socket.manager.sockets.socket(socket.id).disconnect());
}

// The form that binary takes for a client whose grammar has none.
function oldForm(value) {
  if (Buffer.isBuffer(value)) {
    return { base64: true, data: value.toString("base64") };
  }
  if (Array.isArray(value)) return value.map(oldForm);
  if (value && typeof value === "object") {
    return Object.fromEntries(
      Object.entries(value).map(([k, v]) => [k, oldForm(v)])
    );
  }
  return value;
}

module.exports = { attach };
