// Takes payloads apart and says in words what a packet is.

// family returns how the packets of a connection to this address are to be read.
export function family(url) {
  const { pathname, searchParams } = new URL(url, location.href);
  if (searchParams.get('EIO')) return 'engine';
  return /^\/socket\.io\/+1\/+[^/]/.test(pathname) ? 'revision 1' : 'handshake';
}

// split returns the packets of the body of a request or an answer.
export function split(kind, body) {
  if (body === '') return [];
  if (kind === 'engine') return body.split('\x1e'); // Engine.IO 4, "Payload"
  if (kind !== 'revision 1' || body[0] !== '\ufffd') return [body];
  // Several at once are framed: U+FFFD, the length in UTF-16 units, U+FFFD, the packet.
  const packets = [];
  for (let at = 0; body[at] === '\ufffd';) {
    const end = body.indexOf('\ufffd', at + 1);
    const length = Number(body.slice(at + 1, end));
    if (end < 0 || !Number.isInteger(length)) return [body];
    packets.push(body.slice(end + 1, end + 1 + length));
    at = end + 1 + length;
  }
  return packets;
}

const number = new Intl.NumberFormat('en');

export const count = (n, unit) => `${number.format(n)} ${unit}${n === 1 ? '' : 's'}`;

// size returns the bytes of a binary message, of whichever kind.
const size = (data) => data.byteLength ?? data.size ?? 0;

const engine = { 0: 'open', 1: 'close', 2: 'ping', 3: 'pong', 5: 'upgrade', 6: 'noop' };
const revision1 = ['disconnect', 'connect', 'heartbeat', 'message', 'JSON', 'event', 'ack', 'error', 'noop'];
const socket = ['connect', 'disconnect', 'event', 'ack', 'connect error', 'event', 'ack'];

// words says what a packet is: "event", "ack 3", "ping", "binary 1,234 bytes". An event
// that wants an answer is "event, wants ack 3".
export function words(kind, data) {
  if (typeof data !== 'string') return `binary ${count(size(data), 'byte')}`;
  switch (kind) {
    case 'handshake': return 'handshake';
    case 'revision 1': return revision1Words(data);
    default: return engineWords(data);
  }
}

function revision1Words(data) {
  const [, type, id, , rest] = /^(\d):(\d*)\+?:([^:]*):?(.*)$/s.exec(data) ?? [];
  const word = revision1[type] ?? 'unknown';
  if (type === '6') return `ack ${parseInt(rest, 10)}`;
  return id ? `${word}, wants ack ${id}` : word;
}

function engineWords(data) {
  if (data[0] === 'b') return `binary ${count(Math.floor((data.length - 1) * 3 / 4) - (/=*$/.exec(data)[0].length), 'byte')}`;
  if (data[0] !== '4') return data.endsWith('probe') ? 'probe' : engine[data[0]] ?? 'unknown';
  const [, type, , id] = /^4(\d)(?:(\d+)-)?(?:\/[^,[{]*,)?(\d*)/.exec(data) ?? [];
  const word = socket[type] ?? 'message';
  if (type === '3' || type === '6') return `ack ${id}`;
  return id ? `${word}, wants ack ${id}` : word;
}
