// A stand-in for Internet Explorer's ActiveXObject('htmlfile'): a document apart from
// the page, in which the clients of 0.7 to 0.9 keep an iframe whose own page never
// ends, and runs a script for each packet. Here it is the document of a hidden frame,
// so that the client's code and the server's scripts run as they are. The one thing
// that the original was for, it cannot do: the browser shows that something loads.

// The markup that clients make the document of; the frame's is empty anyway, and no
// other string is ever made into elements here.
const empty = '<html></html>';

const frames = new Set();

// install puts the stand-in into the window. It resolves once the page and those
// around it have loaded, for else they would wait for what never ends, as they would
// not in Internet Explorer. heard is called with each packet before the client is, and
// ended when the server has ended a page.
export async function install({ heard = () => {}, ended = () => {} } = {}) {
  window.ActiveXObject = function (name) {
    if (name !== 'htmlfile') throw new TypeError(`there is no ${name} here`); // swfobject looks for Flash
    return new HTMLFile(heard, ended);
  };
  // What takes the frames away that the client has emptied.
  window.CollectGarbage = () => {
    for (const frame of frames) {
      if (frame.contentDocument.querySelector('iframe')) continue;
      frame.remove();
      frames.delete(frame);
    }
  };
  for (let w = window; ; w = w.parent) {
    await loaded(w);
    if (w === w.parent) return;
  }
}

// remove takes the stand-in away again. A client that had it may still collect.
export function remove() {
  delete window.ActiveXObject;
}

function loaded(w) {
  return new Promise((resolve) => {
    if (w.document.readyState === 'complete') resolve();
    else w.addEventListener('load', resolve, { once: true });
  });
}

// The part of the original that the clients use.
class HTMLFile {
  #heard;
  #ended;
  #frame; // none before open: clients make an htmlfile only to see whether they can, too

  constructor(heard, ended) {
    this.#heard = heard;
    this.#ended = ended;
  }

  get #document() { return this.#frame.contentDocument; }

  open() {
    this.#frame = document.createElement('iframe');
    this.#frame.hidden = true;
    this.#frame.title = 'htmlfile';
    document.body.append(this.#frame);
    frames.add(this.#frame);
    this.#document.open(); // else Firefox puts another empty document into its place
    let client;
    // The server's scripts call parent.s._(packet, document).
    Object.defineProperty(this.parentWindow, 's', {
      set: (transport) => { client = transport; },
      get: () => ({
        _: (packet, doc) => {
          this.#heard(packet);
          client._(packet, doc);
        },
      }),
    });
  }

  write(markup) {
    if (markup !== empty) throw new TypeError('only an empty document can be written here');
  }

  close() { this.#document.close(); }

  get parentWindow() { return this.#frame.contentWindow; }

  get body() { return this.#document.body; }

  createElement(name) {
    const element = this.#document.createElement(name);
    // An iframe has loaded before it has an address, too.
    if (name === 'iframe') element.onload = () => { if (element.src) this.#ended(); };
    return element;
  }
}
