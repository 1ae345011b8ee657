/** What a process serves beside its operations and its health: pages, the API browser, documents. */

import { PAGE_HEADERS, PAGES } from '../../delivery/pages.ts';
import { asyncApiRoute } from '../../documents/asyncapi/route.ts';
import { docsRoutes } from '../../documents/openapi/docs.ts';
import type { StaticRoute } from './platform-routes.ts';

/** The routes, each the same for everybody. */
export const staticRoutes = (): StaticRoute[] => {
  const pages = Object.entries(PAGES).map(([path, { type, body }]) => ({
    path: path as `/${string}`,
    contentType: type,
    body,
    headers: PAGE_HEADERS,
  }));
  const start = {
    path: '/',
    status: 302,
    headers: { location: 'docs' },
    contentType: 'text/plain',
    body: '',
  } as const;
  return [start, ...pages, ...docsRoutes(), asyncApiRoute()];
};
