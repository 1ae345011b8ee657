import { adapter } from '../../kit/adapter.ts';
import { vapidOf } from './vapid.ts';

/** The public half of the key that push messages to browsers are signed with. */
export const pushKey = adapter({
  port: 'pushKey',
  needs: ['secrets'],
  env: ['PUSH_URL'],
  open: ({ secrets }, { push: { providers } }) => {
    const reachesBrowsers = providers.some(({ transport }) => transport !== 'sns');
    return { port: { public_key: reachesBrowsers ? vapidOf(secrets.key('web-push'), '').public_key : '' } };
  },
});
