// A chat over a WebSocket that speaks just enough of Engine.IO 4 and Socket.IO 5:
// the page needs no client library. Text is only ever set as text.
'use strict';

const $ = (id) => document.getElementById(id);
const url = new URL('/socket.io/?EIO=4&transport=websocket', location.href);
url.protocol = url.protocol.replace('http', 'ws');

let ws;          // the connection
let acks = {};   // what to do with answers, by id
let lastID = 0;
let delay = 500; // before the next attempt, in ms

const handlers = {
  welcome(id, people) {
    state('connected');
    delay = 500;
    show(people);
    if ($('name').value) emit('name', $('name').value);
  },
  people: show,
  said: (line) => add(line, false),
};

function connect() {
  ws = new WebSocket(url);
  ws.onmessage = (e) => receive(e.data);
  ws.onclose = () => {
    acks = {};
    state('reconnecting');
    setTimeout(connect, delay);
    delay = Math.min(delay * 2, 8000);
  };
}

// receive handles an Engine.IO packet: open, ping, or a Socket.IO packet.
function receive(data) {
  if (data[0] === '0') ws.send('40'); // join the main namespace
  else if (data[0] === '2') ws.send('3');
  else if (data.startsWith('42')) {
    const [event, ...args] = JSON.parse(data.slice(2));
    handlers[event]?.(...args);
  } else if (data.startsWith('43')) {
    const [, id, args] = /^43(\d+)(.*)$/s.exec(data);
    acks[id]?.(...JSON.parse(args));
    delete acks[id];
  }
}

function emit(event, ...args) {
  if (ws.readyState !== WebSocket.OPEN) return false;
  let id = '';
  if (typeof args.at(-1) === 'function') acks[id = ++lastID] = args.pop();
  ws.send('42' + id + JSON.stringify([event, ...args]));
  return true;
}

function state(text) { $('state').textContent = text; }
function show(people) { $('people').textContent = people; }

function add(line, own) {
  const p = document.createElement('p');
  p.className = own ? 'line own' : 'line';
  const b = document.createElement('b');
  b.textContent = line.name;
  const small = document.createElement('small');
  small.textContent = line.generation;
  p.append(b, line.text, small);
  $('log').append(p);
  p.scrollIntoView({ block: 'end' });
}

function note(text) {
  const p = document.createElement('p');
  p.className = 'note';
  p.textContent = text;
  $('log').append(p);
}

$('form').onsubmit = (e) => {
  e.preventDefault();
  const sent = emit('say', $('text').value, (answer) => {
    if (answer.error) note(answer.error.message);
    else add(answer, true);
  });
  if (!sent) return note('Not connected; try again in a moment.');
  $('text').value = '';
};
$('name').onchange = () => emit('name', $('name').value);

connect();
