/** A WebSocket client of a test: what it was told, and how it ended. */
import { WebSocket } from 'ws';
import { issueTicket } from '../../../functions/notifications/issue-ticket.ts';
import { expectOk, type World } from '../../e2e/world.ts';
import { until } from '../http/harness.ts';

export interface Told {
  id: string;
  type: string;
  at: number;
  data: Record<string, any>;
}

export interface HeardSocket {
  socket: WebSocket;
  frames: Told[];
  /** Resolves when it is over. */
  closed: Promise<{ code: number; reason: string }>;
  /** Resolves to the frame of a type that comes first, or came. */
  frame(type: string): Promise<Told>;
}

/** Opens a socket at an address. */
export const hear = (
  url: string,
  options: { origin?: string; autoPong?: boolean; headers?: Record<string, string> } = {},
): HeardSocket => {
  const socket = new WebSocket(url, options);
  const frames: Told[] = [];
  socket.on('message', (data) => frames.push(JSON.parse(String(data))));
  socket.on('error', () => {});
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once('close', (code, reason) => resolve({ code, reason: String(reason) }));
  });
  const frame = async (type: string): Promise<Told> => {
    await until(() => frames.some((each) => each.type === type));
    return frames.find((each) => each.type === type)!;
  };
  return { socket, frames, closed, frame };
};

/** The address of the socket of a platform. @example socketUrl('http://localhost:8080', { ticket }) */
export const socketUrl = (url: string, query: Record<string, string>): string =>
  `${url.replace(/^http/, 'ws')}/ws?${new URLSearchParams(query)}`;

export const ticketOf = async (world: World, token: string): Promise<string> => {
  const { ticket } = await expectOk(world.call(issueTicket, {}, { token }));
  return ticket;
};
