/** The paths of the platform, by the service that answers them: what gateways and meshes are told. */

import type { ServiceName } from '../../shared/config/services.ts';
import { type Operation, streams } from '../../shared/kit/operation.ts';
import type { Service } from '../../shared/kit/service.ts';

export interface Route {
  /** Of the operation; of a route that no operation answers, a name of its own. */
  name: string;
  service: ServiceName;
  /** A template, e.g. `/api/v1/users/{user_id}`. */
  path: string;
  methods: readonly string[];
  /** Answers or bodies that may last: no clock of a gateway may cut them. */
  streams: boolean;
  access: Operation<any, any>['access'];
}

/** Answered where tokens are issued, beside the operations; the WebSocket by whom it brings messages of. */
const BESIDE: readonly Omit<Route, 'access' | 'methods'>[] = [
  ...['/docs', '/openapi.json', '/asyncapi.json'].map((path) => ({
    name: `documents${path}`,
    service: 'auth' as const,
    path,
    streams: false,
  })),
  { name: 'realtime.socket', service: 'notifications', path: '/ws', streams: true },
];

/** Literal words say more than parameters, and long paths more than short ones: what says most is asked first. */
export const weight = (path: string): number =>
  path.split('/').reduce((sum, word) => sum + (word === '' ? 0 : word.startsWith('{') ? 1 : 100), 0);

/** One for each path and operation, the most particular first. */
export const routesOf = (platform: readonly Service[]): readonly Route[] => {
  const bindings = platform.flatMap(({ operations }) => operations).flatMap(({ http }) => http);
  // what shares its place with another answers rows there, to who asks for them
  const rows = new Set(bindings.flatMap(({ accept, method, path }) => (accept ? [`${method} ${path}`] : [])));
  const routes = platform.flatMap(({ name, operations }) =>
    operations.flatMap((op: Operation<any, any>) =>
      op.http
        .filter(({ accept }) => !accept)
        .map(({ method, path }) => ({
          name: op.name,
          service: name as ServiceName,
          path,
          methods: [method],
          streams: streams(op) || rows.has(`${method} ${path}`),
          access: op.access,
        })),
    ),
  );
  const beside = BESIDE.map((each) => ({ ...each, methods: ['GET'], access: 'public' as const }));
  return [...routes, ...beside].sort((a, b) => weight(b.path) - weight(a.path) || (a.path < b.path ? -1 : 1));
};

/** A path as a regular expression of the whole path (RE2 and PCRE read it alike); `/docs` has pages below. */
export const patternOf = (path: string): string => {
  const words = path.replace(/[.]/g, '\\.').replace(/\{[^}]+\}/g, '[^/]+');
  return path === '/docs' ? `${words}(/.*)?` : words;
};

/** Operations where somebody tries secrets before anybody knows who it is. */
const GUESSING = /^\/api\/v1\/auth\/(login|register|refresh|mfa\/verify|password\/(forgot|reset))$|^\/oauth2\/token$/;
export const invitesGuessing = (path: string): boolean => GUESSING.test(path);
