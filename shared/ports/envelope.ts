/** An event on its way: words that the kit, the ports and every bus share. */

/** The envelope of the contract, section 4, as it travels on every bus. */
export interface Envelope<D = Record<string, unknown>> {
  message_id: string;
  message_type: string;
  /** ISO 8601 UTC. */
  timestamp: string;
  source_service: string;
  correlation_id?: string;
  user_id?: string;
  data: D;
  /** `version` of the payload, `traceparent` of the emitting span, and what bridges and delays add. */
  metadata?: { version?: number; traceparent?: string; not_before?: string; [key: string]: unknown };
}

/** The body of an outbox row: what to publish and how. */
export interface OutboxBody {
  envelope: Envelope;
  routing_key: string;
  priority: number;
}
