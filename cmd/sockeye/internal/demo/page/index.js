// The page around the panes: which there are, and in which order.
import { find, scripts } from './clients.js';

const $ = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const room = query.get('room') ?? '';
const maxPanes = 8;

// What people are called before they say so.
const names = ['Ada', 'Grace', 'Alan', 'Radia', 'Edsger', 'Barbara', 'Ken', 'Frances'];

const panes = []; // { client, transport, name, frame }
let known = [];   // the clients that can be added

function address({ client, transport, name }) {
  const q = new URLSearchParams({ client, name });
  if (transport) q.set('transport', transport);
  if (room) q.set('room', room);
  return `pane.html?${q}`;
}

function add(client, transport) {
  if (panes.length >= maxPanes) {
    $('hint').textContent = `${maxPanes} panes are enough for one window.`;
    return;
  }
  const name = names.find((n) => panes.every((p) => p.name !== n));
  const frame = document.createElement('iframe');
  const pane = { client, transport, name, frame };
  frame.className = 'pane';
  frame.title = `${name}, with ${label(client)}`;
  frame.src = address(pane);
  panes.push(pane);
  $('panes').append(frame);
  return pane;
}

// A browser has so many connections to one server, WebSockets aside, and each pane that
// polls, or has an htmlfile, keeps one of them for as long as the server is silent.
const maxConnections = 6;
const crowd = `These panes keep all ${maxConnections} connections that browsers have to one server, and wait for each other. Use WebSocket in one.`;
let advice = '';

// warn shows whether there are too many of those panes.
function warn() {
  const polling = panes.filter(({ transport = 'websocket' }) => transport !== 'websocket').length;
  if (polling >= maxConnections && location.protocol === 'http:') $('hint').textContent = crowd;
  else if ($('hint').textContent === crowd) $('hint').textContent = advice;
}

// suggest has the next client chosen that has no pane yet.
function suggest() {
  $('add-client').value = known.find((c) => panes.every(({ client }) => client !== c)) ?? known.at(-1);
}

// remember keeps the address of the window true, so that it can be passed on.
function remember() {
  warn();
  const q = new URLSearchParams(location.search);
  q.set('panes', panes.map(({ client, transport }) => (transport ? `${client}:${transport}` : client)).join(','));
  history.replaceState(null, '', `?${q}`.replaceAll('%3A', ':').replaceAll('%2C', ','));
}

function label(client) {
  const { label: own, generation, year } = find(client);
  return own ? `${own}, ${generation}` : `Socket.IO ${client} (${year})`;
}

// Panes say when they want to be closed, and which transport was chosen.
window.addEventListener('message', ({ origin, source, data }) => {
  const i = panes.findIndex(({ frame }) => frame.contentWindow === source);
  if (origin !== location.origin || i < 0) return;
  if (data.transport) panes[i].transport = data.transport === 'auto' ? undefined : data.transport;
  if (data.close) {
    panes[i].frame.remove();
    panes.splice(i, 1);
    (panes[Math.min(i, panes.length - 1)]?.frame ?? $('add')).focus();
    suggest();
  }
  remember();
});

// overview returns what clients.json says. A server that is starting anew is waited for.
async function overview() {
  for (;;) {
    try {
      return await (await fetch('clients.json')).json();
    } catch {
      $('hint').textContent = 'The server does not answer. Trying again …';
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
}

// usual returns the panes of a window that asks for nothing: the newest of each line of
// releases that is shown then.
function usual() {
  const lines = new Map(known.map((c) => [find(c).name, c]));
  const shown = [...lines.values()].filter((c) => find(c).shown);
  return (shown.length > 1 ? shown : [known[0], known.at(-1)]).map((c) => [c]);
}

async function begin() {
  const { version, clients } = await overview();
  $('version').textContent = version;
  const official = clients.filter(find);
  known = official.length ? official : scripts;
  $('add-client').append(...known.map((c) => new Option(label(c), c)));
  $('hint').textContent = advice = official.length
    ? 'All share one Go server. Open this page in another window, or on your phone, and join them.'
    : 'These panes run a small script of this page. Start the server with “make run” to see the official clients.';
  $('bar').onsubmit = (e) => {
    e.preventDefault();
    add($('add-client').value)?.frame.scrollIntoView({ block: 'nearest' });
    suggest();
    remember();
  };
  const wanted = (query.get('panes') ?? '').split(',').filter(Boolean).map((p) => p.split(':'));
  const good = wanted.filter(([c]) => find(c) && (known.includes(c) || scripts.includes(c)));
  for (const [c, t] of good.length ? good : usual()) add(c, t);
  suggest();
  warn();
}

begin();
