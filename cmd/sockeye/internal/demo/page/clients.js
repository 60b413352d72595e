// The clients that a pane can run: one entry per line of releases. A version belongs to
// the first entry whose name it is, or begins with (up to a dot).
//
//   name        as in "0.9"; the page's own scripts have no version
//   label       what the badge says in place of the version
//   year        of its last release
//   generation  as the server calls it; shown until the server has said so
//   transports  on offer, in the names of the client
//   shown       whether a window that asks for nothing has a pane of it
//   binary      whether its protocol can carry bytes
//   adapter     the module that speaks to its API
//
// What revision 1 has besides: flashsocket, for which no browser has the player any
// more, and xhr-multipart, which no client of these asks for.
const revision1 = {
  generation: 'revision 1', binary: false, adapter: './adapter-0.9.js',
  transports: ['websocket', 'htmlfile', 'xhr-polling', 'jsonp-polling'],
};

export const clients = [
  { name: '0.7', year: '2011', ...revision1 },
  { name: '0.8', year: '2011', ...revision1 },
  { name: '0.9', year: '2014', shown: true, ...revision1 },
  {
    name: '3', year: '2021', generation: 'revision 5', binary: true,
    transports: ['websocket', 'polling'], adapter: './adapter-4.js',
  },
  {
    name: '4', year: 'now', shown: true, generation: 'revision 5', binary: true,
    transports: ['websocket', 'polling'], adapter: './adapter-4.js',
  },
  {
    name: 'script-1', label: 'page script', year: 'as of 2014', generation: 'revision 1', binary: false,
    transports: ['websocket'], adapter: './mini.js',
  },
  {
    name: 'script-5', label: 'page script', year: 'as of now', generation: 'revision 5', binary: true,
    transports: ['websocket'], adapter: './mini.js',
  },
];

export const scripts = ['script-1', 'script-5'];

// find returns the entry of a version, or undefined.
export function find(version) {
  return clients.find(({ name }) => version === name || version.startsWith(name + '.'));
}

const loading = new Map(); // promises, by version

// load runs the official client's own file, untouched, as old pages did: by a script
// element. It resolves to the global that the file leaves. What failed may be tried
// again.
export function load(version) {
  if (!loading.has(version)) {
    const loaded = new Promise((resolve, reject) => {
      const script = document.createElement('script');
      script.src = `/socket.io/socket.io.v${encodeURIComponent(version)}.js`;
      script.onload = () => resolve(window.io);
      script.onerror = () => reject(new Error('its file cannot be loaded'));
      document.head.append(script);
    });
    loading.set(version, loaded);
    loaded.catch(() => loading.delete(version));
  }
  return loading.get(version);
}
