// The live packet log.
import { element, follow } from './dom.js';
import { count, words } from './packets.js';

const maxRows = 200, maxShown = 200, maxBytes = 24; // rows, characters, bytes

const list = document.getElementById('wire');
const append = follow(list, maxRows);

// clock returns a time as 12:34:56.789.
function clock(date) {
  return `${date.toTimeString().slice(0, 8)}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

export function show({ out, family, data, note }) {
  const row = element('li', note ? 'note' : out ? 'out' : 'in');
  row.append(element('time', '', clock(new Date())));
  if (note) {
    row.append(element('span', 'what', note));
  } else {
    const arrow = element('span', 'arrow', out ? '→' : '←');
    arrow.setAttribute('aria-label', out ? 'sent' : 'received');
    arrow.setAttribute('role', 'img');
    const what = element('span', 'what', words(family, data));
    what.dataset.kind = what.textContent.split(/[ ,]/)[0];
    row.append(arrow, what, element('code', '', cut(data)));
  }
  append(row);
}

// cut returns the beginning of a packet: text, or bytes in hexadecimal.
function cut(data) {
  if (typeof data === 'string') {
    if (data.length <= maxShown) return data;
    return `${data.slice(0, maxShown)}… (${count(data.length, 'character')})`;
  }
  if (data instanceof Blob) return '…'; // which cannot be read at once
  const bytes = ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
  const hex = Array.from(bytes.subarray(0, maxBytes), (b) => b.toString(16).padStart(2, '0')).join(' ');
  return bytes.length > maxBytes ? `${hex} …` : hex;
}

document.getElementById('clear').onclick = () => list.replaceChildren();
