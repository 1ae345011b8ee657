/** What a connection may ask of a process. Times are milliseconds, sizes bytes. */
export interface SocketLimits {
  /** Of one client address; IPv6: of its /64. Multiplied as bounds on requests are. */
  of_address: number;
  /** Of those who come, how many are let in at a time, and how long the others wait: tickets live for 30 s. */
  entering: number;
  waiting_ms: number;
  /** Of a message that comes in. */
  message: number;
  /** Messages and control frames that come in within a second. */
  per_second: number;
  /** What waits to be written before the next row is asked for. */
  behind: number;
  /** Until a connection that is told to close is cut. */
  closing_ms: number;
  /** In which those that a stop sends away come back, each at a time of its own. */
  return_ms: number;
}

export const SOCKET_LIMITS: SocketLimits = {
  of_address: 2_000,
  entering: 16,
  waiting_ms: 20_000,
  message: 4_096,
  per_second: 50,
  behind: 64 * 1_024,
  closing_ms: 2_000,
  return_ms: 5_000,
};
