// What the browser test has a client of revision 1 do, in a page of
// browser_old_test.go: page?transport=NAME&server=URL&expect=NAME&steps=a,b,c
//
// window.stage tells how far it is, window.failure what went wrong. At the stage "down"
// the test ends all connections and those to come, until "up". Waits are not bounded here but in the test.
'use strict';

const params = new URLSearchParams(location.search);
const transport = params.get('transport');
const expected = params.get('expect');
const steps = params.get('steps').split(',');

window.stage = 'loading';

// note says in the page what happens, for the report of a test that fails.
const shown = document.body.appendChild(document.createElement('pre'));
function note(what) {
  shown.textContent = `${shown.textContent}${Math.round(performance.now())} ms: ${what}\n`.slice(-1200);
}

function check(condition, what) {
  note(what);
  if (!condition) throw new Error(what);
}

function same(got, want, what) {
  const [a, b] = [JSON.stringify(got), JSON.stringify(want)];
  check(a === b, `${what}: got ${a}, want ${b}`);
}

// A Client is a connection whose events wait until they are asked for.
class Client {
  constructor() {
    io.transports = transport.split('+');
    this.namespace = io.connect(params.get('server'), {
      'force new connection': true,
      'try multiple transports': false,
      'connect timeout': 60000,
      // Old clients do not wait for a handshake before they try again, and stumble
      // over their own second one.
      'reconnection delay': 2000,
      'max reconnection attempts': 100,
    });
    this.socket = this.namespace.socket;
    this.events = {};
    this.waiting = {};
    for (const name of ['connect', 'connect_failed', 'disconnect', 'message', 'auth', 'message-back', 'answered', 'burst']) {
      this.events[name] = [];
      this.waiting[name] = [];
      this.namespace.on(name, (...args) => this.put(name, args));
    }
    this.namespace.on('question', (args, answer) => answer('answer', args));
  }

  put(name, args) {
    note(name);
    const next = this.waiting[name].shift();
    if (next) next(args);
    else this.events[name].push(args);
  }

  next(name) {
    note(`wait for ${name}`);
    if (this.events[name].length > 0) return Promise.resolve(this.events[name].shift());
    return new Promise((resolve) => this.waiting[name].push(resolve));
  }

  call(...args) {
    return new Promise((resolve) => this.namespace.emit(...args, (...answer) => resolve(answer)));
  }

  async echo(...args) {
    this.namespace.emit('message', ...args);
    return this.next('message-back');
  }

  // sent resolves when no POST is under way.
  async sent() {
    while (this.socket.doBuffer) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  // answered resolves when the poll under way has been answered, if a script makes it:
  // that runs even when the client has removed it, and ends the session of then.
  answered() {
    const script = this.socket.transport.script;
    return script && new Promise((resolve) => script.addEventListener('load', resolve));
  }

  end() {
    this.socket.options.reconnect = false;
    this.socket.disconnect();
  }
}

async function connect() {
  const client = new Client();
  await client.next('connect');
  await client.next('auth');
  same(client.socket.transport.name, expected, 'transport');
  return client;
}

const texts = [
  '', 'hello', `"'\``, '\\ \\\\ \\n \\u0041 \\', 'a/b \\/ c', '\\\\/', '</script>', '<!-- <script>', ']]>',
  '</iframe></body></html>', 'a\u2028b\u2029c', '\n\r\n\r\t', '😀 👩‍👩‍👧 é', '\ufffd5\ufffdabcde', 'a+b&c=d%20e%?f#g;h', '5:::{}', '\u0001\u007f\u0080',
];

// What a client's own code spoils in packets of type 3, or the way it takes.
function spoiled(text) {
  // 0.7 loses what has a line end.
  if (io.version === '0.7.11' && /[\n\r\u2028\u2029]/.test(text)) return true;
  // A form turns line ends into CR LF.
  if (expected === 'jsonp-polling' && /[\n\r]/.test(text)) return true;
  // 0.9.17 takes the backslash before a slash away.
  return io.version === '0.9.17' && expected === 'htmlfile' && text.includes('\\/');
}

const todo = {
  async texts(client) {
    for (const text of texts) {
      same(await client.echo(text, { [text]: [text] }), [text, { [text]: [text] }], 'echo');
      if (spoiled(text)) continue;
      client.namespace.send(text);
      same(await client.next('message'), [text], 'message');
    }
    client.namespace.json.send(texts);
    same(await client.next('message'), [texts], 'JSON');
  },

  async acks(client) {
    same(await client.call('message-with-ack', ...texts), texts, 'ack of the server');
    client.namespace.emit('ask', texts);
    same(await client.next('answered'), ['answer', texts], 'ack of the client');
  },

  async burst(client) {
    for (let i = 0; i < 100; i++) client.namespace.emit('message', i, '</script>');
    client.namespace.emit('burst');
    for (let i = 0; i < 100; i++) same(await client.next('message-back'), [i, '</script>'], 'echo in order');
    for (let i = 0; i < 100; i++) same(await client.next('burst'), [i, 'é😀'], 'burst in order');
  },

  // The server throws the client out, which does not come back by itself.
  async kick(client) {
    await client.sent();
    client.namespace.emit('kick');
    same(await client.next('disconnect'), ['booted'], 'reason');
    const other = await connect();
    same(await other.echo('meanwhile'), ['meanwhile'], 'echo of another');
    other.end();
    check(!client.socket.connected && !client.socket.reconnecting, 'stays away');
  },

  async disconnect() {
    const client = await connect();
    const id = client.socket.sessionid;
    const [{ id: ours }] = await client.call('whoami');
    await client.sent();
    const answered = client.answered();
    client.namespace.disconnect();
    same(await client.next('disconnect'), ['booted'], 'reason');
    await ask(`left?${ours}`);
    await answered;
    client.socket.connect();
    await client.next('auth');
    check(client.socket.sessionid !== id, 'another session');
    same(await client.echo('back'), ['back'], 'echo');
    client.end();
  },

  async cut() {
    const client = await connect();
    const id = client.socket.sessionid;
    same(await client.echo('before'), ['before'], 'echo');
    await ask('down');
    await client.next('disconnect');
    await ask('up');
    await client.next('auth');
    check(client.socket.sessionid !== id, 'another session');
    same(await client.echo('after'), ['after'], 'echo');
    client.end();
  },
};

// ask has the test do something, and resolves when it has.
function ask(stage) {
  window.stage = stage;
  return new Promise((resolve) => (window.proceed = resolve));
}

async function main() {
  if (transport.includes('htmlfile')) await (await import('./activex.js')).install();
  const client = await connect();
  for (const step of steps) {
    note(`== ${step}`);
    await todo[step](client);
  }
  window.stage = 'done';
}

addEventListener('load', () => main().catch((err) => (window.failure = String(err.stack))));
