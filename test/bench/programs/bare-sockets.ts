/** `ws` and nothing else, which tells its listeners as much as the platform does. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type WebSocket, WebSocketServer } from 'ws';
import { serve } from '../processes.ts';
import type { ServerOrder } from './realtime-server.ts';

const server = createServer();
const sockets = new WebSocketServer({ server, path: '/ws', perMessageDeflate: false, clientTracking: false });
const open: WebSocket[] = [];
sockets.on('connection', (socket) => {
  open.push(socket);
  socket.send(JSON.stringify({ id: '', type: 'hello', at: 1, data: {} }));
});
await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));

let made = 0;
const tell = (user: number): void => {
  made += 1;
  const id = `01890a5d-ac96-774b-bcce-${String(made).padStart(12, '0')}`;
  const text = 'The work that was planned for tonight is done. Nothing is left to do for you.';
  const data = { text, sent: performance.timeOrigin + performance.now() };
  open[user]!.send(JSON.stringify({ id, type: 'notification', at: 1, data }));
};

const push = async ({ users, rate, seconds }: { users: number; rate: number; seconds: number }): Promise<number> => {
  const started = performance.now();
  let sent = 0;
  for (let elapsed = 0; elapsed < seconds * 1_000; elapsed = performance.now() - started) {
    for (const due = (elapsed / 1_000) * rate; sent < due; sent += 1) tell(sent % users);
    await sleep(1);
  }
  return sent;
};

serve(async (order: Exclude<ServerOrder, { broadcast: unknown } | { commit: unknown }>) => {
  if (order === 'where') return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  if (order === 'memory') return process.memoryUsage().rss;
  // everybody is let in
  if ('tickets' in order) return Array.from({ length: order.tickets.count }, () => 'none');
  return push(order.push);
});
