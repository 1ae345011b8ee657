/** What others ask for monthly active users: list prices, read on the dates given. */

/** Users up to a number, each at a price. */
export interface Tier {
  up_to: number;
  usd: number;
}

/** USD of a month in tiers. @example tiered([{ up_to: 10, usd: 0 }, { up_to: Infinity, usd: 2 }], 12) // 4 */
export const tiered = (tiers: readonly Tier[], users: number): number => {
  let [sum, below] = [0, 0];
  for (const { up_to, usd } of tiers) {
    sum += Math.max(0, Math.min(users, up_to) - below) * usd;
    below = up_to;
  }
  return sum;
};

export interface Other {
  name: string;
  /** USD of a month with so many active users, or what the list says instead. */
  month(users: number): number | string;
  source: string;
  seen: string;
  note: string;
}

const FREE = { up_to: 10_000, usd: 0 };
const rest = (usd: number): Tier => ({ up_to: Number.POSITIVE_INFINITY, usd });
const LITE: readonly Tier[] = [FREE, { up_to: 100_000, usd: 0.0055 }, { up_to: 1_000_000, usd: 0.0046 }, rest(0.00325)];

const cognito = (plan: string, tiers: readonly Tier[], note: string): Other => ({
  name: `Cognito ${plan}`,
  month: (users) => tiered(tiers, users),
  source: 'https://aws.amazon.com/cognito/pricing/',
  seen: '2026-09-20',
  note,
});

/** The plans of the page are sold from 500 users on; what more users cost a slider and its salespeople say. */
const auth0 = (plan: string, from: number): Other => ({
  name: `Auth0 ${plan}, ${from} for 500`,
  month: () => 'not listed',
  source: 'https://auth0.com/pricing',
  seen: '2026-09-20',
  note: `B2C, $${from} for up to 500 users, ${(from / 500).toFixed(2)} each; what more users cost is not in the list`,
});

export const OTHERS: readonly Other[] = [
  cognito(
    'Lite',
    LITE,
    'without passkeys and codes by mail; that its tiers end at 100,000 and 1,000,000 fits the example of the page, which names no bounds',
  ),
  cognito('Essentials', [FREE, rest(0.015)], 'the plan of new user pools'),
  cognito('Plus', [rest(0.02)], 'with threat protection; nothing free'),
  {
    name: 'Auth0 Free',
    month: (users) => (users <= 25_000 ? 0 : '–'),
    source: 'https://auth0.com/pricing',
    seen: '2026-09-20',
    note: 'up to 25,000 users; without roles and with less of a second factor',
  },
  auth0('Essentials', 35),
  auth0('Professional', 240),
];
