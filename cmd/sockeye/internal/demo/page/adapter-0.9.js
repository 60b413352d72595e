// The clients of Socket.IO 0.7 to 0.9, whose API is one.
//
// An adapter's open takes the version, the transport ("auto" or a name) and what to
// call: on.state(state), on.event(name, args), on.upgraded(). It returns a link:
// emit(name, args, ack), close(), and leave(), which tells the server even when the
// page ends just now.
import * as activex from './activex.js';
import { load } from './clients.js';
import { htmlfile, watchScripts } from './tap.js';

let all; // the transports that the client has

export async function open({ version, transport }, on) {
  const io = await load(version);
  if (!all) {
    all = [...io.transports];
    watchScripts(io);
  }
  // The client merges the option "transports" into this list element by element, so
  // that the rest of the list stays; it is set whole here.
  io.transports = transport === 'auto' ? [...all] : [transport];
  if (transport === 'htmlfile') await activex.install(htmlfile);
  else activex.remove();

  let closed = false, socket, timer, delay = 500;

  function connect() {
    const main = io.connect(location.origin, {
      'force new connection': true,
      'connect timeout': 5000,
      'reconnection delay': 250,
      'reconnection limit': 2000,
      'max reconnection attempts': Infinity,
      // 0.7 and 0.8 would forget their session, and tell nobody, when a page is only
      // about to end; leave tells the server when it does.
      'sync disconnect on unload': false,
    });
    const mine = socket = main.socket;
    const live = (f) => (...args) => { if (!closed && socket === mine) f(...args); };

    // The client comes back by itself once it has been connected, and not before.
    let been = false;
    // One that was stopped while it shook hands goes on, and ends once it is connected.
    main.on('connect', () => { if (closed || socket !== mine) stop(mine); });
    const again = live(() => {
      if (been) return;
      clearTimeout(timer);
      timer = setTimeout(() => {
        stop(mine);
        connect();
      }, delay);
      delay = Math.min(delay * 2, 4000);
      on.state('reconnecting');
    });
    main.on('connect', live(() => {
      been = true;
      delay = 500;
      clearTimeout(timer);
      on.state('connected');
    }));
    // "booted": by the server, for good.
    main.on('disconnect', live((reason) => on.state(reason === 'booted' ? 'disconnected' : 'reconnecting')));
    main.on('reconnecting', live(() => on.state('reconnecting')));
    main.on('connect_failed', again);
    main.on('error', again);
    for (const name of on.events) main.on(name, live((...args) => on.event(name, args)));
    link.emit = (name, args, ack) => main.emit(name, ...args, ...(ack ? [ack] : []));
  }

  const link = {
    leave() { end(true); },
    close() { end(false); },
  };

  // end closes the link. A page that ends cannot send, and while a POST is on its way the
  // client keeps its goodbye for the next: then a request of its own is the goodbye.
  function end(leaving) {
    const { sessionid, open, doBuffer } = socket;
    closed = true;
    clearTimeout(timer);
    stop(socket);
    if (open && (leaving || doBuffer)) {
      fetch(`/socket.io/1/${encodeURIComponent(sessionid)}/?disconnect=1`, { keepalive: true }).catch(() => {});
    }
  }

  connect();
  return link;
}

// stop ends a socket for good, also one that waits to reconnect.
function stop(socket) {
  socket.options.reconnect = false;
  socket.reconnecting = false;
  clearTimeout(socket.reconnectionTimer);
  clearTimeout(socket.connectTimeoutTimer);
  if (socket.transport) socket.disconnect();
}
