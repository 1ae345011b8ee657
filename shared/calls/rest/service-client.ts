/** REST between services, by the numbers of the architecture document: what `perfect21/rest` gives. */
import type { ClientTls } from '../../grpc/tls.ts';
import { AppError, ERRORS, type ErrorCode, toAppError } from '../../kit/errors.ts';
import { continueTrace, traceparent } from '../../kit/trace.ts';
import { RetryBudget, repeated } from '../attempts.ts';
import { Ejections } from '../discovery/ejections.ts';
import { type Candidate, type Policy, roundRobin } from '../discovery/policies.ts';
import { within } from '../within.ts';
import { type Agents, agents } from './agents.ts';
import { type Answer, exchange, NoAnswer } from './exchange.ts';

export { AppError, type ErrorCode } from '../../kit/errors.ts';
export type { Answer } from './exchange.ts';

/** Of one try, ms. */
const TRY_MS = 5_000;
/** Methods that may be done twice (RFC 9110, 9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);
/** The instance, or what stands before it, is not well. */
const UNWELL: ReadonlySet<number> = new Set([502, 503, 504]);

export interface ServiceClientOptions {
  /** Base URLs of the instances by name of a service, or what gives those of now. */
  services: Readonly<Record<string, readonly string[]>> | ((service: string) => Promise<readonly string[]>);
  /** A service token, or what gives the one of now. */
  token?: string | (() => string | undefined);
  tls?: ClientTls;
  policy?: () => Policy;
  /** Told when an instance failed three times in a row and is passed over for 30 s. */
  ejected?: (service: string, url: string) => void;
}

export interface RequestOptions {
  /** Sent as JSON. */
  body?: unknown;
  query?: Readonly<Record<string, string>>;
  headers?: Readonly<Record<string, string>>;
  /** Of one try, ms; 5 s when left out. */
  try_ms?: number;
  /** Unix ms after which nobody waits, for all tries together. */
  deadline?: number;
  signal?: AbortSignal;
  traceparent?: string;
  /** What the request is about, for policies that go by it. */
  key?: string;
}

interface Instance extends Candidate {
  calls: number;
}

/** A problem (RFC 9457) of the platform keeps its code; any other refusal has that of its status. */
const errorOf = ({ status, body, headers }: Answer): AppError => {
  const { code, detail, errors } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, any>;
  const ofStatus = Object.entries(ERRORS).find(([, { http }]) => http === status)?.[0] as ErrorCode | undefined;
  const known = typeof code === 'string' && Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : undefined;
  const after = Number(headers['retry-after']);
  const away = UNWELL.has(status) ? 'unavailable' : undefined;
  return new AppError(known ?? ofStatus ?? away ?? (status < 500 ? 'invalid_request' : 'internal'), {
    ...(typeof detail === 'string' && { detail }),
    ...(Array.isArray(errors) && { errors }),
    ...(after > 0 && { retry_after: after }),
    cause: new Error(`HTTP ${status}`),
  });
};

/**
 * Calls services over REST: 5 s a try, three tries with growing pauses, 100 sockets in all and 20 of one host, kept open;
 * instances in turn, and one that failed three times in a row left alone for 30 s.
 *
 * Tried again is what was never sent, and what may be done twice by its method, while most calls succeed.
 *
 * @example
 * const client = new ServiceClient({ services: { 'user-service': ['http://10.0.0.8:8081'] }, token });
 * const { body } = await client.request('user-service', 'GET', `/api/v1/users/${id}`);
 * client.close();
 */
export class ServiceClient {
  readonly #options: ServiceClientOptions;
  readonly #agents: Agents;
  readonly #ejections = new Ejections(Date.now);
  readonly #instances = new Map<string, Instance>();
  readonly #services = new Map<string, { policy: Policy; budget: RetryBudget }>();

  constructor(options: ServiceClientOptions) {
    this.#options = options;
    this.#agents = agents(options.tls);
  }

  /** @throws AppError with the code of the platform's problem; `unavailable`, `deadline_exceeded` or `cancelled` without an answer */
  async request(service: string, method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const { deadline: until = Number.POSITIVE_INFINITY, signal } = options;
    const { policy, budget } = this.#of(service);
    const tried = new Set<string>();
    let repeatable = true;
    const attempt = async (): Promise<Answer> => {
      const instance = await this.#choose(service, policy, options.key ?? path, tried);
      try {
        return await this.#try(service, instance, method, path, options);
      } catch (thrown) {
        const { cause } = thrown as { cause?: unknown };
        repeatable = IDEMPOTENT.has(method) || (cause instanceof NoAnswer && !cause.sent);
        throw thrown;
      }
    };
    const again = (thrown: unknown): boolean => {
      const { code } = toAppError(thrown);
      return repeatable && (code === 'unavailable' || (code === 'deadline_exceeded' && Date.now() < until));
    };
    return within(repeated(attempt, { budget, until, again, signal }), until, signal);
  }

  close(): void {
    this.#agents.close();
  }

  #of(service: string): { policy: Policy; budget: RetryBudget } {
    const own = this.#services.get(service) ?? {
      policy: (this.#options.policy ?? roundRobin)(),
      budget: new RetryBudget(),
    };
    this.#services.set(service, own);
    return own;
  }

  async #choose(service: string, policy: Policy, key: string, tried: Set<string>): Promise<Instance> {
    const { services } = this.#options;
    const urls = typeof services === 'function' ? await services(service) : (services[service] ?? []);
    const all = urls.map((address) => {
      const instance = this.#instances.get(address) ?? { address, calls: 0 };
      this.#instances.set(address, instance);
      return instance;
    });
    const remaining = this.#ejections.remaining(all);
    const untried = [remaining, all].map((list) => list.filter(({ address }) => !tried.has(address)));
    const candidates = [...untried, all].find(({ length }) => length > 0);
    if (!candidates) throw new AppError('unavailable', { cause: new Error(`no address of ${service} is known`) });
    const chosen = policy(candidates, key);
    tried.add(chosen.address);
    return chosen;
  }

  async #try(
    service: string,
    instance: Instance,
    method: string,
    path: string,
    options: RequestOptions,
  ): Promise<Answer> {
    const { try_ms = TRY_MS, deadline = Number.POSITIVE_INFINITY, signal, body, query, headers } = options;
    const { token } = this.#options;
    const left = Math.max(0, Math.min(try_ms, deadline - Date.now()));
    const late = AbortSignal.timeout(Math.ceil(left));
    const url = new URL(
      `${instance.address.replace(/\/$/, '')}${path}${query ? `?${new URLSearchParams(query)}` : ''}`,
    );
    const shown = typeof token === 'function' ? token() : token;
    const sent = {
      accept: 'application/json',
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(shown && { authorization: `Bearer ${shown}` }),
      traceparent: traceparent(continueTrace(options.traceparent)),
      ...headers,
    };
    instance.calls += 1;
    try {
      const answer = await exchange(url, {
        method,
        headers: sent,
        ...(body !== undefined && { body: JSON.stringify(body) }),
        agent: this.#agents.of(url.protocol),
        signal: signal ? AbortSignal.any([signal, late]) : late,
      });
      if (UNWELL.has(answer.status)) this.#failed(service, instance);
      else this.#ejections.succeeded(instance.address);
      if (answer.status >= 400) throw errorOf(answer);
      return answer;
    } catch (thrown) {
      if (!(thrown instanceof NoAnswer)) throw thrown;
      if (signal?.aborted) throw new AppError('cancelled');
      // a try that had little time says nothing of the instance
      if (!thrown.late || left >= Math.min(TRY_MS, try_ms)) this.#failed(service, instance);
      throw new AppError(thrown.late ? 'deadline_exceeded' : 'unavailable', { cause: thrown });
    } finally {
      instance.calls -= 1;
    }
  }

  #failed(service: string, { address }: Instance): void {
    if (this.#ejections.failed(address)) this.#options.ejected?.(service, address);
  }
}
