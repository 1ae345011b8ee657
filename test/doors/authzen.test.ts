/** The AuthZEN Authorization API 1.0 as its clients speak it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPolicy } from '../../functions/permissions/create-policy.ts';
import { grantPermission } from '../../functions/permissions/grant-permission.ts';
import { updateUserStatus } from '../../functions/users/update-user-status.ts';
import { expectOk, verified } from '../e2e/world.ts';
import { openRig, type Rig } from '../table/rig.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await openRig();
});
afterAll(() => rig?.close());

const post = async (path: string, body: unknown, token = rig.world.service_token) => {
  const response = await fetch(`${rig.platform.http.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as any };
};

const question = (id: string) => ({
  subject: { type: 'user', id, properties: { department: 'sales' } },
  action: { name: 'read', properties: { method: 'GET' } },
  resource: { type: 'docs', id: '7', properties: { owner_id: id, tags: ['a'] } },
  context: { time: '2026-10-26T01:22-07:00', nested: { any: 'thing' } },
});

test('tells where it is asked', async () => {
  const response = await fetch(`${rig.platform.http.url}/.well-known/authzen-configuration`);
  const { access_evaluation_endpoint: endpoint } = (await response.json()) as any;
  expect(new URL(endpoint).pathname).toBe('/access/v1/evaluation');
});

test('decides by the same rules, and about whoever is disabled or nobody with false and the reason', async () => {
  const { world } = rig;
  const { user_id } = await verified(world);
  const service = { token: world.service_token };
  await expectOk(world.call(grantPermission, { user_id, permission: 'docs:read:own' }, service));
  expect(await post('/access/v1/evaluation', question(user_id))).toMatchObject({
    status: 200,
    body: { decision: true, context: { reason: 'granted_by_grant' } },
  });
  const nobody = { decision: false, context: { reason: 'unknown_user' } };
  expect((await post('/access/v1/evaluation', question('nobody-has-this-id'))).body).toMatchObject(nobody);
  await expectOk(world.call(updateUserStatus, { user_id, status: 'suspended' }, service));
  const inactive = { decision: false, context: { reason: 'user_inactive' } };
  expect((await post('/access/v1/evaluation', question(user_id))).body).toMatchObject(inactive);
});

test('decides many with what is said once for all, in order', async () => {
  const { user_id } = await verified(rig.world);
  const { subject, resource } = question(user_id);
  const { status, body } = await post('/access/v1/evaluations', {
    subject,
    resource,
    evaluations: [{ action: { name: 'read' } }, { action: { name: 'read' }, subject: { type: 'user', id: 'nobody' } }],
  });
  expect(status).toBe(200);
  expect(body.evaluations.map(({ context }: any) => context.reason)).toEqual(['no_rule_allows', 'unknown_user']);
});

const READ = { action: { name: 'read' } };
const record = (id: string, status?: string) => ({ type: 'record', id, ...(status && { properties: { status } }) });
const decisionsOf = ({ body }: { body: any }) => body.evaluations.map(({ decision }: any) => decision);

describe('the scenario of the OpenID Foundation’s certification', () => {
  let alice: { type: string; id: string };
  let bob: { type: string; id: string };
  const single = async (body: object) => (await post('/access/v1/evaluation', body)).body.decision;
  const evaluations = (body: object) => post('/access/v1/evaluations', body);
  beforeAll(async () => {
    const { world } = rig;
    const service = { token: world.service_token };
    const grant = async (user_id: string, ...permissions: string[]) => {
      for (const permission of permissions)
        await expectOk(world.call(grantPermission, { user_id, permission }, service));
    };
    [alice, bob] = (await Promise.all([verified(world), verified(world)])).map(({ user_id }) => ({
      type: 'user',
      id: user_id,
    })) as [typeof alice, typeof bob];
    await grant(alice.id, 'record:read', 'record:write', 'record:delete');
    await grant(bob.id, 'record:read');
    const policy = (name: string, effect: 'allow' | 'deny', actions: string[], condition: string) =>
      expectOk(world.call(createPolicy, { name, effect, resources: ['record'], actions, condition }, service));
    const admin = '"subject.role" in context && context["subject.role"] == "admin"';
    const archived = '"resource.status" in context && context["resource.status"] == "archived"';
    await policy('archived-is-shut', 'deny', ['write'], `${archived} && !(${admin})`);
    await policy('admins-write-archived', 'allow', ['write'], `${archived} && ${admin}`);
    const soft = '"action.soft" in context && context["action.soft"] == false';
    await policy('only-soft', 'deny', ['delete'], soft);
  });

  test('decides by who, what and which', async () => {
    const asked = [alice, bob].flatMap((subject) =>
      ['read', 'write'].map((name) => single({ subject, action: { name }, resource: record('record-1') })),
    );
    expect(await Promise.all(asked)).toEqual([true, true, true, false]);
  });

  test('decides by properties of the subject, the action and the resource', async () => {
    const write = { action: { name: 'write' }, resource: record('record-2', 'archived') };
    expect(await single({ subject: alice, ...write })).toBe(false);
    expect(await single({ subject: { ...bob, properties: { role: 'admin' } }, ...write })).toBe(true);
    const gone = (soft: boolean) => ({ subject: alice, action: { name: 'delete', properties: { soft } } });
    expect(await single({ ...gone(true), resource: record('record-1') })).toBe(true);
    expect(await single({ ...gone(false), resource: record('record-1') })).toBe(false);
  });

  test('a context says nothing of the entities, nor whose a resource is', async () => {
    const archived = record('record-2', 'archived');
    const said = { 'subject.role': 'admin', 'resource.status': 'active', 'action.soft': true };
    expect(await single({ subject: bob, action: { name: 'write' }, resource: archived, context: said })).toBe(false);
    expect(await single({ subject: alice, action: { name: 'write' }, resource: archived, context: said })).toBe(false);
    const own = { subject: bob, action: { name: 'read' }, resource: { type: 'profile', id: '7' } };
    expect(await single({ ...own, context: { owner_id: bob.id } })).toBe(false);
    const his = { ...own.resource, properties: { owner_id: bob.id } };
    expect(await single({ ...own, resource: his })).toBe(true);
    expect(
      await single({ ...own, resource: { ...his, properties: { owner_id: alice.id } }, context: { owner_id: bob.id } }),
    ).toBe(false);
  });

  test.each([
    ['no subject', { ...READ, resource: record('record-1') }],
    ['no action', { subject: { type: 'user', id: 'a' }, resource: record('record-1') }],
    ['no resource', { subject: { type: 'user', id: 'a' }, ...READ }],
    ['a subject without type', { subject: { id: 'a' }, ...READ, resource: record('record-1') }],
    ['a subject without id', { subject: { type: 'user' }, ...READ, resource: record('record-1') }],
    ['an action without name', { subject: { type: 'user', id: 'a' }, action: {}, resource: record('record-1') }],
    ['a resource without type', { subject: { type: 'user', id: 'a' }, ...READ, resource: { id: 'record-1' } }],
    ['a resource without id', { subject: { type: 'user', id: 'a' }, ...READ, resource: { type: 'record' } }],
    ['a subject that is text', { subject: 'alice', ...READ, resource: record('record-1') }],
    ['an action by number', { subject: { type: 'user', id: 'a' }, action: { name: 123 }, resource: record('r') }],
  ])('refuses %s with 400, alone and where many may be asked', async (_, body) => {
    expect((await post('/access/v1/evaluation', body)).status).toBe(400);
    expect((await evaluations(body)).status).toBe(400);
  });

  test.each([
    ['another content type', 'text/plain', '{}'],
    ['what is no JSON', 'application/json', '{'],
    ['nothing', 'application/json', ''],
  ])('refuses %s with 400', async (_, type, body) => {
    const answer = await fetch(`${rig.platform.http.url}/access/v1/evaluation`, {
      method: 'POST',
      headers: { 'content-type': type, authorization: `Bearer ${rig.world.service_token}` },
      body,
    });
    expect(answer.status).toBe(400);
  });

  test('says the id of a request again and ignores what it does not know', async () => {
    const answer = await fetch(`${rig.platform.http.url}/access/v1/evaluation`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-request-id': 'bfe9eb29-ab87-4ca3-be83-a1d5d8305716',
        authorization: `Bearer ${rig.world.service_token}`,
      },
      body: JSON.stringify({
        subject: alice,
        ...READ,
        resource: record('record-1'),
        foo: 'bar',
        future: { nested: true },
      }),
    });
    expect(answer.headers.get('x-request-id')).toBe('bfe9eb29-ab87-4ca3-be83-a1d5d8305716');
    expect(await answer.json()).toMatchObject({ decision: true });
  });

  test('asks many, each with properties and a context of its own', async () => {
    const write = { action: { name: 'write' } };
    const [active, archived] = [record('record-1', 'active'), record('record-2', 'archived')];
    const byResource = await evaluations({
      subject: alice,
      ...write,
      evaluations: [{ resource: active }, { resource: archived }],
    });
    expect(decisionsOf(byResource)).toEqual([true, false]);
    const admin = { ...bob, properties: { role: 'admin' } };
    const bySubject = await evaluations({
      ...write,
      resource: archived,
      evaluations: [{ subject: alice }, { subject: admin }],
    });
    expect(decisionsOf(bySubject)).toEqual([false, true]);
    const context = { time: '2025-06-27T18:03-07:00' };
    const timed = [{ resource: active }, { resource: archived, context: { ...context, source: 'own' } }];
    expect(decisionsOf(await evaluations({ subject: alice, ...READ, context, evaluations: timed }))).toEqual([
      true,
      true,
    ]);
  });

  test('takes what an entity lacks from what is said for all, and nothing else of it', async () => {
    const answer = await evaluations({
      subject: alice,
      action: { name: 'write' },
      resource: { type: 'record', properties: { status: 'archived' } },
      evaluations: [{ resource: { id: 'record-1' } }, { resource: record('record-2', 'archived') }, { resource: {} }],
    });
    expect(answer.body.evaluations).toMatchObject([
      { decision: true },
      { decision: false, context: { reason: 'denied_by_policy' } },
      { decision: false, context: { error: { status: 400, message: 'evaluations.2.resource.id: Is required' } } },
    ]);
  });

  test('a question that is none is denied, and the others are decided', async () => {
    const wrong = [{}, { resource: 'record-1' }, { resource: record('1'), action: { name: 'not a name' } }];
    const asked = [{ resource: record('record-1') }, ...wrong, { resource: record('record-2') }];
    const answer = await evaluations({ subject: alice, ...READ, evaluations: asked });
    expect([answer.status, decisionsOf(answer)]).toEqual([200, [true, false, false, false, true]]);
  });

  test.each([{}, { evaluations: [] }])('answers one question with one answer: %j', async (many) => {
    const answer = await evaluations({ subject: alice, ...READ, resource: record('record-1'), ...many });
    expect([answer.status, answer.body]).toEqual([200, { decision: true, context: expect.any(Object) }]);
  });

  test.each([
    ['execute_all', [true, false, true]],
    ['deny_on_first_deny', [true, false]],
    ['permit_on_first_permit', [true]],
  ])('%s ends where it says', async (evaluations_semantic, expected) => {
    const asked = ['read', 'nothing', 'write'].map((name) => ({ action: { name } }));
    const answer = await evaluations({
      subject: alice,
      resource: record('record-1'),
      evaluations: asked,
      options: { evaluations_semantic },
    });
    expect(decisionsOf(answer)).toEqual(expected);
  });
});

test('refuses what is no question at all, and whoever is no service', async () => {
  const { action, resource } = question('x');
  expect(await post('/access/v1/evaluation', { action, resource })).toMatchObject({
    status: 400,
    body: { errors: [{ path: 'subject' }] },
  });
  const lacking = { resource, evaluations: [{ action }] };
  expect((await post('/access/v1/evaluations', lacking)).status).toBe(400);
  const other = { ...question('x'), evaluations: [{}], options: { evaluations_semantic: 'some_of_them' } };
  expect((await post('/access/v1/evaluations', other)).status).toBe(400);
  expect((await post('/access/v1/evaluation', question('x'), 'none')).status).toBe(401);
});
