/** What is recorded of the steps of a call. */

/** The part of a trace that travels (https://www.w3.org/TR/trace-context/), and who records it here. */
export interface Trace {
  /** 32 lower-case hex digits. */
  trace_id: string;
  /** This process's span, 16 lower-case hex digits. */
  span_id: string;
  /** The caller's span, if there was one. */
  parent_id?: string;
  sampled: boolean;
  /** Who records the spans below this one; absent where nobody does. It does not travel. */
  tracer?: Tracer;
}

/** As OpenTelemetry tells spans apart: who began, who answered, and what passes a queue. */
export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer';

/**
 * What a span says, by the names of OpenTelemetry's semantic conventions where they have one. Values are names, templates,
 * numbers and ids of ours; never a secret, an address, a raw path or a payload.
 */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

export interface Span {
  /** What goes on from here: its `span_id` is this span's. Without a `tracer` nothing is recorded, and nothing has to be ended. */
  readonly trace: Trace;
  set(attributes: SpanAttributes): void;
  /** Ends it. `error` is the kind of failure (an error's code or name, never its message); `failed: false` says that the failure is the caller's. */
  end(error?: string, failed?: boolean): void;
}

/**
 * Records what a process does, step by step, as spans of traces (https://opentelemetry.io/docs/specs/otel/trace/).
 *
 * A process that is not told where to send spans has none of these: its port is absent, and nothing is paid for it.
 */
export interface Tracer {
  /** What stands behind store and bus, for `db.system.name` and `messaging.system`. */
  readonly system: { readonly store: string; readonly bus: string };
  /**
   * Begins a span. `parent` is a `traceparent` header, whatever it holds, or a trace of this process; absent, a trace begins.
   * Whether it is recorded is decided here, and for a span within another one as it was for that. Attributes that are the same
   * for many spans are better one frozen object, which is written once.
   */
  start(name: string, kind: SpanKind, parent: string | Trace | undefined, attributes?: SpanAttributes): Span;
}
