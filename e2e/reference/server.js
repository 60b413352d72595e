// The conformance app on Node's own servers. The scenarios must pass here,
// which proves the scenarios; only then do they say something about ours.
//
//	node server.js node4|node09|both [-addr HOST:PORT] [-ping-interval D] …
//
// "both" joins socket.io 4 and 0.9 in one process and bridges their rooms, so
// that there is something to prove the mixed scenarios against.
"use strict";

const http = require("http");
const { parseFlags } = require("./flags");

const which = process.argv[2];
const flags = parseFlags(process.argv.slice(3));
const bridge = new Set();

const front = http.createServer();
const old = (req) => req.url.startsWith("/socket.io/1/");
const backs = [];

// A back is an HTTP server that never listens: it is handed what arrives at
// the front, so the two libraries do not see each other's requests.
function back(attach, takes) {
  const server = http.createServer((req, res) => {
    res.writeHead(404);
    res.end();
  });
  attach(server, flags, bridge);
  backs.push({ server, takes });
}

if (which === "node09" || which === "both") {
  back(require("./app09").attach, old);
}
if (which === "node4" || which === "both") {
  back(require("./app4").attach, (req) => !old(req));
}
if (backs.length === 0) {
  console.error("usage: node server.js node4|node09|both [flags]");
  process.exit(2);
}

front.on("request", (req, res) => {
  const to = backs.find((b) => b.takes(req));
  if (to) return to.server.emit("request", req, res);
  res.writeHead(404);
  res.end();
});
front.on("upgrade", (req, socket, head) => {
  const to = backs.find((b) => b.takes(req));
  if (to) return to.server.emit("upgrade", req, socket, head);
  socket.destroy();
});

// Under Node 20 a connection that is reset ends a 0.9 server.
process.on("uncaughtException", (err) => {
  if (err.code !== "ECONNRESET" && err.code !== "EPIPE") throw err;
});
process.on("SIGTERM", () => process.exit(0));
front.listen(flags.port, flags.host, () => {
  const { address, port, family } = front.address();
  const host = family === "IPv6" ? `[${address}]` : address;
  console.log(`listening on http://${host}:${port}`);
});
