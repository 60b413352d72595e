// The clients of Socket.IO 3 and 4; see adapter-0.9.js for what an adapter is.
import { load } from './clients.js';

export async function open({ version, transport }, on) {
  const io = await load(version);
  const socket = io(location.origin, {
    forceNew: true,
    transports: transport === 'auto' ? ['polling', 'websocket'] : [transport],
    reconnectionDelay: 250,
    reconnectionDelayMax: 2000,
    timeout: 5000,
  });
  let closed = false;
  const live = (f) => (...args) => { if (!closed) f(...args); };
  // Each connection has an engine of its own, which begins by polling.
  socket.io.on('open', live(() => socket.io.engine.on('upgrade', live(on.upgraded))));
  socket.io.on('reconnect_attempt', live(() => on.state('reconnecting')));
  socket.on('connect', live(() => on.state('connected')));
  socket.on('connect_error', live(() => on.state(socket.active ? 'reconnecting' : 'disconnected')));
  socket.on('disconnect', live(() => on.state(socket.active ? 'reconnecting' : 'disconnected')));
  for (const name of on.events) socket.on(name, live((...args) => on.event(name, args)));
  const link = {
    emit: (name, args, ack) => socket.emit(name, ...args, ...(ack ? [ack] : [])),
    leave() {
      const { id, transport: { name } = {} } = socket.io.engine ?? {};
      link.close();
      // A WebSocket ends with the page.
      if (id && name === 'polling') {
        const query = new URLSearchParams({ EIO: 4, transport: name, sid: id });
        fetch(`/socket.io/?${query}`, { method: 'POST', body: '1', keepalive: true }).catch(() => {});
      }
    },
    close() {
      closed = true;
      try {
        socket.disconnect();
      } catch {
        // 3.x has closed its transport by itself when a page goes, and stumbles over that.
      }
    },
  };
  return link;
}
