// The conformance app on socket.io 0.9. The package is of 2014; the one thing
// it misses on a Node of today is process.EventEmitter, put back here before
// it is loaded.
"use strict";

process.EventEmitter = require("events").EventEmitter;

const http = require("http");
const socketio = require("socket.io-0.9");
const listen = require("./listen");

const server = http.createServer();
const io = socketio.listen(server, { "log level": 0, "browser client": false });

function serve(namespace) {
  namespace.on("connection", (socket) => {
    socket.emit("auth", {});
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
    socket.on("to", (room, payload) => socket.broadcast.to(room).emit("room-message", payload));
    socket.on("broadcast", (payload) => namespace.emit("broadcast-message", payload));
    socket.on("volatile", (payload) => socket.volatile.emit("volatile-message", payload));
    socket.on("kick", () => socket.disconnect());
  });
}

serve(io.sockets);
serve(io.of("/custom"));
listen(server);
