// What clients of 0.7 to 0.9 expect of the Node of their day, put back where
// Node 20 has it no longer. Of the clients themselves nothing is replaced.
"use strict";

const crypto = require("crypto");
const { EventEmitter } = require("events");
const http = require("http");

process.EventEmitter = EventEmitter;

// The rest is for websocket-client 1.0.0, the WebSocket (draft 76) of 0.7 and
// 0.8.

// OldClient is Node 0.4's http.Client as far as one upgrade needs it: the
// events "upgrade" and "error" come from the client, not from its request.
class OldClient extends EventEmitter {
  constructor(port, host) {
    super();
    this.to = { port, host };
  }

  request(path, headers) {
    const request = http.request({ ...this.to, path, headers, agent: false });
    request.on("upgrade", (...args) => this.emit("upgrade", ...args));
    request.on("error", (err) => this.emit("error", err));
    // A refusal is a response, which the client does not look at: it waits.
    request.on("response", (response) => response.resume());
    return request;
  }

  end() {}
}

http.createClient = (port, host) => new OldClient(port, host);

// Hashes took strings as Latin-1.
const createHash = crypto.createHash;
crypto.createHash = (...args) => {
  const hash = createHash(...args);
  const update = hash.update;
  hash.update = (data, encoding) =>
    update.call(hash, data, encoding || (typeof data === "string" ? "latin1" : undefined));
  return hash;
};
