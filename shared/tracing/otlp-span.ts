/**
 * A span as it is recorded here and as OpenTelemetry's serializers read it. The SDK's own cleans, counts and copies what a
 * stranger may give it: two of them cost a request more than the request itself.
 */
import { type Attributes, type HrTime, type SpanContext, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { Span, SpanAttributes, Trace } from '../ports/tracer.ts';

/** Longer values are cut: names and templates of ours are shorter. */
const VALUE = 256;
const NONE: never[] = [];
/** As much of a value as is told. */
export const cut = <T extends string | number | boolean>(value: T): T =>
  typeof value === 'string' && value.length > VALUE ? (value.slice(0, VALUE) as T) : value;

/** What all spans of a process say of it. */
export interface Source {
  resource: Resource;
  instrumentationScope: { name: string };
}

/** What they share. */
export interface Origin extends Source {
  /** Takes what ended. */
  ended(span: RecordedSpan): void;
}

/** Apart by more milliseconds, the machine's clock was set; it is looked at so often. */
const [DRIFT_MS, LOOK_MS] = [2, 100];
let origin = performance.timeOrigin;
let looked = Number.NEGATIVE_INFINITY;
/** Unix time in microseconds, which rises where two steps of a call lie within a millisecond. */
const now = (): number => {
  const elapsed = performance.now();
  if (elapsed - looked > LOOK_MS) {
    looked = elapsed;
    const wall = Date.now();
    if (Math.abs(origin + elapsed - wall) > DRIFT_MS) origin = wall - elapsed;
  }
  return Math.round((origin + elapsed) * 1_000);
};

const hrTime = (us: number): HrTime => [Math.floor(us / 1e6), (us % 1e6) * 1_000];

export class RecordedSpan implements Span, ReadableSpan {
  readonly trace: Trace;
  readonly name: string;
  /** OpenTelemetry's number of it. */
  readonly kind: number;
  /** The span above it is one of another process. */
  readonly remote: boolean;
  /** Microseconds since 1970. */
  readonly started: number;
  /** 0 while it goes on. */
  over = 0;
  failed = false;
  /** What it was given at its start: mostly a frozen object, as others were. */
  given: SpanAttributes | undefined;
  /** What it says beside that: keys and values in turns. */
  readonly told: (string | number | boolean)[] = [];
  readonly #origin: Origin;

  constructor(
    from: Origin,
    trace: Trace,
    name: string,
    kind: number,
    remote: boolean,
    start: SpanAttributes | undefined,
  ) {
    this.#origin = from;
    this.trace = trace;
    this.name = name;
    this.kind = kind;
    this.remote = remote;
    this.given = start;
    this.started = now();
  }

  set(attributes: SpanAttributes): void {
    if (this.over) return;
    for (const key in attributes) this.#tell(key, attributes[key]!);
  }

  end(error?: string, failed = true): void {
    if (this.over) return;
    if (error !== undefined) {
      this.#tell('error.type', error);
      this.failed = failed;
    }
    this.over = Math.max(now(), this.started);
    this.#origin.ended(this);
  }

  #tell(key: string, value: string | number | boolean): void {
    const { told } = this;
    if (this.given && key in this.given) {
      const { given } = this;
      this.given = undefined;
      this.set(given);
    }
    for (let at = 0; at < told.length; at += 2) {
      if (told[at] === key) {
        told[at + 1] = cut(value);
        return;
      }
    }
    told.push(key, cut(value));
  }

  // what exporters read

  get traceId(): string {
    return this.trace.trace_id;
  }
  get spanId(): string {
    return this.trace.span_id;
  }
  get traceFlags(): TraceFlags {
    return TraceFlags.SAMPLED;
  }
  spanContext(): SpanContext {
    return this;
  }
  get parentSpanContext(): SpanContext | undefined {
    const { trace_id: traceId, parent_id: spanId } = this.trace;
    return spanId === undefined
      ? undefined
      : { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: this.remote };
  }
  get attributes(): Attributes {
    const { told, given = {} } = this;
    const start = Object.entries(given).map(([key, value]) => [key, cut(value)] as const);
    return Object.fromEntries([
      ...start,
      ...told.flatMap((key, at) => (at % 2 ? [] : [[key, told[at + 1]!] as const])),
    ]);
  }
  get status(): { code: SpanStatusCode } {
    return { code: this.failed ? SpanStatusCode.ERROR : SpanStatusCode.UNSET };
  }
  get startTime(): HrTime {
    return hrTime(this.started);
  }
  get endTime(): HrTime {
    return hrTime(this.over);
  }
  get duration(): HrTime {
    return hrTime(this.over - this.started);
  }
  get ended(): boolean {
    return this.over > 0;
  }
  get resource(): Resource {
    return this.#origin.resource;
  }
  get instrumentationScope(): { name: string } {
    return this.#origin.instrumentationScope;
  }
  get links(): never[] {
    return NONE;
  }
  get events(): never[] {
    return NONE;
  }
  get droppedAttributesCount(): number {
    return 0;
  }
  get droppedEventsCount(): number {
    return 0;
  }
  get droppedLinksCount(): number {
    return 0;
  }
}
