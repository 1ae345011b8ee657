/** Who may do what at the tables: the IAM side of `reads`, `writes` and `emits`. */
import { MESSAGES, META } from './tables.ts';

export interface TableStatement {
  actions: readonly string[];
  /** Without the prefix: `users` is the table `<prefix>-users`, `users/index/by_status` an index of it. */
  resources: readonly string[];
}

export interface TableUse {
  /** Names of collections. */
  reads?: Iterable<string>;
  writes?: Iterable<string>;
  /** Those that are only added to. */
  appends?: Iterable<string>;
  /** Of the written ones, those that are only counted in. */
  counts?: Iterable<string>;
  /** The lists that are read: `<collection>.<index>`. */
  queries?: Iterable<string>;
  /** `look` for the health check, `enqueue` for what emits events, `consume` for relay and workers, who take and settle messages too. */
  messages?: 'look' | 'enqueue' | 'consume';
}

const READ = ['dynamodb:GetItem', 'dynamodb:BatchGetItem'];
const WRITE = ['dynamodb:PutItem', 'dynamodb:DeleteItem', 'dynamodb:ConditionCheckItem'];
/** A counter that there is no more is put anew. */
const COUNT = ['dynamodb:PutItem', 'dynamodb:UpdateItem'];
const ENQUEUE = ['dynamodb:UpdateItem'];
const LOOK = ['dynamodb:Query'];
const CONSUME = [
  'dynamodb:GetItem',
  'dynamodb:Query',
  'dynamodb:UpdateItem',
  'dynamodb:PutItem',
  'dynamodb:DeleteItem',
];

const MESSAGE_RIGHTS = { look: LOOK, enqueue: ENQUEUE, consume: CONSUME };

/**
 * The least rights for a use of the store. A transaction needs the rights of its parts and none of its own.
 *
 * @example statements({ reads: ['users'], queries: ['users.by_status'], writes: ['sessions'], messages: 'enqueue' })
 */
export const statements = ({
  reads = [],
  writes = [],
  appends = [],
  counts = [],
  queries = [],
  messages,
}: TableUse): TableStatement[] => {
  const counted = new Set(counts);
  const written = [...new Set(writes)].sort();
  const declared = new Set(reads);
  const read = [...new Set([...declared, ...written.filter((name) => !counted.has(name))])].sort();
  // whoever reads a counter may also end it, which takes the version that was read
  const only = (name: string): boolean => counted.has(name) && !declared.has(name);
  const listed = [...new Set(queries)].sort().map((name) => name.replace('.', '/index/'));
  const allow = (actions: readonly string[], resources: readonly string[]): TableStatement[] =>
    resources.length ? [{ actions, resources }] : [];
  return [
    // the version of the whole, looked at when the store is opened
    { actions: ['dynamodb:GetItem'], resources: [META] },
    ...allow(READ, read),
    ...allow(['dynamodb:Query'], listed),
    ...allow(
      WRITE,
      written.filter((name) => !only(name)),
    ),
    ...allow(
      ['dynamodb:PutItem'],
      [...new Set(appends)].filter((name) => !written.includes(name)),
    ),
    ...allow(COUNT, written.filter(only)),
    ...allow(
      ['dynamodb:UpdateItem'],
      written.filter((name) => counted.has(name) && !only(name)),
    ),
    ...(messages ? [{ actions: MESSAGE_RIGHTS[messages], resources: [MESSAGES] }] : []),
  ];
};
