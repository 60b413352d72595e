// A pane: one client of one generation, in a chat.
import { watch } from './tap.js'; // first: it must be there before any client
import { find } from './clients.js';
import { line, note } from './log.js';
import * as people from './people.js';
import * as picture from './picture.js';
import { show } from './wire.js';

const $ = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const version = query.get('client') ?? 'script-5';
const client = find(version);

watch(show);

let link;              // to the server; another one after each change of the transport
let up = false;        // whether the link stands; the pane may not be in its room yet
let wanted = {};       // the last join's name and room
let mine = {};         // what the server answered to it
const pending = new Set(); // what is to be done with sent things if the connection breaks

const events = {
  said: (said) => line(said),
  picture(said, data) {
    const { bytes, form } = picture.decode(data);
    line(said, { picture: picture.show(bytes, said.type, `A picture from ${said.name}`), form });
  },
  person(p) {
    if (p.id === mine.id) shown(p);
    if (people.put(p)) note(`${p.name} came, by ${p.generation}${p.transport && ` over ${p.transport}`}.`);
  },
  gone(id, total) {
    const p = people.remove(id, total);
    if (p) note(`${p.name} left.`);
  },
  rooms(rooms) {
    $('rooms').replaceChildren(...rooms.map(({ name, people: n }) => new Option(`${n} here`, name)));
  },
};

// state shows the state of the connection. "connected" is shown once the server has
// let the pane into its room.
function state(now) {
  document.body.dataset.state = $('state').textContent = now;
}

const connected = () => document.body.dataset.state === 'connected';

function shown({ generation, transport }) {
  document.body.dataset.generation = generation;
  document.body.dataset.transport = transport;
  $('generation').textContent = generation;
  $('now').textContent = transport;
}

// connect starts the client with the transport that is chosen, instead of what runs.
async function connect(as = 'connecting') {
  link?.close();
  link = undefined;
  down(as);
  const on = {
    events: Object.keys(events),
    event: (name, args) => events[name](...args),
    upgraded: () => { if (up) link.emit('transport', []); }, // else the join will tell
    state(now) {
      up = now === 'connected';
      if (up) join();
      else down(now);
    },
  };
  const attempt = connect.attempt = {};
  try {
    const { open } = await import(client.adapter);
    const opened = await open({ version, transport: $('transport').value }, on);
    // In the meantime another transport may have been chosen.
    if (connect.attempt !== attempt) return opened.close();
    link = opened;
  } catch (error) {
    if (connect.attempt !== attempt) return;
    // The server may be starting anew.
    if (document.body.dataset.state === 'connecting') note(`The client does not run: ${error.message}. Trying again …`, 'error');
    down('reconnecting');
    setTimeout(() => { if (connect.attempt === attempt) connect('reconnecting'); }, 2000);
  }
}

// down shows a state without a connection, and tells of what was sent and not answered.
function down(now) {
  up = false;
  for (const f of [...pending]) f();
  pending.clear();
  if (now !== document.body.dataset.state) state(now);
}

// ask emits an event. done gets the answer and how long it took in ms; failed gets
// what went wrong, and whether that is only the connection: either is called once.
function ask(name, args, done, failed) {
  const lost = () => failed('The connection broke before the server had answered.', true);
  pending.add(lost);
  const since = performance.now();
  link.emit(name, args, (answer) => {
    const rtt = performance.now() - since;
    if (!pending.delete(lost)) return;
    if (answer?.error) failed(`The server refused: ${answer.error.message}.`, false);
    else done(answer, rtt);
  });
}

function join() {
  const asked = wanted = { name: $('name').value, room: $('room').value };
  ask('join', [asked], (welcome) => {
    const moved = welcome.room !== mine.room;
    mine = welcome;
    shown(welcome);
    // What was typed meanwhile stays.
    if ($('name').value === asked.name) $('name').value = welcome.name;
    if ($('room').value === asked.room) $('room').value = welcome.room;
    people.reset(welcome.id, welcome.people, welcome.total);
    events.rooms(welcome.rooms);
    if (moved) note(`You are in “${welcome.room}”. What you write is read in every pane of this room.`);
    else if (!connected()) note('Connected again.');
    state('connected');
  }, (why, lost) => {
    if (!lost) note(why, 'error'); // once the connection is back the pane joins again
  });
}

// rejoin is for another name or room.
function rejoin() {
  const { value: name } = $('name'), { value: room } = $('room');
  if (up && (name !== wanted.name || room !== wanted.room)) join();
}

function say() {
  const text = $('text').value;
  if (!text.trim()) return;
  if (!connected()) return note('Not connected: your text stays until it can be sent.', 'error');
  const { id, name } = people.recipient();
  $('text').value = '';
  ask('say', [{ text, to: id }], (said, rtt) => line(said, { rtt, to: name }), (why) => {
    if ($('text').value) return note(`${why} Not sent: ${text}`, 'error');
    $('text').value = text;
    note(`${why} Your text is still there.`, 'error');
  });
}

async function sendPicture(file) {
  const wrong = picture.check(file);
  if (wrong) return note(wrong, 'error');
  const bytes = await file.arrayBuffer();
  const data = await picture.encode(file, client.binary);
  if (!connected()) return note('Not connected: the picture was not sent.', 'error');
  const { id, name } = people.recipient();
  const { form } = picture.decode(data);
  ask('picture', [{ type: file.type, to: id }, data], (said, rtt) => line(said, {
    rtt, to: name, picture: picture.show(bytes, said.type, `Your picture ${file.name}`), form: `sent as ${form}`,
  }), (why) => note(`${why} The picture was not sent.`, 'error'));
}

function begin() {
  document.body.dataset.client = version;
  document.body.dataset.generation = client.generation;
  document.title = `Socket.IO ${client.label ?? version} · Sockeye`;
  $('client').textContent = client.label ?? version;
  $('year').textContent = client.year;
  $('generation').textContent = client.generation;
  $('name').value = query.get('name') ?? '';
  $('room').value = query.get('room') || 'lobby';
  $('transport').append(new Option('auto', 'auto'), ...client.transports.map((t) => new Option(t, t)));
  const transport = query.get('transport');
  if (client.transports.includes(transport)) $('transport').value = transport;

  $('transport').onchange = () => {
    tell({ transport: $('transport').value });
    connect();
  };
  for (const id of ['name', 'room']) {
    $(id).onchange = rejoin;
    $(id).onkeydown = (e) => { if (e.key === 'Enter') rejoin(); };
  }
  $('composer').onsubmit = (e) => {
    e.preventDefault();
    say();
  };
  document.onkeydown = (e) => { if (e.key === 'Escape') people.address(''); };
  $('picture').onchange = ({ target }) => {
    if (target.files[0]) sendPicture(target.files[0]);
    target.value = ''; // the same one may be sent again
  };
  if (window.parent !== window) {
    $('close').hidden = false;
    $('close').onclick = () => tell({ close: true });
  }
  // Whoever closes the pane or the window is gone at once, by polling, too.
  window.onpagehide = () => link?.leave();
  window.onpageshow = ({ persisted }) => { if (persisted) connect(); };
  connect();
}

// tell tells the page around the pane.
function tell(what) {
  if (window.parent !== window) window.parent.postMessage(what, location.origin);
}

if (client) begin();
else {
  state('disconnected');
  $('client').textContent = version;
  note('This page knows no such client.', 'error');
}
