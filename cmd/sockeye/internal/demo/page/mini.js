// The page's own client, for a server without the official ones: just enough of
// revision 1 (Socket.IO 0.9) and revision 5 (Socket.IO 4) over WebSocket. See
// adapter-0.9.js for what an adapter is.

// What the two generations write differently.
//
//   url()                resolves to the WebSocket's address
//   join                 what is sent when the WebSocket opens
//   event(id, args)      the messages of an event; id is empty if no answer is wanted
//   read(message, link)  handles a message
const dialects = {
  'script-1': {
    async url() {
      const [sid] = (await get(`/socket.io/1/?t=${Date.now()}`)).split(':');
      return `/socket.io/1/websocket/${encodeURIComponent(sid)}`;
    },
    event: (id, [name, ...args]) => [`5:${id && id + '+'}::${JSON.stringify({ name, args })}`],
    silence: 60_000,
    read(message, link) {
      const [, type, , , data] = /^(\d):([^:]*):([^:]*):?(.*)$/s.exec(message) ?? [];
      if (type === '1') link.joined();
      else if (type === '2') link.send('2::');
      else if (type === '5') link.event(...unpack(JSON.parse(data)));
      else if (type === '6') {
        const [, id, args] = /^(\d+)\+?(.*)$/s.exec(data);
        link.acked(id, args ? JSON.parse(args) : []);
      } else if (type === '0') link.end();
    },
  },
  'script-5': {
    url: async () => '/socket.io/?EIO=4&transport=websocket',
    event(id, args) {
      const attachments = [];
      const text = JSON.stringify(args.map((arg) => {
        if (!(arg instanceof ArrayBuffer)) return arg;
        return { _placeholder: true, num: attachments.push(arg) - 1 };
      }));
      return [attachments.length ? `45${attachments.length}-${id}${text}` : `42${id}${text}`, ...attachments];
    },
    silence: 45_000,
    read(message, link) {
      if (message instanceof ArrayBuffer) return link.attach(message);
      if (message[0] === '0') link.send('40');
      else if (message === '2') link.send('3');
      else if (message.startsWith('40')) link.joined();
      else if (message.startsWith('41')) link.end();
      else {
        const [, type, count, id, args] = /^4([2356])(?:(\d+)-)?(\d*)(\[.*)$/s.exec(message) ?? [];
        if (type) link.begin(type === '3' || type === '6', id, JSON.parse(args), Number(count ?? 0));
      }
    },
  },
};

const unpack = ({ name, args = [] }) => [name, args];

// get uses XMLHttpRequest, which the packet log watches.
function get(url) {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    xhr.open('GET', url);
    xhr.onload = () => (xhr.status === 200 ? resolve(xhr.responseText) : reject(new Error(xhr.responseText)));
    xhr.onerror = () => reject(new Error('no connection'));
    xhr.send();
  });
}

export async function open({ version }, on) {
  return new Link(dialects[version], on);
}

class Link {
  #dialect;
  #on;
  #ws;
  #closed = false;
  #timer;          // of the next attempt
  #watch;          // for a silent server
  #delay = 250;    // before the next attempt, in ms
  #lastID = 0;
  #acks = new Map();
  #partial;        // an event or answer that waits for its attachments

  constructor(dialect, on) {
    this.#dialect = dialect;
    this.#on = on;
    this.#connect();
  }

  async #connect() {
    try {
      const url = new URL(await this.#dialect.url(), location.href);
      if (this.#closed) return;
      url.protocol = url.protocol.replace('http', 'ws');
      this.#ws = new WebSocket(url);
    } catch {
      this.#lost();
      return;
    }
    this.#ws.binaryType = 'arraybuffer';
    this.#ws.onmessage = ({ data }) => {
      this.#listen();
      this.#dialect.read(data, this);
    };
    this.#ws.onclose = () => this.#lost();
    this.#listen();
  }

  // listen gives a connection up that says nothing for too long.
  #listen() {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => this.#ws.close(), this.#dialect.silence);
  }

  #lost() {
    clearTimeout(this.#watch);
    this.#acks.clear();
    this.#partial = undefined;
    if (this.#closed) return;
    this.#on.state('reconnecting');
    this.#timer = setTimeout(() => this.#connect(), this.#delay);
    this.#delay = Math.min(this.#delay * 2, 2000);
  }

  // What the dialects call.

  send(message) { this.#ws.send(message); }

  joined() {
    this.#delay = 250;
    this.#on.state('connected');
  }

  event(name, args) { if (!this.#closed) this.#on.event(name, args); }

  acked(id, args) {
    this.#acks.get(id)?.(...args);
    this.#acks.delete(id);
  }

  // begin handles an event, or an answer, as soon as its attachments are there.
  begin(answer, id, args, count) {
    this.#partial = { answer, id, args, count, attachments: [] };
    if (count === 0) this.#finish();
  }

  attach(data) {
    if (this.#partial?.attachments.push(data) === this.#partial?.count) this.#finish();
  }

  #finish() {
    const { answer, id, args, attachments } = this.#partial;
    this.#partial = undefined;
    // The chat's attachments are arguments of their own.
    const whole = args.map((arg) => (arg?._placeholder === true ? attachments[arg.num] : arg));
    if (answer) this.acked(id, whole);
    else this.event(whole[0], whole.slice(1));
  }

  // end is what the server wants, for good.
  end() {
    this.close();
    this.#on.state('disconnected');
  }

  // What the pane calls.

  emit(name, args, ack) {
    let id = '';
    if (ack) {
      id = String(++this.#lastID);
      this.#acks.set(id, ack);
    }
    for (const message of this.#dialect.event(id, [name, ...args])) this.#ws.send(message);
  }

  leave() { this.close(); } // a WebSocket ends with the page

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#watch);
    this.#ws?.close();
  }
}
