// Who is in the room, and whom the next message is for.
import { element } from './dom.js';

const maxPeople = 100; // shown, as in the server's list

const list = document.getElementById('people');
const total = document.getElementById('total');
const to = document.getElementById('to');

const people = new Map(); // by id
let me = '', size = 0;
let chosen = { id: '', name: '' }; // whom the next message is for

// reset sets the whole list.
export function reset(id, all, count) {
  me = id;
  size = count;
  people.clear();
  for (const p of all) people.set(p.id, p);
  show();
}

// put adds somebody, or what is new about them. It reports whether somebody came.
export function put(p) {
  const came = !people.has(p.id);
  size = p.total;
  if (!came || people.size < maxPeople) people.set(p.id, p);
  show();
  return came;
}

// remove returns who left, if the list had them.
export function remove(id, count) {
  const p = people.get(id);
  people.delete(id);
  size = count;
  show();
  return p;
}

// recipient returns whom the next message is for: id and name, or '' for everybody.
export const recipient = () => chosen;

// address chooses whom the next message is for; '' is everybody. Nothing else changes
// it: what was meant for somebody who has left must not go to everybody.
export function address(id) {
  chosen = { id, name: chosen.name };
  showChosen();
}

function show() {
  const focused = document.activeElement?.closest?.('#people li')?.dataset.id;
  total.textContent = String(size);
  list.replaceChildren(...[...people.values()].map(item));
  if (size > people.size) list.append(element('li', 'more', `and ${size - people.size} more`));
  if (focused) list.querySelector(`li[data-id="${CSS.escape(focused)}"] button`)?.focus();
  showChosen();
}

function showChosen() {
  const { id } = chosen;
  const name = chosen.name = people.get(id)?.name ?? chosen.name;
  const options = [...people.values()].filter((p) => p.id !== me).map((p) => new Option(p.name, p.id));
  if (id && !people.has(id)) options.push(new Option(`${name} (left)`, id));
  to.replaceChildren(new Option('Everybody', ''), ...options);
  to.value = id;
  for (const li of list.children) {
    li.querySelector('button')?.setAttribute('aria-pressed', String(li.dataset.id === id));
  }
  document.body.classList.toggle('private', id !== '');
  document.getElementById('text').placeholder = id ? `Only ${name} will read this` : 'Write to everybody';
}

function item(p) {
  const li = element('li', p.id === me ? 'me' : '');
  li.dataset.id = p.id;
  li.dataset.generation = p.generation;
  // Nobody writes to themselves.
  const inner = element(p.id === me ? 'div' : 'button', 'person');
  if (p.id !== me) {
    inner.type = 'button';
    inner.title = `Write to ${p.name} alone`;
  }
  inner.append(element('span', 'who', p.name), element('span', 'generation', p.generation), element('span', 'transport', p.transport));
  li.append(inner);
  return li;
}

list.addEventListener('click', ({ target }) => {
  const id = target.closest('li')?.dataset.id;
  if (!id || id === me) return;
  address(chosen.id === id ? '' : id);
  document.getElementById('text').focus();
});
to.addEventListener('change', () => address(to.value));
