/** The listeners of this process. What ends a session ends its channels, whether the event came or only its revocation. */
import { adapter } from '../../kit/adapter.ts';
import { AppError, toAppError } from '../../kit/errors.ts';
import type { Ports } from '../../ports/index.ts';
import type { Frame, Listener, Realtime } from '../../ports/realtime.ts';
import type { Finding } from '../../ports/revocations.ts';
import { inSlices } from '../../system/slices.ts';
import { QueuedChannel } from './channel.ts';

/** Channels of one user, times what bounds are scaled by: tabs and devices, and what is left of those that went away without a word. */
const MOST_OF_USER = 20;
const HEARTBEAT_MS = 30_000;
/** How often tokens and revocations are looked at: the floor for events that never came. */
const LOOK_MS = 500;
/** How often a connection is told that it is still there. */
const RENEW_MS = 300_000;
/** What may have been told before a gap was noticed. */
const BEFORE_GAP_MS = 5_000;

const ended = (detail: string): AppError => new AppError('unauthenticated', { detail });

/**
 * Makes the hub.
 *
 * @example const hub = createHub(ports); await pour(hub.port.open(listener), (frame) => socket.send(JSON.stringify(frame)));
 */
export const createHub = (ports: HubPorts): { port: Realtime; close(): void } => {
  const { clock, ids, log, metrics, revocations, settings } = ports;
  const most = MOST_OF_USER * settings.rate_limits;
  // lists that are never changed: most users have one channel, for which a set is four times as much
  const users = new Map<string, readonly QueuedChannel[]>();
  let open = 0;
  let missedSince: number | undefined;

  const gauge = (by: number): void => {
    open += by;
    metrics.gauge('perfect21_realtime_channels', NO_LABELS, open);
  };
  const channelsOf = (user_id: string): readonly QueuedChannel[] => users.get(user_id) ?? NONE;
  const closed = (channel: QueuedChannel): void => {
    const { user_id } = channel.listener;
    const others = channelsOf(user_id).filter((each) => each !== channel);
    if (others.length > 0) users.set(user_id, others);
    else users.delete(user_id);
    gauge(-1);
  };

  const judge = (channel: QueuedChannel, found: Finding | undefined): void => {
    if (!found || found === 'permissions_changed') return;
    const at = Math.floor(clock.now() / 1_000);
    channel.tell({ id: ids.uuid(), type: 'session.ended', at, data: { reason: found } });
    channel.end(ended('The session ended'));
  };

  const lookAt = (channel: QueuedChannel): void => {
    const { user_id: sub, session_id: sid, jti, generation: gen, expires_at } = channel.listener;
    if (clock.now() >= expires_at * 1_000) {
      channel.end(ended('The token is over'));
      return;
    }
    const failed = (thrown: unknown): void => channel.end(toAppError(thrown));
    try {
      const found = revocations.find({ sub, sid, jti, gen });
      if (found instanceof Promise) found.then((later) => judge(channel, later)).catch(failed);
      else judge(channel, found);
    } catch (thrown) {
      failed(thrown);
    }
  };

  const each = function* (): Generator<QueuedChannel> {
    for (const channels of users.values()) yield* channels;
  };
  let looking = false;
  const look = async (): Promise<void> => {
    if (looking) return;
    looking = true;
    await inSlices(each(), (channel) => {
      lookAt(channel);
      const now = clock.now();
      if (now < channel.renew_at) return;
      channel.renew_at = now + RENEW_MS;
      channel.tell({ renew: true });
    });
    looking = false;
  };
  const timer = setInterval(() => void look(), LOOK_MS).unref();

  const port: Realtime = {
    heartbeat_ms: HEARTBEAT_MS,
    open: (listener: Listener) => {
      const channels = channelsOf(listener.user_id);
      if (channels.length >= most) {
        throw new AppError('too_many_requests', {
          detail: `At most ${most} connections of a user`,
          retry_after: 5,
        });
      }
      const channel = new QueuedChannel(listener, closed);
      channel.renew_at = clock.now() + RENEW_MS;
      // a literal would have room for sixteen more
      users.set(listener.user_id, channels.concat(channel));
      gauge(1);
      // what ended between the ticket and now
      lookAt(channel);
      return channel;
    },
    tell: (user_id, frame: Frame, trace) => {
      const channels = users.get(user_id);
      if (!channels) return 0;
      metrics.count('perfect21_realtime_frames_total', labelsOf(frame.type), channels.length);
      const attributes = { 'perfect21.frame_type': frame.type };
      for (const channel of channels)
        channel.tell(frame, trace?.tracer?.start('send frame', 'producer', trace, attributes));
      return channels.length;
    },
    holds: ({ user_id, session_id }) => channelsOf(user_id).some(({ listener }) => listener.session_id === session_id),
    end: ({ user_id, session_id, except_session_id }, frame) => {
      for (const channel of channelsOf(user_id)) {
        const { session_id: own } = channel.listener;
        if ((session_id !== undefined && own !== session_id) || own === except_session_id) continue;
        channel.tell(frame);
        channel.end(ended('The session ended'));
      }
    },
    missed: () => {
      missedSince ??= clock.now() - BEFORE_GAP_MS;
    },
    resumed: () => {
      if (missedSince === undefined) return;
      const gap = { missed_since: missedSince };
      missedSince = undefined;
      if (open > 0) log.info('realtime.resumed', { channels: open });
      // each of them reads its inbox
      void inSlices(each(), (channel) => channel.tell(gap));
    },
  };
  return {
    port,
    close: () => {
      clearInterval(timer);
      for (const channel of [...each()]) channel.end(new AppError('unavailable', { detail: 'The process stops' }));
    },
  };
};

type HubPorts = Pick<Ports, 'clock' | 'ids' | 'log' | 'metrics' | 'revocations'> & {
  settings: Pick<Ports['settings'], 'rate_limits'>;
};

const NONE: readonly QueuedChannel[] = [];
const NO_LABELS = Object.freeze({});
const labels = new Map<Frame['type'], { type: string }>();
const labelsOf = (type: Frame['type']): { type: string } => {
  const found = labels.get(type) ?? Object.freeze({ type });
  labels.set(type, found);
  return found;
};

export const realtimeHub = adapter({
  port: 'realtime',
  needs: ['clock', 'ids', 'log', 'metrics', 'revocations', 'settings'],
  open: (ports) => {
    const { port, close } = createHub(ports);
    return { port, close: async () => close() };
  },
});
