/**
 * Dead letters of RabbitMQ's side for a function that does not speak AMQP: it hands them to the one that does, through
 * the queue between them, which puts them into `perfect21.dead`.
 */
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Delivered } from './from-rabbitmq.ts';

/** What fits into a message of SQS, in bytes of its body. */
const MOST = 1_000_000;

export interface RabbitLetter {
  content: Buffer;
  properties: Delivered['properties'];
  attempts: number;
  reason: string;
  /** The queue that it was in, and when it was given up (ISO 8601 UTC). */
  from: string;
  parked_at: string;
}

/** The body of an SQS message that carries a letter. Of a content that does not fit even packed only its length is told. */
export const packLetter = ({ content, ...rest }: RabbitLetter): string => {
  const body = JSON.stringify({ letter: { ...rest, content: gzipSync(content).toString('base64') } });
  if (body.length <= MOST) return body;
  const told = Buffer.from(`${content.length} bytes, which did not fit into a message of SQS`);
  return JSON.stringify({ letter: { ...rest, content: gzipSync(told).toString('base64') } });
};

/** The letter in a body; undefined when it is none. */
export const unpackLetter = (body: string): RabbitLetter | undefined => {
  try {
    const { letter } = JSON.parse(body) as { letter?: Omit<RabbitLetter, 'content'> & { content: string } };
    if (typeof letter?.content !== 'string' || typeof letter.reason !== 'string') return undefined;
    return { ...letter, content: gunzipSync(Buffer.from(letter.content, 'base64')) };
  } catch {
    return undefined;
  }
};
