/** Who may do what at the tables: the IAM side of `reads`, `writes` and `emits`. */
import { MESSAGES, META } from './tables.ts';

export interface TableStatement {
  actions: readonly string[];
  /** Without the prefix: `users` is the table `<prefix>-users`, `users/index/*` its indexes. */
  resources: readonly string[];
}

export interface TableUse {
  /** Names of collections. */
  reads?: Iterable<string>;
  writes?: Iterable<string>;
  /** `enqueue` for what emits events, `consume` for relay and workers, who take and settle messages too. */
  messages?: 'enqueue' | 'consume';
}

const READ = ['dynamodb:GetItem', 'dynamodb:BatchGetItem'];
const WRITE = ['dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem', 'dynamodb:ConditionCheckItem'];
const ENQUEUE = ['dynamodb:UpdateItem'];
const CONSUME = [
  'dynamodb:GetItem',
  'dynamodb:Query',
  'dynamodb:UpdateItem',
  'dynamodb:PutItem',
  'dynamodb:DeleteItem',
];

/**
 * The least rights for a use of the store. A transaction needs the rights of its parts and none of its own.
 *
 * @example statements({ reads: ['users'], writes: ['sessions'], messages: 'enqueue' })
 */
export const statements = ({ reads = [], writes = [], messages }: TableUse): TableStatement[] => {
  const written = [...new Set(writes)].sort();
  const read = [...new Set([...reads, ...written])].sort();
  return [
    // the version of the whole, looked at when the store is opened and by its health check
    { actions: ['dynamodb:GetItem'], resources: [META] },
    ...(read.length
      ? [
          { actions: READ, resources: read },
          { actions: ['dynamodb:Query'], resources: read.map((name) => `${name}/index/*`) },
        ]
      : []),
    ...(written.length ? [{ actions: WRITE, resources: written }] : []),
    ...(messages ? [{ actions: messages === 'enqueue' ? ENQUEUE : CONSUME, resources: [MESSAGES] }] : []),
  ];
};
