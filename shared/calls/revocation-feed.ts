/** Revocations over gRPC (`perfect21.sidecar.RevocationFeed/Watch`), for a verifier that has neither store nor broker. */
import { Client, type ClientReadableStream, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { RevocationFeedService } from '../../proto/gen/sidecar_service.ts';
import { beClosedInPeace } from '../grpc/closing.ts';
import { CLIENT_OPTIONS } from '../grpc/limits.ts';
import { type ClientTls, channelCredentials } from '../grpc/tls.ts';
import { eventReader, FeedEvent } from '../keys/feed-events.ts';
import type { Ports } from '../ports/index.ts';
import type { FeedMessage, FeedPosition, RevocationFeed } from '../ports/revocations.ts';
import type { Live } from '../system/live.ts';

/** Who tells nothing for so long, several heartbeats, is away, whatever its connection says. */
const SILENT_MS = 1_000;
const LOOK_MS = 100;
/** What somebody who asks waits for an event at most. */
const PATIENCE_MS = 500;
const BACKOFF = { from: 50, to: 1_000 };

const { path, requestSerialize, responseDeserialize } = RevocationFeedService.watch;

export interface GrpcFeedOptions {
  /** `host:port`. */
  address: string;
  /** Of a service; not needed where a client certificate says who it is. */
  token?: string;
  tls?: Live<ClientTls>;
}

export interface RemoteFeed extends RevocationFeed {
  close(): void;
}

const clientOf = ({ address, tls }: GrpcFeedOptions): Client => {
  const named = tls?.now.name;
  return new Client(address, channelCredentials(tls), {
    ...CLIENT_OPTIONS,
    'grpc.max_reconnect_backoff_ms': BACKOFF.to,
    // grpc-js would give a new client the connection of the old one
    'grpc.use_local_subchannel_pool': 1,
    ...(named && { 'grpc.ssl_target_name_override': named }),
  });
};

/** One feed. Times of waiting and silence are the machine's; those of what is told are the clock's. */
class GrpcFeed implements RemoteFeed {
  readonly #options: GrpcFeedOptions;
  #client: Client;
  readonly #clock: Ports['clock'];
  readonly #log: Ports['log'];
  #take: (message: FeedMessage) => void = () => {};
  #stream: ClientReadableStream<unknown> | undefined;
  /** Where the last event stood that came whole. */
  #at: FeedPosition | undefined;
  #heardAt = 0;
  #wait = BACKOFF.from;
  #retry: NodeJS.Timeout | undefined;
  #watchdog: NodeJS.Timeout | undefined;
  #waiting: { resolve(): void; reject(cause: Error): void }[] = [];
  /** Why it is away, where it is; told once. */
  #away: string | undefined;

  constructor(options: GrpcFeedOptions, { clock, log }: Pick<Ports, 'clock' | 'log'>) {
    beClosedInPeace();
    this.#options = options;
    this.#client = clientOf(options);
    this.#clock = clock;
    this.#log = log;
  }

  follow(take: (message: FeedMessage) => void): () => void {
    this.#take = take;
    this.#open();
    this.#watchdog = setInterval(() => {
      if (this.#stream && performance.now() - this.#heardAt > SILENT_MS) this.#abandon();
    }, LOOK_MS).unref();
    return () => this.close();
  }

  /** Waits for what comes next, or begins anew where there was a gap. Away is away: nobody waits for a connection. */
  catchUp(from?: FeedPosition): Promise<void> {
    if (this.#away !== undefined) return Promise.reject(new Error(`the feed is away: ${this.#away}`));
    if (from === undefined && this.#at) {
      this.#at = undefined;
      this.#open();
    }
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('the feed tells nothing')), PATIENCE_MS);
      const done = (end: () => void) => () => {
        clearTimeout(late);
        end();
      };
      this.#waiting.push({ resolve: done(resolve), reject: (cause) => done(() => reject(cause))() });
    });
  }

  close(): void {
    this.#take = () => {};
    clearInterval(this.#watchdog);
    clearTimeout(this.#retry);
    this.#drop();
    this.#settle(new Error('the feed was closed'));
    this.#client.close();
  }

  #open(): void {
    this.#drop();
    const metadata = new Metadata();
    if (this.#options.token) metadata.set('authorization', `Bearer ${this.#options.token}`);
    const asked = { epoch: this.#at?.epoch ?? '', number: this.#at?.number ?? 0 };
    const stream = this.#client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, asked, metadata);
    this.#stream = stream;
    this.#heardAt = performance.now();
    const read = eventReader(() => this.#clock.now());
    stream.on('data', (event: unknown) => {
      if (this.#stream !== stream) return;
      const checked = FeedEvent.safeParse(event);
      // what is understood half lets the other half in
      if (!checked.success) this.#lost('it tells what is not understood here', true);
      else this.#hear(read(checked.data));
    });
    stream.on('error', (error: ServiceError) => {
      if (this.#stream !== stream) return;
      const refused = error.code === status.UNAUTHENTICATED || error.code === status.PERMISSION_DENIED;
      this.#lost(refused ? `it refuses this process: ${error.details}` : error.details, refused);
    });
    stream.on('end', () => this.#stream === stream && this.#lost('it ended'));
  }

  #hear(message: FeedMessage): void {
    this.#heardAt = performance.now();
    this.#wait = BACKOFF.from;
    if (this.#away !== undefined) this.#log.info('revocation_feed.back');
    this.#away = undefined;
    this.#take(message);
    if (message.kind === 'beside') return;
    const { epoch, number } = message.kind === 'snapshot' ? message.at : message.after;
    this.#at = { epoch, number: message.kind === 'snapshot' ? number : number + message.revocations.length };
    this.#settle();
  }

  /** A connection that carries nothing keeps nobody from making another one. */
  #abandon(): void {
    this.#lost('it tells nothing');
    this.#client.close();
    this.#client = clientOf(this.#options);
  }

  #lost(why: string, grave = false): void {
    // once for an absence, and again where somebody has to do something
    if (this.#away === undefined || (grave && this.#away !== why))
      this.#log[grave ? 'error' : 'warn']('revocation_feed.away', { detail: why });
    this.#away = why;
    this.#drop();
    this.#settle(new Error(`the feed is away: ${why}`));
    this.#retry = setTimeout(() => this.#open(), this.#wait * (0.5 + Math.random())).unref();
    this.#wait = Math.min(this.#wait * 2, BACKOFF.to);
  }

  #drop(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    clearTimeout(this.#retry);
    stream?.cancel();
  }

  #settle(cause?: Error): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { resolve, reject } of waiting) cause ? reject(cause) : resolve();
  }
}

/** Makes the feed. It connects from the moment that somebody follows, and comes back by itself. */
export const createGrpcFeed = (options: GrpcFeedOptions, ports: Pick<Ports, 'clock' | 'log'>): RemoteFeed =>
  new GrpcFeed(options, ports);
