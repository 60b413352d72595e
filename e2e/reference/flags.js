// The flags of the conformance app, in Go's form.
"use strict";

const units = { ms: 1, s: 1000, m: 60000, h: 3600000 };

function milliseconds(text) {
  let rest = text;
  let sum = 0;
  while (rest !== "") {
    const m = /^(\d+(?:\.\d+)?)(ms|s|m|h)/.exec(rest);
    if (!m) throw new Error(`not a duration: ${text}`);
    sum += Number(m[1]) * units[m[2]];
    rest = rest.slice(m[0].length);
  }
  return sum;
}

function parseFlags(args) {
  const flags = {
    host: "127.0.0.1",
    port: 0,
    pingInterval: undefined,
    pingTimeout: undefined,
    maxPayload: 1000000,
  };
  const known = {
    addr(v) {
      const i = v.lastIndexOf(":");
      flags.host = v.slice(0, i).replace(/[[\]]/g, "");
      flags.port = Number(v.slice(i + 1));
    },
    "ping-interval"(v) {
      flags.pingInterval = milliseconds(v);
    },
    "ping-timeout"(v) {
      flags.pingTimeout = milliseconds(v);
    },
    "max-payload"(v) {
      flags.maxPayload = Number(v);
    },
  };
  for (let i = 0; i < args.length; i++) {
    let [, name, value] = /^--?([^=]*)(?:=(.*))?$/s.exec(args[i]) || [];
    if (!known[name]) throw new Error(`unknown flag: ${args[i]}`);
    known[name](value === undefined ? args[++i] : value);
  }
  return flags;
}

module.exports = { parseFlags };
