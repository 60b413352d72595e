// Watches what travels: it sits on the browser's own WebSocket, XMLHttpRequest and
// forms, and between the server's scripts and the client that they call, so the clients
// run untouched, and what is shown is what is sent, whichever client it is. It must be
// there before a client's script is loaded.
//
// listener is called with
//
//   { out, family, data }  a packet: text, or an ArrayBuffer, a view of one or a Blob;
//                          family is how it is to be read (packets.js)
//   { note }               something about the connection
import { family, split } from './packets.js';

let listener = () => {};

export function watch(f) { listener = f; }

// several tells of the packets in the body of a request or an answer.
function several(out, kind, body) {
  for (const data of typeof body === 'string' ? split(kind, body) : [body]) listener({ out, family: kind, data });
}

const ours = (url) => new URL(url, location.href).pathname.startsWith('/socket.io/');

window.WebSocket = class extends WebSocket {
  #family;

  constructor(url, ...rest) {
    super(url, ...rest);
    if (!ours(url)) return;
    this.#family = family(url);
    this.addEventListener('open', () => listener({ note: 'WebSocket open' }));
    this.addEventListener('message', ({ data }) => listener({ out: false, family: this.#family, data }));
    this.addEventListener('close', ({ code }) => listener({ note: `WebSocket closed (${code})` }));
  }

  send(data) {
    if (this.#family) listener({ out: true, family: this.#family, data });
    super.send(data);
  }
};

const { open, send } = XMLHttpRequest.prototype;
const requests = new WeakMap();

XMLHttpRequest.prototype.open = function (method, url, ...rest) {
  if (ours(url) && !requests.has(this)) {
    // First in line, so that a packet is shown before the client acts on it.
    this.addEventListener('readystatechange', () => {
      if (this.readyState === 4) answered(this);
    });
  }
  if (ours(url)) requests.set(this, { method, family: family(url) });
  return open.call(this, method, url, ...rest);
};

XMLHttpRequest.prototype.send = function (body) {
  const request = requests.get(this);
  if (request && body) several(true, request.family, body);
  return send.call(this, body);
};

function answered(xhr) {
  const request = requests.get(xhr);
  if (xhr.status !== 200) {
    listener({ note: xhr.status ? `${request.method} answered ${xhr.status}` : `${request.method} without an answer` });
    return;
  }
  if (request.method !== 'GET') return; // "ok" is no packet
  several(false, request.family, xhr.response);
}

// jsonp-polling sends by a form with one field, d: a payload (0.7), or one as a literal
// of JSON (0.8 and 0.9), which keeps its line ends.
const { submit } = HTMLFormElement.prototype;

HTMLFormElement.prototype.submit = function () {
  const field = this.elements.d;
  if (field && ours(this.action)) {
    several(true, family(this.action), field.value.startsWith('"') ? JSON.parse(field.value) : field.value);
  }
  return submit.call(this);
};

// watchScripts watches what the server's scripts hand to a client of 0.7 to 0.9, which
// keeps its callbacks in io.j.
export function watchScripts(io) {
  io.j.push = (...callbacks) => Array.prototype.push.apply(io.j, callbacks.map((callback) => (body) => {
    if (typeof body === 'string') several(false, family(document.currentScript.src), body);
    else listener({ note: `script answered: ${body.message}` });
    return callback(body);
  }));
}

document.addEventListener('error', ({ target }) => {
  if (target instanceof HTMLScriptElement && ours(target.src)) listener({ note: 'script without an answer' });
}, true);

// htmlfile tells of what the scripts in one hand to the client.
export const htmlfile = {
  heard(packet) { listener({ out: false, family: 'revision 1', data: packet }); },
  ended() { listener({ note: 'htmlfile ended' }); },
};
