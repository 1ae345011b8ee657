/** docs/cost.md, and the comparison in README.md: what a deployment costs, by what was counted and the price list. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCounts } from '../cost/counts.ts';
import { OTHERS } from '../cost/others.ts';
import { PRICES, REGION } from '../cost/prices.ts';
import { KEPT_MONTHS, PING_MINUTES, SIZES, TRACED, WAIT_MS } from '../cost/profile.ts';
import { beside, costs, markdown, profile, services, users, work } from '../cost/tables.ts';
import { type Generator, ROOT } from './files.ts';
import { withPart } from './markers.ts';

const README = 'README.md';
/** What a page for everybody shows of others. */
const BRIEFLY = OTHERS.filter(({ name }) => name !== 'Auth0 Free');

const prices = (): string[][] => [
  ['USD', 'for', 'source', 'read on'],
  ...Object.values(PRICES).map(({ usd, per, of, source, seen, ...more }) => [
    String(usd),
    `${per === 1 ? '' : `${per.toLocaleString('en-US')} `}${of}`,
    `[${new URL(source).pathname.split('/')[1]}](${source})${'via' in more ? `, by ${more.via}` : ''}`,
    seen,
  ]),
];

const others = (): string[][] => [
  ['list price', 'note', 'read on'],
  ...OTHERS.map(({ name, source, note, seen }) => [`[${name}](${source})`, note, seen]),
];

const page = (): string => {
  const counts = readCounts();
  return `# What it costs

Written by \`npm run generate\` from \`infra/cost\`; \`npm run cost\` prints the same. Prices are those of AWS in ${REGION} and of the
days below, **without any free allowance**. What the functions do was counted: each packaged function ran under Lambda's
Runtime API, and its calls, DynamoDB's units (indexes and transactions included), messages and log lines were counted from
the first request to the last event that followed. CI counts again and fails where a flow writes another unit or makes three more calls.

${markdown(costs(counts))}

An event is that of a login on its way: relay, bus, queues and the functions that handle it. A registration has its mail
and its verification. An hour of a WebSocket is what API Gateway asks for its minutes and for a ping with its answer each ${PING_MINUTES} minutes; the
function that answers a ping comes to that, about a validation without its request, and each message that is sent is one more. An idle month is what the stack costs when nobody calls, with what a year of that size has left in the tables.

## Beside others

${markdown(beside(counts))}

These are prices for users, with support and people who run it; ours is what AWS asks for, and somebody has to run it.

${markdown(others())}

## Where a month goes

${markdown(services(counts))}

## What was taken to be

- Each active user in a month: ${profile()}. Change \`infra/cost/profile.ts\` to your own. Services that judge tokens
  themselves (a sidecar, \`perfect21/grpc\`, a JWKS) pay nothing for a validation.
- New containers answer ${SIZES.map((size) => `${size.cold * 100} % of calls at ${users(size)} users`).join(', ')}.
- CPU is what the machine that counted took, at the share of a processor that the memory brings; Lambda's may take half as
  much or twice. A function waits ${WAIT_MS} ms for each call of another service, one after another.
- Each event comes alone: at load one call of a function takes up to a hundred, and costs the less.
- Before each validation the function asks for revocations; one that is called more than every two seconds asks less.
- X-Ray records the first call of each second and ${TRACED * 100} % of the others, every function by itself: the most that the
  sampling rule allows. \`PERFECT21_TRACING=off\` saves it all.
- All that a flow leaves in the tables is kept for ${KEPT_MONTHS} months, with backups; sessions and messages expire sooner, lines of the
  audit log later.
- Queues are asked by five pollers of Lambda each, all the time: Lambda asks with fewer only where concurrency is not bounded.

Not in it: traffic out of AWS and a CDN or firewall in front, text messages and push, failed logins and attacks, imports,
exports and searches, the bridge to RabbitMQ, processes outside of Lambda, AWS support, taxes, and people.

## What was counted

${markdown(work(counts))}

For one pass of each flow, warm. \`minute\` is the relay's look each minute; \`next minute\` is what it does then with the lines
that the flow wrote into the audit log. \`npm run cost -- --count\` counts again.

## Prices

${markdown(prices())}
`;
};

export const cost: Generator = {
  generate: () => [
    { path: 'docs/cost.md', content: page() },
    {
      path: README,
      content: withPart(
        readFileSync(join(ROOT, README), 'utf8'),
        'cost',
        markdown(beside(readCounts(), BRIEFLY)),
        README,
      ),
    },
  ],
};
