// The conformance app on socket.io 4, with its default WebSocket library, ws.
"use strict";

const http = require("http");
const { Server } = require("socket.io");
const listen = require("./listen");

const server = http.createServer();
const io = new Server(server, { cors: { origin: "*" }, serveClient: false });

function serve(namespace) {
  namespace.on("connection", (socket) => {
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
    socket.on("to", (room, payload) => socket.to(room).emit("room-message", payload));
    socket.on("broadcast", (payload) => namespace.emit("broadcast-message", payload));
    socket.on("ask", (payload) =>
      socket.emit("question", payload, (...args) => socket.emit("answered", ...args)));
    socket.on("volatile", (payload) => socket.volatile.emit("volatile-message", payload));
    socket.on("kick", () => socket.disconnect(true));
  });
}

serve(io.of("/"));
serve(io.of("/custom"));
listen(server);
