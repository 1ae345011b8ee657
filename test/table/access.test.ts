/** Who gets in follows from the declaration of each operation, at every door alike. test/security/access.test.ts has each route. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { logout } from '../../functions/auth/logout.ts';
import { platform as services } from '../../functions/index.ts';
import { createServiceToken } from '../../shared/keys/service-credential-records.ts';
import type { Operation } from '../../shared/kit/operation.ts';
import { type Door, expectOk, loggedIn, userWithSession } from '../e2e/world.ts';
import { DOORS, openRig, type Rig } from './rig.ts';

const CALLERS = ['nobody', 'user', 'administrator', 'ended session', 'service', 'service without rights'] as const;
type CallerName = (typeof CALLERS)[number];
type Decision = 'enters' | 'unauthenticated' | 'forbidden';

/** Asked by every request of every service, so open to what runs on the same machine (contract, section 3). */
const OPEN_RPCS = ['auth.validate-token', 'auth.validate-tokens'];

const declared = ({ access }: Operation<any, any>, caller: CallerName): Decision => {
  const accesses: readonly string[] = [access].flat();
  if (accesses.includes('public')) return 'enters';
  if (caller === 'nobody' || caller === 'ended session') return 'unauthenticated';
  const may = accesses.some((each) => {
    if (each === 'user' || each === 'own') return caller === 'user' || caller === 'administrator';
    if (each === 'service') return caller.startsWith('service');
    return caller === 'administrator' || caller === 'service';
  });
  return may ? 'enters' : 'forbidden';
};

/** An RPC is for services, whatever the operation allows to others. */
const decisionAt = (door: string, op: Operation<any, any>, caller: CallerName): Decision => {
  const decision = declared(op, caller);
  if (door !== 'gRPC' || OPEN_RPCS.includes(op.name)) return decision;
  if (caller === 'nobody' || caller === 'ended session') return 'unauthenticated';
  return caller.startsWith('service') ? decision : 'forbidden';
};

describe.each(Object.entries(DOORS))('through %s', (name, { open, brings }) => {
  let rig: Rig;
  let door: Door & { close?(): unknown };
  const tokens: Partial<Record<CallerName, string>> = {};
  beforeAll(async () => {
    rig = await openRig();
    door = open(rig.platform);
    const { world, platform } = rig;
    tokens.user = (await userWithSession(world)).access_token;
    tokens.administrator = (await loggedIn(world, world.admin.email, { password: world.admin.password })).access_token;
    const { access_token: ended } = await userWithSession(world);
    await expectOk(world.call(logout, {}, { token: ended }));
    tokens['ended session'] = ended;
    tokens.service = world.service_token;
    const { token, write } = createServiceToken({ name: 'reporting', permissions: [] }, platform.host.ports);
    await platform.host.ports.store.transact([write]);
    tokens['service without rights'] = token;
  }, 60_000);
  afterAll(async () => {
    await door?.close?.();
    await rig?.close();
  });

  const operations = services.flatMap(({ operations: all }) => all).filter(brings);
  test.each(operations.map((op) => [op.name, op] as const))('%s lets in whom it declares', async (_, op) => {
    for (const caller of CALLERS) {
      // a field that no operation has: whoever gets in is told so, and nothing happens
      const { code } = await door.call(op, { no_such_field: 1 }, { token: tokens[caller] });
      const refused = code === 'unauthenticated' || code === 'forbidden';
      expect([caller, refused ? code : 'enters']).toEqual([caller, decisionAt(name, op, caller)]);
    }
  });
});
