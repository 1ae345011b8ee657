/** The status page. Data reach it as data, and nothing in it is inline. */
import type { IncomingHttpHeaders } from 'node:http';
import { SCRIPT } from './script.ts';
import type { StatusWatch } from './status.ts';
import { type Language, languageOf, WORDS } from './words.ts';

const table = (id: string, title: string, heads: readonly string[] = []): string => `<section><h2>${title}</h2><table>
${heads.length > 0 ? `<thead><tr>${heads.map((head) => `<th scope="col">${head}</th>`).join('')}</tr></thead>` : ''}
<tbody id="${id}"></tbody></table></section>`;

const page = (language: Language): string => {
  const say = WORDS[language];
  const heads = [say.link, say.promise, say.rate, say.failing, say.time, say.course];
  return `<!doctype html>
<html lang="${language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>perfect21 ${say.title}</title><link rel="stylesheet" href="status/page.css">
<script type="module" src="status/page.js"></script></head>
<body data-from="status/data.json"><header><h1><span id="name">perfect21</span> ${say.title}</h1>
<a href="?lang=${language === 'en' ? 'zh' : 'en'}" lang="${language === 'en' ? 'zh-CN' : 'en'}">${say.other}</a></header>
<p id="note" role="status"></p><noscript><p>${say.script}</p></noscript><main>
${table('links', say.links, heads)}
${table('queues', say.queues, [say.queue, say.waiting, say.oldest])}
${table('engines', say.engines)}
${table('process', say.process)}
</main></body></html>
`;
};

const STYLE = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); --good: light-dark(#0a6b2d, #6fd492); --bad: light-dark(#b3261e, #ff9a8f);
  font: 15px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; padding: 1rem; max-width: 70rem; }
header { display: flex; align-items: baseline; justify-content: space-between; gap: 1rem; } h1 { font-size: 1.3rem; margin: 0; } h2 { font-size: 1rem; margin: 1.5rem 0 .3rem; }
section { overflow-x: auto; } table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line); font-weight: normal; vertical-align: middle; }
thead th { opacity: .7; font-size: .85rem; } td { font-variant-numeric: tabular-nums; } svg { display: block; }
.badge { border: 1px solid currentColor; border-radius: 1rem; padding: 0 .5rem; font-size: .8rem; white-space: nowrap; }
.kept, .ok { color: var(--good); } .broken, .unavailable, .degraded, .late, #note { color: var(--bad); } .late { font-weight: bold; }
line.promise { stroke: var(--bad); stroke-dasharray: 3 3; } line.course { stroke: currentColor; opacity: .6; } circle.course { fill: currentColor; } circle.failed { fill: var(--bad); }
`;

/** Nothing runs or loads that is not this process's, and no text becomes markup. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  vary: 'accept-language',
} as const;

export interface StatusAnswer {
  status: number;
  contentType: string;
  body: string;
  headers?: Readonly<Record<string, string>>;
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;

const answer = (contentType: string, body: string, status = 200): StatusAnswer => ({
  status,
  contentType,
  body,
  headers: HEADERS,
});

/**
 * Answers what is asked of the page; undefined for another path.
 *
 * @param onLoopback that only this machine reaches it. A page elsewhere can point a name of its own at this machine (DNS
 *   rebinding); it can't say that it is localhost
 */
export const statusAnswer = async (
  watch: StatusWatch,
  url: string,
  headers: IncomingHttpHeaders,
  onLoopback: boolean,
): Promise<StatusAnswer | undefined> => {
  const [path, query = ''] = url.split('?', 2);
  if (path !== '/status' && !path!.startsWith('/status/')) return undefined;
  if (onLoopback && !LOOPBACK.test(headers.host ?? '')) return answer('text/plain', 'Ask for localhost\n', 421);
  switch (path) {
    case '/status': {
      const language = languageOf(new URLSearchParams(query).get('lang'), headers['accept-language']);
      return answer('text/html; charset=utf-8', page(language));
    }
    case '/status/page.css':
      return answer('text/css; charset=utf-8', STYLE);
    case '/status/page.js':
      return answer('text/javascript; charset=utf-8', SCRIPT);
    case '/status/data.json':
      return answer('application/json', JSON.stringify(await watch.read()));
    default:
      return undefined;
  }
};
