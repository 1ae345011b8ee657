/** Whether services that run apart do together what they do in one: a short walk through all of them. */
import type { Deployment } from './deployment.ts';
import type { Layout } from './layout.ts';

const PATIENCE_MS = 15_000;
const PAUSE_MS = 100;

const asked = async (
  url: string,
  more: { token?: string; body?: object } = {},
): Promise<{ status: number; body: any }> => {
  const response = await fetch(url, {
    method: more.body ? 'POST' : 'GET',
    headers: {
      ...(more.body && { 'content-type': 'application/json' }),
      ...(more.token && { authorization: `Bearer ${more.token}` }),
    },
    ...(more.body && { body: JSON.stringify(more.body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : text };
};

/** Asks again until it is so: who was just started may not be known to all yet. */
const until = async (what: string, so: () => Promise<boolean>): Promise<void> => {
  const late = performance.now() + PATIENCE_MS;
  while (!(await so())) {
    if (performance.now() > late) throw new Error(`${what} did not come true within ${PATIENCE_MS / 1_000} s`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
};

/**
 * Logs in the administrator (auth asks users, permissions and sessions), has a token judged by the sidecar, asks the
 * permissions service, logs out, and sees the sidecar refuse the token.
 *
 * @returns ms from the logout's answer to the sidecar's first refusal
 * @throws Error that names the step which did not come true
 */
export const prove = async ({ url, credentials }: Deployment, { sidecar }: Layout): Promise<number> => {
  const { admin, service_token: token } = credentials;
  let session: { access_token: string; user_id: string } | undefined;
  await until('the login of the administrator, whom four services know', async () => {
    const body = { identifier: admin.email, password: admin.password };
    const { status, body: tokens } = await asked(`${url}/api/v1/auth/login`, { body });
    if (status === 200) session = tokens;
    return status === 200;
  });
  const { access_token: access, user_id } = session!;
  await until('the role of the administrator', async () => {
    const body = { user_id, resource: 'users', action: 'read' };
    const answer = await asked(`${url}/api/v1/permissions/check`, { token, body });
    return answer.body?.allowed === true;
  });
  const verdict = async () => (await asked(`http://127.0.0.1:${sidecar.http}/verify`, { token: access })).status;
  await until('the sidecar’s yes to a good token', async () => (await verdict()) === 200);
  await asked(`${url}/api/v1/auth/logout`, { token: access, body: {} });
  const since = performance.now();
  while ((await verdict()) !== 401)
    if (performance.now() - since > PATIENCE_MS) throw new Error('the sidecar still takes a token that was logged out');
  return performance.now() - since;
};
