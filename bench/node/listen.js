// What both servers share: the -addr flag, the line that says where they
// listen, and an end on SIGTERM.
"use strict";

function address() {
  const i = process.argv.findIndex((a) => a === "-addr" || a === "--addr");
  const value = i < 0 ? "127.0.0.1:0" : process.argv[i + 1];
  const cut = value.lastIndexOf(":");
  return { host: value.slice(0, cut), port: Number(value.slice(cut + 1)) };
}

module.exports = function listen(server) {
  const { host, port } = address();
  // The backlog Node asks for by default, 511, would refuse a burst of
  // connects that every other server here takes.
  server.listen({ host, port, backlog: 4096 }, () => {
    const a = server.address();
    console.log(`listening on http://${a.address}:${a.port}`);
  });
  process.on("SIGTERM", () => process.exit(0));
};
