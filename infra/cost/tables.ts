/** The figures as rows, which the command prints and the pages show. */
import { type Bill, eventBill, idleBill, monthBill, passBill, socketBill, total } from './bill.ts';
import type { Counts, FlowName } from './counts.ts';
import { OTHERS, type Other } from './others.ts';
import { LIST_MADE } from './prices.ts';
import { PROFILE, SIZES, type Size } from './profile.ts';

export type Row = readonly string[];

const MILLION = 1e6;

/** Dollars for people: cents below ten, whole ones from there. @example money(1234.5) // '1,235' */
export const money = (usd: number): string =>
  usd.toLocaleString('en-US', {
    minimumFractionDigits: usd < 10 ? 2 : 0,
    maximumFractionDigits: usd < 10 ? 2 : 0,
  });

export const users = ({ users }: Size): string => users.toLocaleString('en-US');

const bySize = (name: string, of: (size: Size) => number): Row => [name, ...SIZES.map((size) => money(of(size)))];

/** Its first row is its head. Dollars for a million of each, and for months. */
export const costs = (counts: Counts): Row[] => {
  const million = (name: string, flow: FlowName): Row =>
    bySize(name, (size) => total(passBill(counts, flow, size)) * MILLION);
  return [
    ['USD, with active users a month', ...SIZES.map(users)],
    million('a million validations', 'validation'),
    million('a million logins', 'login'),
    million('a million registrations', 'registration'),
    bySize('a million events', (size) => total(eventBill(counts, size)) * MILLION),
    million('a million refreshes', 'refresh'),
    million('a million logouts', 'logout'),
    bySize('a million hours of a WebSocket', () => total(socketBill()) * MILLION),
    bySize('an idle month', (size) => total(idleBill(counts, size))),
    bySize('a month', (size) => total(monthBill(counts, size))),
  ];
};

const said = (value: number | string): string => (typeof value === 'number' ? money(value) : value);

/** A month of ours beside a month of others. */
export const beside = (counts: Counts, others: readonly Other[] = OTHERS): Row[] => [
  ['USD a month, with active users', ...SIZES.map(users), 'read on'],
  ['**perfect21**, what AWS asks', ...SIZES.map((size) => money(total(monthBill(counts, size)))), LIST_MADE],
  ...others.map(
    ({ name, month, source, seen }): Row => [
      `[${name}](${source})`,
      ...SIZES.map((size) => said(month(size.users))),
      seen,
    ],
  ),
];

/** Where a month goes, service by service, the dearest of the largest size first. */
export const services = (counts: Counts): Row[] => {
  const bills = SIZES.map((size): Bill => monthBill(counts, size));
  const last = bills.at(-1)!;
  const names = Object.keys(last).sort((a, b) => last[b]! - last[a]!);
  return [
    ['USD of a month, with active users', ...SIZES.map(users)],
    ...names.map((name): Row => [name, ...bills.map((bill) => money(bill[name]!))]),
  ];
};

/** What each function of a flow was counted to do. */
export const work = (counts: Counts): Row[] => [
  ['flow', 'function', 'CPU ms', 'calls', 'read units', 'write units', 'KMS', 'SQS', 'events', 'mails', 'log bytes'],
  ...Object.entries(counts.flows).flatMap(([flow, functions]) =>
    Object.entries(functions).map(
      ([name, each]): Row =>
        [
          flow,
          name,
          ...[
            each.cpu_ms,
            each.calls,
            each.reads,
            each.writes,
            each.kms,
            each.sqs,
            each.events,
            each.mails,
            each.log_bytes,
          ],
        ].map(String),
    ),
  ),
];

/** How often a user does what. */
export const profile = (): string =>
  Object.entries(PROFILE)
    .map(([name, n]) => `${name} ${n}`)
    .join(', ');

export const markdown = ([head, ...rows]: readonly Row[]): string =>
  [head!, head!.map((_, n) => (n === 0 ? '---' : '--:')), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

/** For a terminal: columns, the first to the left. */
export const plain = (rows: readonly Row[]): string => {
  const widths = rows[0]!.map((_, n) => Math.max(...rows.map((row) => row[n]!.length)));
  return rows
    .map((row) => row.map((cell, n) => (n === 0 ? cell.padEnd(widths[n]!) : cell.padStart(widths[n]!))).join('  '))
    .join('\n');
};
