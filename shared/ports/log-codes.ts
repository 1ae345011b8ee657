/**
 * Every kind of line that the platform writes to its log. A code is public and stable: who filters or alerts by it relies on
 * that. `docs/logs.md` is made of this; a line with another code, or at another level, does not compile.
 */

export type Level = 'debug' | 'info' | 'warn' | 'error';

export interface LogKind {
  /** The levels that it is written at. */
  at: readonly Level[];
  /** What happened. */
  means: string;
  /** What whoever reads it does. */
  todo: string;
}

const NOTHING = 'Nothing.';
const BY_ITSELF = 'Nothing: it is tried again by itself.';

export const LOGS = {
  'audit.refusal_not_noted': {
    at: ['warn'],
    means: 'A refused call was answered, and its line of the audit log could not be written.',
    todo: 'Look at the store: changes that are made have their lines, this one is missing.',
  },
  'bridge.failed': {
    at: ['warn', 'error'],
    means: 'The bridge could not carry an event; at error it gave the event up.',
    todo: 'At warn nothing: it comes again. At error look at the dead letters of the side that `side` names.',
  },
  'bridge.settle_failed': {
    at: ['warn'],
    means: 'What became of a record that the bridge carried could not be told to its queue.',
    todo: 'Nothing: it comes again, and is carried once.',
  },
  'broadcast.failed': {
    at: ['warn', 'error'],
    means: 'An event that each process hears could not be handled by this one.',
    todo: 'Nothing unless it repeats: what was missed is caught up on. `error_code` and `cause` say why.',
  },
  'broadcast.left_behind': {
    at: ['warn'],
    means: 'The queue and rule of this process on EventBridge could not be removed at the stop.',
    todo: 'Remove what `name` says, or leave it: other processes sweep what nobody uses.',
  },
  'broadcast.not_caught_up': {
    at: ['warn'],
    means: 'What this process may have missed could not be read.',
    todo: `${BY_ITSELF} Until then its listeners and verifiers know less: look at the store when it repeats.`,
  },
  'broadcast.overrun': {
    at: ['warn'],
    means: 'More broadcasts waited than a process holds; it caught up on all of them from the store.',
    todo: 'When it repeats, the process has too little processor for what happens: add instances.',
  },
  'broadcast.refused': {
    at: ['warn'],
    means: 'A broadcast was no event of the platform.',
    todo: 'Find out who else may publish to the bus: only the platform should.',
  },
  'bulk.done': {
    at: ['info'],
    means: 'Rows that went through an object in S3 are imported or exported.',
    todo: NOTHING,
  },
  'bulk.failed': {
    at: ['error'],
    means: 'A function could not go on with rows that go through an object in S3.',
    todo: 'Nothing while it is tried again: it goes on behind what it noted. `cause` says why; given up, the job says `failed`.',
  },
  'bulk.not_noted': {
    at: ['warn'],
    means: 'How far the rows of a job are could not be noted in the bucket.',
    todo: `${BY_ITSELF} Rows that were not noted are done again, and known by their external_id.`,
  },
  'bulk.refused': {
    at: ['warn'],
    means: 'Rows that go through an object were not worked on: who asked may not any more. The audit log tells who.',
    todo: 'Nothing, unless rows were done before that: `rows` says how many.',
  },
  'bulk.unknown_job': {
    at: ['warn'],
    means: 'A message spoke of a job that the bucket does not know (any more): it keeps them for a day.',
    todo: 'Nothing unless somebody waits for it: then ask anew.',
  },
  'bus.away': {
    at: ['warn', 'error'],
    means: 'The broker does not answer, or a connection to it ended.',
    todo: 'Look at the broker. Requests are answered all the same; events wait in the outbox, and none is lost.',
  },
  'bus.blocked': {
    at: ['error'],
    means: 'RabbitMQ takes no messages: its memory or disk is full.',
    todo: 'Free some on the broker. Events wait in the outbox meanwhile.',
  },
  'bus.connected': { at: ['info'], means: 'A connection to the broker stands.', todo: NOTHING },
  'bus.unblocked': { at: ['info'], means: 'RabbitMQ takes messages again.', todo: NOTHING },
  'bus.unroutable': {
    at: ['error'],
    means: 'An event reached no queue of RabbitMQ, although the platform has one for it.',
    todo: 'A binding is missing: `npx perfect21 topology diff` says which, a restart makes it again. The event is given up: replay it from the dead letters.',
  },
  'client_change.not_counted': {
    at: ['warn'],
    means: 'A token came from another client than before, and this could not be noted for the risk of its session.',
    todo: 'Nothing unless it repeats: look at the sessions service then.',
  },
  'delivery.sender_refused': {
    at: ['error'],
    means: 'A provider refuses the sender or the account, not a single message.',
    todo: 'Mend the account: an address or domain that is not verified, a sandbox, a limit, a missing right. Messages wait until then.',
  },
  'discovery.away': {
    at: ['warn'],
    means: 'The registry of services does not answer; the instances that it named last stay in use.',
    todo: 'Look at the registry.',
  },
  'discovery.back': { at: ['info'], means: 'The registry of services answers again.', todo: NOTHING },
  'discovery.ejected': {
    at: ['warn'],
    means: 'An instance failed three times in a row and is passed over for 30 seconds.',
    todo: 'Look at the instance that `address` names.',
  },
  'event.failed': {
    at: ['error'],
    means: 'A function could not handle an event of its queue.',
    todo: 'Nothing at first: it comes again. When it is given up, `queue.parked` follows; `error_code` and `cause` say why.',
  },
  'followup.failed': {
    at: ['warn'],
    means: 'Something that follows a committed change did not work at once.',
    todo: 'Nothing: the handler of the event does it again.',
  },
  'forward_auth.refused': {
    at: ['debug'],
    means: 'The sidecar refused a request that a proxy asked about.',
    todo: NOTHING,
  },
  'function.failed': {
    at: ['error'],
    means: 'A function could not begin to answer: its ports do not open.',
    todo: '`cause` says what is missing: a table, a right, a secret, a setting.',
  },
  'handler.failed': {
    at: ['warn', 'error'],
    means: 'An event handler failed; at error it will never work and is given up.',
    todo: 'At warn nothing: it comes again with growing waits. At error: `npx perfect21 dlq list`, mend the cause, `dlq replay`.',
  },
  'http.failed': {
    at: ['error'],
    means: 'HTTP could not be answered, before any operation was asked.',
    todo: 'This is a fault of the platform: report it with `cause`.',
  },
  'http.request': {
    at: ['debug', 'info', 'warn'],
    means: 'A request was answered: at warn with a failure of ours (5xx), at info slowly, at debug in any other way.',
    todo: 'For failures look for `operation.failed` with the same `request_id`.',
  },
  'http.unanswered': {
    at: ['error'],
    means: 'An answer was made and could not be sent; the connection was ended.',
    todo: 'What the operation changed stands. When it repeats, report it with `cause`.',
  },
  'init.failed': {
    at: ['warn'],
    means: 'A function could not open its ports when its container started.',
    todo: 'Nothing unless it repeats: the next event tries again. `cause` says what is missing.',
  },
  'keys.jwks_readable': { at: ['info'], means: 'The keys of the issuer can be read again.', todo: NOTHING },
  'keys.jwks_unreadable': {
    at: ['warn'],
    means: 'The keys of the issuer could not be read; those that were read last stay in use.',
    todo: 'Look whether the issuer answers at /.well-known/jwks.json. New keys are not known until then.',
  },
  'keys.not_made': {
    at: ['error'],
    means: 'The first signing key could not be written: nothing can be signed.',
    todo: 'Let the process write the key file that `reason` names. The next token tries again.',
  },
  'keys.rotated': { at: ['info'], means: 'A new signing key was made, or came into use.', todo: NOTHING },
  'keys.rotation_failed': {
    at: ['error'],
    means: 'No new signing key could be written; the one in use goes on signing.',
    todo: 'Let the process write the key file, or run `npx perfect21 keys rotate`.',
  },
  'keys.unreadable': {
    at: ['error'],
    means: 'The file of signing keys could not be read; what was read before stays in use.',
    todo: 'Put the file right: a restart without it fails.',
  },
  'message.refused': {
    at: ['warn'],
    means: 'A provider refused a message for good, such as a mail to an address that does not exist.',
    todo: 'Nothing for one. For many look at `detail`: the sender may be blocked.',
  },
  'operation.failed': {
    at: ['error'],
    means: 'An operation failed for a reason that is not the caller’s; he got a 5xx, and nothing was changed.',
    todo: '`code` `unavailable`: look at what `cause` names. `internal`: this is a fault of the platform, report it.',
  },
  'outbox.alarm_failed': {
    at: ['warn'],
    means: 'EventBridge Scheduler could not be told when the next delayed event is due.',
    todo: 'Nothing unless it repeats: the event leaves up to a minute late.',
  },
  'outbox.parked': {
    at: ['error'],
    means: 'An event that no bus can carry was moved to the dead letters.',
    todo: '`npx perfect21 dlq list` says why.',
  },
  'outbox.publish_failed': {
    at: ['warn'],
    means: 'The bus did not take an event.',
    todo: `${BY_ITSELF} When it repeats, look at the broker.`,
  },
  'outbox.unavailable': {
    at: ['warn'],
    means: 'The outbox could not be read.',
    todo: 'Look at the store. Nothing is lost.',
  },
  'permissions.not_known': {
    at: ['debug'],
    means: 'The permissions of a user could not be asked for; those in his token were told.',
    todo: NOTHING,
  },
  'policies.unread': {
    at: ['warn'],
    means: 'The sidecar could not read the policies; permissions are asked of the platform each time.',
    todo: 'Give its service token the permission `permissions:read`, or look whether the platform answers.',
  },
  'queue.claim_lost': {
    at: ['warn'],
    means: 'Somebody else took a message that took long here.',
    todo: 'Nothing: handlers do each message once. When it repeats, look at what makes handlers slow.',
  },
  'queue.limited': {
    at: ['error'],
    means: 'Messages were moved to the dead letters because a queue was full or they waited too long.',
    todo: 'Its consumers are away or too few. `npx perfect21 dlq replay` brings them back.',
  },
  'queue.parked': {
    at: ['error'],
    means: 'A message was given up and is a dead letter.',
    todo: '`npx perfect21 dlq list`, mend what `reason` names, `dlq replay`.',
  },
  'queue.refused': {
    at: ['error'],
    means: 'RabbitMQ does not let this process consume a queue.',
    todo: '`npx perfect21 topology diff`: the queue is missing, is declared otherwise, or the user lacks a right.',
  },
  'queue.settle_failed': {
    at: ['warn'],
    means: 'What became of a message could not be told to its queue.',
    todo: 'Nothing: it comes again, and is done once.',
  },
  'queue.unavailable': {
    at: ['warn'],
    means: 'A queue in the store could not be read or written.',
    todo: 'Look at the store. Nothing is lost.',
  },
  'queue.unknown_type': {
    at: ['warn'],
    means: 'A message of a type that this release does not know came to a queue and was left aside.',
    todo: 'Nothing during an upgrade. Otherwise find out who publishes it.',
  },
  'ready.failed': {
    at: ['warn'],
    means: 'A look at an engine failed, so the process says that it is not ready.',
    todo: 'Look at what `check` names.',
  },
  'realtime.ack_failed': {
    at: ['warn'],
    means: 'A device acknowledged a message, and this could not be noted.',
    todo: 'Nothing unless it repeats: the message goes another way, too. `cause` says why.',
  },
  'realtime.resumed': {
    at: ['info'],
    means: 'Broadcasts come again; listeners look up what they missed.',
    todo: NOTHING,
  },
  'registration.away': {
    at: ['warn'],
    means: 'This instance could not tell the registry that it is there; it tries again.',
    todo: 'Look at the registry, and whether its token may register services. Others find this instance until its check runs out.',
  },
  'registration.back': { at: ['info'], means: 'The registry knows this instance again.', todo: NOTHING },
  'registration.left': {
    at: ['warn'],
    means: 'This instance stopped and could not tell the registry.',
    todo: 'Nothing: its check runs out, and the registry takes it from the list by itself.',
  },
  'revocation_feed.away': {
    at: ['warn', 'error'],
    means: 'A verifier hears nothing of revocations; past PERFECT21_MAX_STALENESS it answers unavailable.',
    todo: '`detail` says why: the platform or the broker is away, or the service token is not taken.',
  },
  'revocation_feed.back': { at: ['info'], means: 'A verifier hears of revocations again.', todo: NOTHING },
  'revocations.gap': {
    at: ['warn'],
    means: 'A verifier missed something of its feed and reads all revocations anew.',
    todo: 'Nothing unless it repeats: look at the broker then.',
  },
  'revocations.readable': { at: ['info'], means: 'Revocations can be read from the store again.', todo: NOTHING },
  'revocations.reread_failed': {
    at: ['warn'],
    means: 'The look at the store that repairs what the feed missed failed.',
    todo: BY_ITSELF,
  },
  'revocations.unreadable': {
    at: ['warn'],
    means:
      'Revocations could not be read from the store; past PERFECT21_MAX_STALENESS tokens are answered unavailable.',
    todo: 'Look at the store.',
  },
  'schedule.failed': {
    at: ['warn'],
    means: 'Work that returns at an interval failed.',
    todo: 'Nothing unless it repeats: its next turn tries again. `schedule` names it.',
  },
  'seed.incomplete': {
    at: ['warn'],
    means: 'The accounts for development could not be made.',
    todo: '`cause` says why. Where nobody else can make them, calls are refused until one tries again and succeeds; a service that runs apart goes on without.',
  },
  'seed.no_administrator': {
    at: ['warn'],
    means: 'The data folder has credentials without a password for its administrator.',
    todo: 'As `detail` says.',
  },
  'seed.other_password': {
    at: ['warn'],
    means: 'The administrator of the development credentials has another password by now.',
    todo: 'As `detail` says.',
  },
  'start.apart': {
    at: ['warn'],
    means: 'Something about services that run apart looks wrong.',
    todo: 'As `detail` says.',
  },
  'start.open': {
    at: ['warn'],
    means: 'A port is open to other machines without protection.',
    todo: 'As `detail` says, or let only a proxy that speaks TLS reach it.',
  },
  'start.unknown': {
    at: ['warn'],
    means: 'A variable whose name begins with PERFECT21_ is no setting: what it was to set has its default.',
    todo: 'Spell it as `detail` asks, or take it away.',
  },
  'store.away': {
    at: ['error'],
    means: 'The store of the bridge does not answer; it carries nothing until it does.',
    todo: 'Look at the store. Events wait at their own side.',
  },
  'store.back': { at: ['info'], means: 'The store of the bridge answers again.', todo: NOTHING },
  'store.claims_freed': {
    at: ['info'],
    means: 'Messages that a process held which died are free for others.',
    todo: 'Find out why it died, if you did not end it.',
  },
  'store.commit_listener_failed': {
    at: ['error'],
    means: 'What was to happen at once after a commit threw; it happens a moment later.',
    todo: 'This is a fault of the platform: report it with `error`.',
  },
  'store.connection_lost': {
    at: ['warn'],
    means: 'An idle connection to PostgreSQL ended.',
    todo: 'Nothing during a restart of the database or its failover: others are opened.',
  },
  'store.freeing_failed': {
    at: ['debug'],
    means: 'A look for claims of dead processes failed.',
    todo: BY_ITSELF,
  },
  'store.migrated': { at: ['info'], means: 'The tables have the shape of this release.', todo: NOTHING },
  'store.owner_connection_lost': {
    at: ['warn'],
    means: 'The connection by which PostgreSQL knows that this process lives ended; another one is opened.',
    todo: 'Nothing during a restart of the database. Messages under way may be done by others, each once.',
  },
  'store.shape_unknown': {
    at: ['warn'],
    means: 'A function could not read which release the tables are of.',
    todo: 'Run `npx perfect21 migrate` after each deployment.',
  },
  'store.sweep_failed': {
    at: ['warn'],
    means: 'Records that are over could not be removed.',
    todo: 'Nothing unless it repeats: nobody sees them, and the next sweep removes them.',
  },
  'tls.kept': {
    at: ['warn'],
    means: 'A certificate or key was replaced by one that can’t be used; the old one stays in use.',
    todo: 'Put the files right before the old certificate is over: `cause` says what is wrong.',
  },
  'tls.replaced': { at: ['info'], means: 'A replaced certificate is in use.', todo: NOTHING },
  'tracing.export_failed': {
    at: ['warn'],
    means: 'The collector does not take spans. Requests do not wait for it; spans past what is held are dropped.',
    todo: 'Look at the collector that OTEL_EXPORTER_OTLP_ENDPOINT names.',
  },
  'tracing.export_recovered': { at: ['info'], means: 'The collector takes spans again.', todo: NOTHING },
} as const satisfies Record<string, LogKind>;

/** The codes that are written at a level. */
export type LogCode<L extends Level> = {
  [Code in keyof typeof LOGS]: L extends (typeof LOGS)[Code]['at'][number] ? Code : never;
}[keyof typeof LOGS];
