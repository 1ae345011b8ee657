/** The mailbox as a page. What mails say reaches it as data: text through textContent, HTML in a frame without rights. */

export const PAGE = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>perfect21 mailbox</title><link rel="stylesheet" href="/mailbox.css"><script type="module" src="/mailbox.js"></script>
</head><body>
<header><h1>Mailbox</h1><span id="count"></span><button id="clear" type="button">Delete all</button></header>
<main><ol id="list" aria-label="Messages"></ol><article id="message"><p>What perfect21 sends on this machine arrives here.</p></article></main>
</body></html>
`;

export const STYLE = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); font: 15px/1.45 system-ui, sans-serif; }
body { margin: 0; height: 100vh; display: flex; flex-direction: column; }
header { display: flex; align-items: baseline; gap: 1rem; padding: .6rem 1rem; border-bottom: 1px solid var(--line); }
h1 { font-size: 1.1rem; margin: 0; } #clear { margin-left: auto; } #count { opacity: .7; }
main { flex: 1; display: flex; min-height: 0; }
ol { list-style: none; margin: 0; padding: 0; width: 22rem; overflow: auto; border-right: 1px solid var(--line); }
ol button { all: unset; display: block; box-sizing: border-box; width: 100%; padding: .6rem 1rem; cursor: pointer; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
ol button:focus-visible, ol button[aria-current] { background: color-mix(in srgb, #1f4fd8 16%, transparent); }
ol small { display: block; opacity: .75; }
article { flex: 1; display: flex; flex-direction: column; padding: 1rem; min-width: 0; overflow: auto; }
article h2 { font-size: 1.1rem; margin: 0; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; border-top: 1px solid var(--line); padding-top: 1rem; }
iframe { flex: 1; min-height: 24rem; border: 1px solid var(--line); background: #fff; }
@media (max-width: 50rem) { main { flex-direction: column; } ol { width: auto; max-height: 40vh; border-right: 0; } }
`;

export const SCRIPT = `
const list = document.getElementById('list'), view = document.getElementById('message'), count = document.getElementById('count');
let shown = '', known = '';
const make = (tag, text, attributes = {}) => {
  const element = document.createElement(tag);
  element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
};
const titleOf = ({ subject, text }) => subject || text.slice(0, 80) || '(no subject)';
const time = (seconds) => new Date(seconds * 1000).toLocaleString();
const linked = (text) => {
  const body = make('pre', '');
  text.split(/(https?:\\/\\/[^\\s<>"]+)/).forEach((part, index) =>
    body.append(index % 2 ? make('a', part, { href: part, target: '_blank', rel: 'noopener noreferrer' }) : part));
  return body;
};
const open = (message) => {
  shown = message.id;
  view.replaceChildren(make('h2', titleOf(message)),
    make('p', message.channel + ' to ' + message.to + ', ' + time(message.received_at)));
  if (message.html) view.append(make('iframe', '', { src: '/messages/' + message.id, title: 'The message as HTML',
    sandbox: 'allow-popups allow-popups-to-escape-sandbox', referrerpolicy: 'no-referrer' }));
  if (!message.html) return view.append(linked(message.text));
  const plain = make('details', '');
  plain.append(make('summary', 'The same as text'), linked(message.text));
  view.append(plain);
};
const render = (messages) => {
  count.textContent = String(messages.length);
  list.replaceChildren(...messages.map((message) => {
    const item = make('li', ''), button = make('button', titleOf(message), { type: 'button' });
    if (message.id === shown) button.setAttribute('aria-current', 'true');
    button.append(make('small', message.channel + ' to ' + message.to), make('small', time(message.received_at)));
    button.addEventListener('click', () => { open(message); render(messages); });
    item.append(button);
    return item;
  }));
};
const refresh = async () => {
  try {
    const answer = await fetch('/api/messages');
    const messages = await answer.json();
    const state = messages.length + ':' + (messages[0]?.id ?? '');
    if (state !== known) render(messages);
    known = state;
  } catch { count.textContent = 'not running'; }
};
document.getElementById('clear').addEventListener('click', async () => {
  await fetch('/api/messages', { method: 'DELETE' });
  view.replaceChildren();
  refresh();
});
refresh();
setInterval(refresh, 2000);
`;
