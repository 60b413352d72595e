// What is said. Everything is set as text: nothing here is ever read as HTML.
import { element, follow } from './dom.js';
import { forget } from './picture.js';

const maxLines = 200;

const append = follow(document.getElementById('log'), maxLines, forget);

// line shows a line: own, with the round trip of its ack, or another's.
//
//   rtt      in ms, of own lines
//   to       the name of whom a private one is for
//   picture  an img, with form, how it came
export function line(said, { rtt, to, picture, form } = {}) {
  const own = rtt !== undefined;
  const e = element('div', 'line');
  e.classList.toggle('own', own);
  e.classList.toggle('private', said.private);
  e.classList.toggle('picture', Boolean(picture));
  e.dataset.generation = said.generation;

  const head = element('div', 'head');
  head.append(element('span', 'who', said.name), element('span', 'generation', said.generation));
  if (said.private) head.append(element('span', 'to', to ? `private, to ${to}` : 'private, to you'));
  const time = element('time', '', new Date(said.at).toTimeString().slice(0, 5));
  head.append(time);

  const body = element('div', 'bubble');
  body.append(element('span', 'text', said.text));
  if (picture) body.append(picture, element('span', 'form', form));
  e.append(head, body);
  if (own) e.append(element('span', 'rtt', `ack after ${rtt < 10 ? rtt.toFixed(1) : Math.round(rtt)} ms`));
  append(e);
}

// note shows what the pane has to say itself.
export function note(text, kind = '') {
  append(element('p', `note ${kind}`.trim(), text));
}
