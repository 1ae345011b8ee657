/** `/docs`: the browsable API. Swagger UI's files from the package that carries them without telemetry, served by ourselves; nothing inline, nothing from elsewhere. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export interface DocsRoute {
  path: `/${string}`;
  contentType: string;
  body: string | (() => Promise<Uint8Array>);
}

/** @param assets where the page's files are, from it */
const page = (assets: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>perfect21 API</title><link rel="icon" href="data:,"><link rel="stylesheet" href="${assets}swagger-ui.css"></head>
<body><div id="api"></div><script src="${assets}swagger-ui-bundle.js"></script><script src="${assets}start.js"></script></body></html>
`;

// no validatorUrl: the badge would send our document to somebody
const START = `const url = new URL('../openapi.json', document.currentScript.src).href;
SwaggerUIBundle({ url, dom_id: '#api', deepLinking: true, validatorUrl: null });
`;

/** A file of the package that the page loads: 1.9 MB together, which most processes are never asked for. */
const asset = (name: string) => (): Promise<Uint8Array> =>
  readFile(join(dirname(createRequire(import.meta.url).resolve('@fastify/swagger-ui/package.json')), 'static', name));

/** The routes of the page. It reads `/openapi.json`. */
export const docsRoutes = (): DocsRoute[] => [
  { path: '/docs', contentType: 'text/html; charset=utf-8', body: page('docs/') },
  { path: '/docs/', contentType: 'text/html; charset=utf-8', body: page('./') },
  { path: '/docs/start.js', contentType: 'text/javascript; charset=utf-8', body: START },
  { path: '/docs/swagger-ui.css', contentType: 'text/css; charset=utf-8', body: asset('swagger-ui.css') },
  {
    path: '/docs/swagger-ui-bundle.js',
    contentType: 'text/javascript; charset=utf-8',
    body: asset('swagger-ui-bundle.js'),
  },
];
