/** Dead letters as the filters of a command choose them. */
import type { Letter } from '../../shared/messaging/operate.ts';
import type { Option, Values } from './command.ts';
import type { Operator } from './operator.ts';

export const FILTERS: Readonly<Record<string, Option>> = {
  from: { type: 'string', value: '<queue>', help: 'only letters of this queue' },
  id: { type: 'string', value: '<message_id>', help: 'only letters of this event' },
  type: { type: 'string', value: '<type>', help: 'only events of this type' },
  limit: { type: 'string', value: '<n>', help: 'so many at most' },
  prefix: { type: 'string', value: '<name>', help: 'on EventBridge: what the queues of the deployment begin with' },
};

export const matches = ({ from, id, type }: Values, letter: Letter): boolean =>
  (from === undefined || letter.from === from) &&
  (id === undefined || letter.id === id) &&
  (type === undefined || letter.type === type);

export const boxesOf = async ({ bus }: Operator, { from, prefix }: Values) => {
  const { letters } = await bus({ prefix: prefix as string | undefined });
  return letters.filter((box) => from === undefined || box.from === undefined || box.from === from);
};

/** The letters that the filters choose, oldest first. */
export const find = async (operator: Operator, values: Values): Promise<Letter[]> => {
  const boxes = await boxesOf(operator, values);
  const found = await Promise.all(
    boxes.map(async (box) => {
      const own: Letter[] = [];
      for await (const letter of box.look()) if (matches(values, letter)) own.push(letter);
      return own;
    }),
  );
  return found.flat().sort((one, other) => one.since - other.since);
};

/** All but the payload. */
export const headOf = ({ payload: _, since, ...letter }: Letter, now: number) => ({
  ...letter,
  ...(since > 0 && {
    parked_at: new Date(since).toISOString(),
    age_seconds: Math.max(0, Math.floor((now - since) / 1000)),
  }),
});
