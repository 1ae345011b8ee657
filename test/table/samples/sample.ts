/** A call of an operation that succeeds: what all derived tests begin with. */
import { readFileSync } from 'node:fs';
import type { World } from '../../e2e/world.ts';

export interface Call {
  input: object;
  /** Who calls; nobody when left out. */
  token?: string;
}

/** Makes a call that succeeds once; each time another one. */
export type Sample = (world: World) => Promise<Call>;

/** By name of the operation. */
export type Samples = Readonly<Record<string, Sample>>;

export const CLIENT = { ip_address: '203.0.113.7', user_agent: 'sample' };

/** A call of an operation that only services may use. */
export const asService =
  (input: (world: World) => Promise<object> | object): Sample =>
  async (world) => ({ input: await input(world), token: world.service_token });

let count = 0;

/** The example of an event as a bus brings it, about somebody who is there when `data` says whom. */
export const asEvent = (type: string, data: (world: World) => Promise<object> | object = () => ({})): Sample =>
  asService(async (world) => {
    const example = JSON.parse(readFileSync(new URL(`../../events/${type}.json`, import.meta.url), 'utf8'));
    const changed = await data(world);
    const about = (changed as { user_id?: string }).user_id;
    return {
      ...example,
      ...(about && { user_id: about }),
      message_id: `sample-${++count}`,
      data: { ...example.data, ...changed },
    };
  });
