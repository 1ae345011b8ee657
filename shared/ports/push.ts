import type { Channel, Perishable } from './channel.ts';

/** Where a device is reached: a browser's subscription (RFC 8030, RFC 8291), or an endpoint of an SNS application. */
export type PushTarget =
  | { kind: 'web'; endpoint: string; keys: { p256dh: string; auth: string } }
  | { kind: 'sns'; endpoint_arn: string };

export interface PushMessage extends Perishable {
  target: PushTarget;
  title: string;
  text: string;
  /** What opens when the message is touched. */
  url?: string;
  urgency: 'low' | 'normal' | 'high';
  /** Seconds that the message waits for a device that is off. */
  ttl: number;
  message_id: string;
}

/** Sends push messages, each to one device. */
export type Pusher = Channel<PushMessage>;

/** `applicationServerKey` for browsers that subscribe (RFC 8292), base64url; empty where Web Push is not set. */
export interface PushKey {
  readonly public_key: string;
}
