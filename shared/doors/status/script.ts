/** What runs in the status page: it asks for the data, and writes them as text. */
import { WORDS } from './words.ts';

export const SCRIPT = `const WORDS = ${JSON.stringify(WORDS)};
const language = document.documentElement.lang, say = WORDS[language] ?? WORDS.en;
const number = (value, options = {}) => new Intl.NumberFormat(language, { maximumSignificantDigits: 3, ...options }).format(value);
const share = (value) => number(value, { style: 'percent', maximumSignificantDigits: 5 });
const seconds = (value) => value < 1 ? number(value * 1000) + ' ms' : number(value) + ' s';
const lasting = (value) => {
  const [days, hours, minutes] = [Math.floor(value / 86400), Math.floor(value / 3600) % 24, Math.floor(value / 60) % 60];
  return [days && days + ' d', (days || hours) && hours + ' h', minutes + ' min'].filter(Boolean).join(' ');
};
const make = (tag, text = '', attributes = {}) => {
  const element = document.createElement(tag);
  element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
};
const drawn = (tag, attributes) => {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
};
const WIDTH = 240, HEIGHT = 36, POINTS = 120;
// the promise is a line across, and what is measured stands against it: time where one is promised, otherwise the rate
const sparkline = (link, every) => {
  const timed = link.seconds !== undefined;
  const values = link.samples.map(([count, , time]) => timed ? time : count / every);
  const most = Math.max(timed ? link.seconds * 1.5 : 1, ...values);
  const x = (at) => (WIDTH * (POINTS - values.length + at + 0.5)) / POINTS, y = (value) => HEIGHT - 2 - ((HEIGHT - 4) * value) / most;
  const label = say[link.name] + ': ' + (timed ? say.time : say.rate);
  const svg = drawn('svg', { viewBox: '0 0 ' + WIDTH + ' ' + HEIGHT, width: WIDTH, height: HEIGHT, role: 'img', 'aria-label': label });
  if (timed) svg.append(drawn('line', { x1: 0, x2: WIDTH, y1: y(link.seconds), y2: y(link.seconds), class: 'promise' }));
  values.forEach((value, at) => {
    if (value === null) return;
    if (values[at - 1] !== null && at > 0) svg.append(drawn('line', { x1: x(at - 1), y1: y(values[at - 1]), x2: x(at), y2: y(value), class: 'course' }));
    const failed = link.samples[at][1] > 0;
    svg.append(drawn('circle', { cx: x(at), cy: y(value), r: failed ? 2.5 : 1.2, class: failed ? 'failed' : 'course' }));
  });
  return svg;
};
const row = (...cells) => {
  const line = make('tr');
  cells.forEach((cell, at) => {
    const element = make(at ? 'td' : 'th', typeof cell === 'string' ? cell : '', at ? {} : { scope: 'row' });
    if (typeof cell !== 'string') element.append(cell);
    line.append(element);
  });
  return line;
};
const fill = (id, lines) => document.getElementById(id).replaceChildren(...lines);
const badge = (state) => make('span', say[state], { class: 'badge ' + state });
const promise = ({ objective, seconds: bound }) => (bound === undefined ? '' : say.time + ' < ' + seconds(bound) + ', ') + share(objective);
const linkRow = (link, every) => {
  const name = make('span', say[link.name] + ' ');
  name.append(badge(link.verdict));
  const rate = link.samples.length ? link.count / (link.samples.length * every) : 0;
  return row(name, promise(link), number(rate) + say.perSecond, link.count ? share(link.failed / link.count) : '–',
    link.p99 === undefined ? '–' : seconds(link.p99), sparkline(link, every));
};
const queueRow = ({ name, depth, oldest_s: oldest }) => {
  const told = name === 'outbox' ? say.outbox : name === 'perfect21.dead' ? say.dead : name;
  const line = row(told, number(depth, { maximumSignificantDigits: 6 }), oldest === undefined ? '–' : lasting(oldest));
  const late = name === 'perfect21.dead' ? depth > 0 : oldest > (name === 'outbox' ? 30 : 60);
  if (late) line.setAttribute('class', 'late');
  return line;
};
let shown = '';
const render = (status) => {
  document.title = status.name + ' ' + say.title;
  document.getElementById('name').textContent = status.name;
  fill('links', status.links.map((link) => linkRow(link, status.every_s)));
  fill('queues', status.queues.length ? status.queues.map(queueRow) : [row(say.noqueues)]);
  fill('engines', status.engines.map(({ name, engine, state }) => row(name, engine, badge(state))));
  fill('process', [
    row(say.version, status.version + ', Node ' + status.node),
    row(say.uptime, lasting(status.now - status.started_at)),
    row(say.memory, number(status.memory_bytes / 1e6) + ' MB'),
    row(say.connections, number(status.connections, { maximumSignificantDigits: 6 })),
    row(say.listeners, number(status.listeners, { maximumSignificantDigits: 6 })),
  ]);
};
const note = document.getElementById('note');
const refresh = async () => {
  let every = 5;
  try {
    const answer = await fetch(document.body.dataset.from, { signal: AbortSignal.timeout(4000) });
    if (!answer.ok) throw new Error(answer.status);
    const status = await answer.json();
    every = status.every_s;
    render(status);
    shown = new Date(status.now * 1000).toLocaleTimeString(language);
    note.textContent = '';
  } catch { note.textContent = say.away + ' ' + (shown || '–'); }
  setTimeout(refresh, every * 1000);
};
refresh();
`;
