/** One event over the bridge: the rule that neither loops nor doubles. */
import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { AnyEnvelope } from '../../shared/messaging/envelope.ts';
import { SIDES, type Side } from '../../shared/ports/crossing.ts';
import { insert, update, WriteConflict } from '../../shared/ports/store.ts';
import { SIGHTING_TTL_MS, type Sighting, sightingId, sightings } from './records.ts';

/** The side beyond. */
export const beyond = (side: Side): Side => (side === 'rabbitmq' ? 'eventbridge' : 'rabbitmq');

/** True for an event that a bridge brought here: it goes no further. Anything odd in `hops` counts as one. */
export const hasCrossed = ({ metadata }: Pick<AnyEnvelope, 'metadata'>): boolean =>
  metadata?.hops !== undefined && metadata.hops !== 0;

/** The envelope as the other side gets it: the same event, and where it entered. */
export const stamped = (envelope: AnyEnvelope, side: Side): AnyEnvelope => ({
  ...envelope,
  metadata: { ...envelope.metadata, origin: side, hops: 1 },
});

/**
 * Brings an event that one side's bus delivered to the other side. Its caller acknowledges it afterwards, so an end
 * between any two steps only repeats steps: the event is published again with the same message_id, or found noted.
 */
export const carry = operation({
  name: 'bridge.carry',
  summary: 'Carries an event between RabbitMQ and EventBridge',
  access: 'service',
  input: z.object({
    side: z.enum(SIDES),
    envelope: AnyEnvelope,
    routing_key: z.string(),
    priority: z.int().min(0).max(9),
  }),
  /** `known`: it was carried, or arrived, before. */
  output: z.object({ result: z.enum(['carried', 'arrived', 'known']) }),
  writes: [sightings],
  needs: ['clock', 'crossing'],
  run: async ({ store, clock, crossing }, { side, envelope, routing_key, priority }) => {
    const id = sightingId(envelope.message_id, side);
    const earlier = await store.get(sightings, id);
    if (earlier && earlier.value.refused === undefined) return { result: 'known' as const };

    const note = async (more: Pick<Sighting, 'arrived' | 'refused'>): Promise<void> => {
      const at = clock.now();
      const value: Sighting = { side, message_type: envelope.message_type, routing_key, at, ...more };
      const expires_at = at + SIGHTING_TTL_MS;
      try {
        await store.transact([
          earlier ? update(sightings, earlier, value, { expires_at }) : insert(sightings, id, value, { expires_at }),
        ]);
      } catch (thrown) {
        // a second delivery noted the same meanwhile
        if (!(thrown instanceof WriteConflict)) throw thrown;
      }
    };

    if (hasCrossed(envelope)) {
      await note({ arrived: true });
      return { result: 'arrived' as const };
    }
    try {
      await crossing.publish(beyond(side), { envelope: stamped(envelope, side), routing_key, priority });
    } catch (thrown) {
      if (thrown instanceof AppError && thrown.code === 'invalid_request') {
        await note({ arrived: false, refused: thrown.message.slice(0, 300) });
      }
      throw thrown;
    }
    await note({ arrived: false });
    return { result: 'carried' as const };
  },
});
