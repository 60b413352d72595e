// Watches what travels: it sits on the browser's own WebSocket and XMLHttpRequest, so
// the clients run untouched, and what is shown is what is sent, whichever client it
// is. It must be there before a client's script is loaded.
//
// listener is called with
//
//   { out, family, data }  a packet: text, or an ArrayBuffer, a view of one or a Blob;
//                          family is how it is to be read (packets.js)
//   { note }               something about the connection
import { family, split } from './packets.js';

let listener = () => {};

export function watch(f) { listener = f; }

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
  if (request && typeof body === 'string') {
    for (const packet of split(request.family, body)) listener({ out: true, family: request.family, data: packet });
  } else if (request && body) {
    listener({ out: true, family: request.family, data: body });
  }
  return send.call(this, body);
};

function answered(xhr) {
  const request = requests.get(xhr);
  if (xhr.status !== 200) {
    listener({ note: xhr.status ? `${request.method} answered ${xhr.status}` : `${request.method} without an answer` });
    return;
  }
  if (request.method !== 'GET') return; // "ok" is no packet
  const body = xhr.response;
  for (const packet of typeof body === 'string' ? split(request.family, body) : [body]) {
    listener({ out: false, family: request.family, data: packet });
  }
}
