/** What keeps an attacker out, how it is taken out for a test, and the test that must notice. */

export interface Mitigation {
  /** Where it stands. */
  file: string;
  /** Its text, which stands there once; and what stands there without it. */
  from: string;
  to: string;
  /** Test file, and the beginning of the name of a test that fails without it. */
  test: string;
  promise: string;
}

/** `PERFECT21_TEST_WITHOUT=<name> npm test -- <test>` runs a test without one of them. */
export const MITIGATIONS: Readonly<Record<string, Mitigation>> = {
  'an older token is judged by what its user may now': {
    file: 'shared/doors/binding/caller.ts',
    from: "...(verdict.warnings?.includes('permissions_changed') && { outdated: true as const }),",
    to: '',
    test: 'test/e2e/sqlite.test.ts',
    promise: 'in process > permissions',
  },
  'an older generation is refused': {
    file: 'functions/sessions/rotate-session.ts',
    from: '(session.value.generation < account.generation && !spared)',
    to: 'false',
    test: 'test/security/races.test.ts',
    promise: 'a session that the index does not show yet ends with the others',
  },
  'a password of nobody is compared all the same': {
    file: 'functions/users/check-password.ts',
    from: 'const matches = await passwords.verify(password, secret?.value.password_hash);',
    to: 'const matches = secret ? await passwords.verify(password, secret.value.password_hash) : false;',
    test: 'test/security/races.test.ts',
    promise: 'a guess that is refused unread costs the same hash',
  },
  'only a service makes logins risky': {
    file: 'functions/auth/validate-token.ts',
    from: "caller.kind === 'service' ? clientMarks.news(session_id, changes) : []",
    to: 'clientMarks.news(session_id, changes)',
    test: 'test/e2e/sqlite.test.ts',
    promise: 'in process > tokens',
  },
  'one session too many ends the oldest': {
    file: 'functions/sessions/room.ts',
    from: 'if (held.length < settings.max_sessions) return none;',
    to: 'if (held.length >= 0) return none;',
    test: 'test/security/sessions-end.test.ts',
    promise: 'of more sessions than one may have',
  },
  'a place is taken from a trusted proxy alone': {
    file: 'shared/doors/binding/place.ts',
    from: 'trusts(peer) ? placeOf(network, headers) : undefined',
    to: 'placeOf(network, headers)',
    test: 'test/doors/http/place.test.ts',
    promise: 'is taken from a trusted proxy alone',
  },
  'large messages share one bound': {
    file: 'shared/doors/fairness/held-bytes.ts',
    from: 'if (this.#now <= this.#most) return;',
    to: 'return;',
    test: 'test/doors/fairness/held-bytes.test.ts',
    promise: 'what is let go leaves room',
  },
  'connections share the bytes that may be on their way': {
    file: 'shared/doors/fairness/share.ts',
    from: 'if (!session.destroyed) session.setLocalWindowSize(bytes);',
    to: 'void [session, bytes];',
    test: 'test/doors/fairness/fairness.test.ts',
    promise: 'takes fewer bytes at once from each connection while there are many',
  },
  'bodies that are too large are refused in turns': {
    file: 'shared/doors/http/read.ts',
    from: 'turns.take(carrierOf(request) ?? request, () => reject(error));',
    to: 'reject(error);',
    test: 'test/doors/fairness/fairness.test.ts',
    promise: 'a body that is too large is refused in the turn of its connection',
  },
  'a code is good once': {
    file: 'functions/auth/take-code.ts',
    from: 'if ((await count(0, 1)) > 1) return undefined;',
    to: 'await count(0, 1);',
    test: 'test/security/second-factor.test.ts',
    promise: 'a code works once of twenty',
  },
  'codes are counted before they are compared': {
    file: 'functions/auth/take-code.ts',
    from: 'if (attempt.throttled) {',
    to: 'if (false) {',
    test: 'test/security/second-factor.test.ts',
    promise: 'of many guesses at once',
  },
  'a password alone is no login where there is a factor': {
    file: 'functions/auth/check-login.ts',
    from: 'if (factor?.value.confirmed_at !== undefined) {',
    to: 'if (false) {',
    test: 'test/security/second-factor.test.ts',
    promise: 'a new password makes no known device',
  },
  'what follows a forgotten password comes later': {
    file: 'functions/users/request-password-reset.ts',
    from: 'passwordResetRequested.with(input, { delay_ms })',
    to: 'passwordResetRequested.with(input)',
    test: 'test/security/forgotten-password.test.ts',
    promise: 'comes at a random time',
  },
  'an unknown address is the same work later': {
    file: 'functions/users/on-password-reset-requested.ts',
    from: 'await once(store, mark, [issueToken(ids, purpose, nobody, undefined, now + 1000).write]);',
    to: '',
    test: 'test/security/forgotten-password.test.ts',
    promise: 'is the same work for an address',
  },
  'an effect is committed with the mark of its event': {
    file: 'shared/messaging/inbox.ts',
    from: 'await store.transact([mark, ...effect], events);',
    to: 'await store.transact(effect, events);',
    test: 'test/security/callers.test.ts',
    promise: 'is handled once when its event is delivered twice',
  },
  'a change has its line in the audit log': {
    file: 'shared/kit/bound-store.ts',
    from: 'store.transact([...writes, ...line], { enqueue, durability })',
    to: 'store.transact(writes, { enqueue, durability })',
    test: 'test/security/audit-chain.test.ts',
    promise: 'all of it comes as rows',
  },
  'a line of the audit log hangs on the one before': {
    file: 'shared/kit/audit-chain.ts',
    from: "else if (hash !== chained(last.hash, number, id, value)) faults.push({ number, fault: 'changed' });",
    to: '',
    test: 'test/security/audit-chain.test.ts',
    promise: 'a line that was changed shows',
  },
  'refusals are noted within bounds': {
    file: 'shared/kit/audit-note.ts',
    from: 'const REFUSALS = 10;',
    to: 'const REFUSALS = 1_000;',
    test: 'test/security/audit-chain.test.ts',
    promise: 'no call leaves two lines',
  },
  'an assertion is good once': {
    file: 'functions/auth/client-authentication.ts',
    from: 'await store.transact([insert(clientAssertions, id, {}, { expires_at: assertion.expires_at })]);',
    to: '',
    test: 'test/doors/oauth.test.ts',
    promise: 'is good once, also when it comes many times at once',
  },
  'an assertion names one server': {
    file: 'shared/keys/client-assertions.ts',
    from: 'return more.length === 0 && audiences.includes(only as string);',
    to: 'return audiences.includes(only as string);',
    test: 'test/doors/oauth.test.ts',
    promise: 'for another server, too old',
  },
  'nobody gives a service what he does not hold': {
    file: 'functions/auth/create-service.ts',
    from: 'await requireAllOf(caller, permissions, findLacking);',
    to: '',
    test: 'test/security/service-credentials.test.ts',
    promise: 'a clerk makes services that may what he may',
  },
  'nobody rotates what may more than he': {
    file: 'functions/auth/rotate-service.ts',
    from: 'await requireAllOf(context.caller, read.value.permissions, findLacking);',
    to: '',
    test: 'test/security/service-credentials.test.ts',
    promise: 'a clerk neither gets the secret',
  },
  'segments are canonical': {
    file: 'shared/keys/base64url.ts',
    from: "bytes.toString('base64url') === text ? bytes : undefined",
    to: 'bytes',
    test: 'test/keys/hostile-tokens.test.ts',
    promise: 'no second spelling of a segment',
  },
  'a known token is known whole': {
    file: 'shared/keys/verifier.ts',
    from: 'seen?.token === token ?',
    to: 'seen ?',
    test: 'test/keys/known-tokens.test.ts',
    promise: 'a token that ends as a known one does',
  },
  'a known token is asked about again': {
    file: 'shared/keys/verifier.ts',
    from: `return refused('expired');
    }
    return alive(claims, verdict);`,
    to: `return refused('expired');
    }
    return verdict;`,
    test: 'test/e2e/sqlite.test.ts',
    promise: 'in process > sessions',
  },
  'an update holds its version': {
    file: 'shared/store/sqlite/writes.ts',
    from: 'db.run(sql.update, next, ...rest, id, write.version, now)',
    to: 'db.run(sql.update, next, ...rest, id, db.get<{ version: number }>(sql.get, id, now)?.version ?? 0, now)',
    test: 'test/contract/store.sqlite.test.ts',
    promise: '',
  },
  'only declared fields leave': {
    file: 'shared/kit/invoke.ts',
    from: 'if (checked.success) return checked.data;',
    to: 'if (checked.success) return output as never;',
    test: 'test/table/samples.test.ts',
    promise: 'users',
  },
  'secrets are redacted': {
    file: 'shared/system/log.ts',
    from: 'redact(fields, { stack })',
    to: 'fields',
    test: 'test/doors/http/log.test.ts',
    promise: '',
  },
  "an address that may be wanted back is nobody else's": {
    file: 'functions/users/email-change.ts',
    from: 'taken: other !== undefined && !waits',
    to: 'taken: other !== undefined && !waits && !record?.value.reserved',
    test: 'test/e2e/sqlite.test.ts',
    promise: 'in process > addresses',
  },
  'the way back can not be pushed out': {
    file: 'functions/users/email-change.ts',
    from: 'if (good.length < MAX_UNDOABLE) return;',
    to: 'return;',
    test: 'test/security/addresses.test.ts',
    promise: 'a thief can not push out',
  },
  'nobody gives or takes what he does not hold': {
    file: 'functions/permissions/acting.ts',
    from: 'if (lacking) throw',
    to: 'if (false) throw',
    test: 'test/security/clerks.test.ts',
    promise: 'a clerk who',
  },
  'a challenge of a passkey is good once': {
    file: 'functions/auth/passkey-ceremony.ts',
    from: 'if ((await count(1)) > 1)',
    to: 'if ((await count(1)) > 1_000)',
    test: 'test/e2e/sqlite.test.ts',
    promise: 'in process > passkeys > options of a login name nobody',
  },
  'passkeys are for our pages': {
    file: 'functions/auth/passkey-ceremony.ts',
    from: 'if (!origins.includes(client.origin))',
    to: 'if (false)',
    test: 'test/e2e/sqlite.test.ts',
    promise: 'in process > passkeys > what comes from no page of ours',
  },
  'a passkey is of its owner': {
    file: 'functions/auth/login-with-passkey.ts',
    from: 'passkey && isSignedBy(openKey(passkey), signed, toBytes(response.signature))',
    to: 'passkey',
    test: 'test/e2e/sqlite.test.ts',
    promise: 'in process > passkeys > another key',
  },
  'what is known ages': {
    file: 'shared/keys/revocations.ts',
    from: 'return this.age() <= this.#rules.bound_ms ? this.live.find(claims) : this.#findAfterCatchingUp(claims);',
    to: 'return this.live.find(claims);',
    test: 'test/keys/watched-feed.test.ts',
    promise: 'mends what it missed while its wire was cut',
  },
  'nothing is known before the snapshot': {
    file: 'shared/keys/revocations.ts',
    from: 'asOf = Number.NEGATIVE_INFINITY;\n  #prunedAt',
    to: 'asOf = Date.UTC(2026, 0, 1);\n  #prunedAt',
    test: 'test/keys/feed.test.ts',
    promise: 'before its first snapshot nothing is answered',
  },
  'a number that was passed over is a gap': {
    file: 'shared/keys/revocations.ts',
    from: 'this.at?.epoch !== epoch || this.at.number < number',
    to: 'false',
    test: 'test/keys/feed.test.ts',
    promise: 'after a number that was passed over',
  },
  'what waited on its way is old': {
    file: 'shared/keys/feed-events.ts',
    from: 'now() - (way - shortest) - ',
    to: 'now() - ',
    test: 'test/keys/feed.test.ts',
    promise: 'is old where it waited for a reader that stood still',
  },
  'who tells nothing is away': {
    file: 'shared/calls/revocation-feed.ts',
    from: 'performance.now() - this.#heardAt > SILENT_MS',
    to: 'false',
    test: 'test/keys/watched-feed.test.ts',
    promise: 'leaves a wire that carries nothing any more',
  },
  'an API that answered once is believed alone': {
    file: 'shared/calls/discovery/k8s-or-dns.ts',
    from: 'if (reached || signal.aborted) throw cause;',
    to: 'if (signal.aborted) throw cause;',
    test: 'test/calls/discovery/dns.test.ts',
    promise: 'DNS is not asked once the API answered',
  },
  'a page of elsewhere opens no connection at API Gateway': {
    file: 'shared/doors/lambda/websocket.ts',
    from: "if (!originRule(PERFECT21_PUBLIC_URL, originsOf(PERFECT21_ORIGINS))(origin)) throw new AppError('invalid_token');",
    to: '',
    test: 'test/functions/notifications/connections.test.ts',
    promise: 'who opens a connection > comes from a page of ours',
  },
  'a page of elsewhere reads nothing': {
    file: 'shared/doors/http/cross-origin.ts',
    from: 'if (origin === undefined || !allowed(origin)) return false;',
    to: 'if (origin === undefined) return false;',
    test: 'test/doors/http/cross-origin.test.ts',
    promise:
      'where the operator lists an origin > a page of https://evil.example reads nothing, and its answers are not handed on to others',
  },
  'a context says nothing of the entities of a question': {
    file: 'functions/permissions/authzen-questions.ts',
    from: "...scalars('', plain(context)),",
    to: "...scalars('', context),",
    test: 'test/doors/authzen.test.ts',
    promise:
      'the scenario of the OpenID Foundation’s certification > a context says nothing of the entities, nor whose a resource is',
  },
  'a ticket opens one connection at API Gateway': {
    file: 'functions/notifications/open-connection.ts',
    from: 'remove(tickets, read),',
    to: '',
    test: 'test/functions/notifications/connections.test.ts',
    promise: 'who opens a connection > needs a ticket',
  },
  'a connection at API Gateway is told nothing once its session ended': {
    file: 'functions/notifications/on-connected-frame.ts',
    from: 'const ended = await endOf(ports, user_id, held);',
    to: 'const ended = undefined;',
    test: 'test/functions/notifications/connections.test.ts',
    promise: 'a connection > whose session ended is told nothing any more',
  },
  'names that stand in for an identity are taken away': {
    file: 'functions/sidecar/envoy.ts',
    from: ', ...LOOKALIKES],',
    to: '],',
    test: 'test/sidecar/doors.test.ts',
    promise:
      'to Envoy a sidecar > takes away what applications that know fields by the names of CGI take for the identity',
  },
};
