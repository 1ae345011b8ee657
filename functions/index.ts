/** The platform on one page: five services, what they keep, and the version of its shape. */
import { auditHeads, auditLines } from '../shared/kit/audit-records.ts';
import { callCounts } from '../shared/kit/bound-records.ts';
import type { Service } from '../shared/kit/service.ts';
import { type StoreSchema, shapeAfter } from '../shared/store/schema.ts';
import { auth, authCollections } from './auth/index.ts';
import { bridgeCollections } from './bridge/index.ts';
import { gateway, notificationCollections, notifications } from './notifications/index.ts';
import { getEffective } from './permissions/get-effective.ts';
import { permissionCollections, permissions } from './permissions/index.ts';
import { BEGINNING, changes } from './schema-changes.ts';
import { sessionCollections, sessions } from './sessions/index.ts';
import { gate } from './sidecar/index.ts';
import { fillTerms } from './users/fill-terms.ts';
import { userCollections, users } from './users/index.ts';

/** The name of a service, the same everywhere: in events, metrics, traces, queues and registries. */
const named = {
  'auth-service': auth,
  'user-service': users,
  'permission-service': permissions,
  'session-service': sessions,
  'notification-service': notifications,
};

export const platform: readonly Service[] = Object.values(named);

/** What whole platforms answer beside: as sidecars do, about the token that a caller holds. */
export const beside: readonly Service[] = [gate];

/** What functions answer beside: WebSockets that API Gateway holds. A process holds its own (`notifications.watch`). */
export const inFunctions: readonly Service[] = [gateway];

/** What a user may now, whatever his token says. */
export const standing = getEffective;

/** The names by folder (`auth`), as operations are called and `PERFECT21_SERVICES` lists them. */
export const serviceNames: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(named).map(([name, { name: folder }]) => [folder, name]),
);

/** What is kept, in which shape: `schema-changes.ts` says how it came to it. A start on older data migrates it. */
export const schema: StoreSchema = {
  ...shapeAfter(BEGINNING, changes),
  collections: [
    ...authCollections,
    ...userCollections,
    ...permissionCollections,
    ...sessionCollections,
    ...notificationCollections,
    ...bridgeCollections,
    callCounts,
    auditLines,
    auditHeads,
  ],
  fill: fillTerms,
};
