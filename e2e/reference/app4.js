// The conformance app on socket.io 4, and the Engine.IO echo.
"use strict";

const { Server } = require("socket.io-4");
const engine = require("engine.io");

function options(flags) {
  const o = { cors: { origin: "*" }, maxHttpBufferSize: flags.maxPayload };
  if (flags.pingInterval !== undefined) o.pingInterval = flags.pingInterval;
  if (flags.pingTimeout !== undefined) o.pingTimeout = flags.pingTimeout;
  return o;
}

function attach(httpServer, flags, bridge) {
  const echo = new engine.Server(options(flags));
  echo.on("connection", (socket) => {
    socket.on("message", (data) => socket.send(data));
  });
  echo.attach(httpServer, { path: "/engine.io" });

  const io = new Server(httpServer, options(flags));
  const self = {
    deliver(nsp, room, event, payload) {
      const to = room === null ? io.of(nsp) : io.of(nsp).to(room);
      to.emit(event, payload);
    },
  };
  bridge.add(self);
  const others = (...args) => {
    for (const app of bridge) if (app !== self) app.deliver(...args);
  };

  for (const name of ["/", "/custom"]) {
    io.of(name).on("connection", (socket) => handlers(io, name, socket, others));
  }
}

function handlers(io, name, socket, others) {
  socket.emit("auth", socket.handshake.auth);
  socket.on("message", (...args) => socket.emit("message-back", ...args));
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
    socket.to(room).emit("room-message", payload);
    others(name, room, "room-message", payload);
  });
  socket.on("broadcast", (payload) => {
    io.of(name).emit("broadcast-message", payload);
    others(name, null, "broadcast-message", payload);
  });
  socket.on("ask", (payload) => {
    socket.emit("question", payload, (...answer) => {
      socket.emit("answered", ...answer);
    });
  });
  socket.on("volatile", (payload) => {
    socket.volatile.emit("volatile-message", payload);
  });
  socket.on("kick", () => socket.disconnect(true));
}

module.exports = { attach };
