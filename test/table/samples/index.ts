/** A valid call of every operation of the platform. An operation without one fails test/table/samples.test.ts. */
import { auth } from './auth.ts';
import { notifications } from './notifications.ts';
import { permissions } from './permissions.ts';
import type { Samples } from './sample.ts';
import { sessions } from './sessions.ts';
import { users } from './users.ts';

export const samples: Samples = { ...auth, ...users, ...permissions, ...sessions, ...notifications };
