/** Thousands of listeners: they come, count what they are told and how late, and are told apart from those that failed. */
import { createHistogram } from 'node:perf_hooks';
import { WebSocket } from 'ws';
import { serve } from '../processes.ts';

export type ClientsOrder = { open: { url: string; tickets: readonly string[] } } | 'report';
export interface ClientsReport {
  frames: number;
  p50: number;
  p99: number;
  closed: number;
}

/** Connections that are being made at a time, as many as a listener's backlog holds. */
const AT_ONCE = 256;
let latencies = createHistogram();
let frames = 0;
let closed = 0;

const connect = (url: string, ticket: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/ws?ticket=${ticket}`, { perMessageDeflate: false });
    socket.on('message', (data) => {
      const { type, data: told } = JSON.parse(String(data));
      if (type === 'hello') return resolve(true);
      frames += 1;
      const late = performance.timeOrigin + performance.now() - told.sent;
      latencies.record(Math.max(1, Math.round(late * 1_000)));
    });
    socket.on('error', () => resolve(false));
    socket.on('close', () => {
      closed += 1;
      resolve(false);
    });
  });

serve(async (order: ClientsOrder) => {
  if (order === 'report') {
    const report = { frames, p50: latencies.percentile(50) / 1_000, p99: latencies.percentile(99) / 1_000, closed };
    [latencies, frames] = [createHistogram(), 0];
    return report;
  }
  const left = [...order.open.tickets];
  let failed = 0;
  const lane = async (): Promise<void> => {
    for (let ticket = left.pop(); ticket; ticket = left.pop())
      if (!(await connect(order.open.url, ticket))) failed += 1;
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return failed;
});
