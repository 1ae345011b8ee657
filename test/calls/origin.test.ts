import { expect, test } from 'vitest';
import { listPolicies } from '../../functions/permissions/list-policies.ts';
import { originOf } from '../../shared/calls/origin.ts';
import { askingVerifier } from '../../shared/keys/asking-verifier.ts';
import { AppError } from '../../shared/kit/errors.ts';
import { continueTrace } from '../../shared/kit/trace.ts';

const ABOVE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const trace = continueTrace(ABOVE);
const CONTINUED = `00-4bf92f3577b34da6a3ce929d0e0e4736-${trace.span_id}-01`;

test('what a sidecar asks its platform goes on in the trace of who asked the sidecar', async () => {
  const asked: Record<string, string>[] = [];
  const get = async (_: unknown, { headers }: RequestInit = {}) => {
    asked.push(headers as Record<string, string>);
    return new Response('{}');
  };
  const origin = originOf('http://platform.test', 'p21s_token', get as typeof fetch);
  await origin.call(listPolicies, {}, trace);
  await origin.call(listPolicies, {});
  expect(asked).toEqual([
    { authorization: 'Bearer p21s_token', traceparent: CONTINUED },
    { authorization: 'Bearer p21s_token' },
  ]);
});

test('so does the question about a token that it can not judge', async () => {
  const unsure = { verify: () => Promise.reject(new AppError('unavailable')) };
  const told: unknown[] = [];
  const verifier = askingVerifier(
    unsure,
    async (_, of) => {
      told.push(of);
      return { valid: false, error_message: 'expired', warnings: [] };
    },
    { issuer: 'http://platform.test', audience: 'perfect21' },
    Date.now,
  );
  expect(await verifier.verify('token', trace)).toEqual({ valid: false, error: 'expired' });
  expect(told).toEqual([trace]);
});
