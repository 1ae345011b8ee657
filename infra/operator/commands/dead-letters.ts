/** `dlq list`, `show`, `replay` and `drop`. */
import type { Fate, Letter } from '../../../shared/messaging/operate.ts';
import { type Command, countOf, type Values } from '../command.ts';
import { boxesOf, FILTERS, find, headOf, matches } from '../letters.ts';
import type { Operator } from '../operator.ts';
import { age, masked, plain } from '../output.ts';
import { Refusal, UsageError } from '../refusal.ts';

const SHOWN = 100;

const list: Command = {
  name: 'dlq list',
  summary: 'Lists dead letters, oldest first, with ids, types, queues, tries, age and reason, never a payload.',
  options: FILTERS,
  run: async (operator, values) => {
    const limit = countOf(values, 'limit') ?? SHOWN;
    const found = await find(operator, values);
    const now = (await operator.light()).clock.now();
    const chosen = found.slice(0, limit);
    operator.out.rows(
      chosen.map((letter) => headOf(letter, now)),
      ['ID', 'TYPE', 'QUEUE', 'TRIES', 'AGE', 'REASON'],
      chosen.map(({ id, type = '-', from, attempts, since, reason }) => [
        ...[id, type, from, String(attempts ?? '-'), since > 0 ? age(now - since) : '-', reason],
      ]),
    );
    if (found.length > limit) operator.out.note(`${found.length - limit} more: --limit ${found.length}`);
    if (found.length === 0) operator.out.note('no dead letters');
    return 0;
  },
};

const show: Command = {
  name: 'dlq show',
  positionals: '<message_id>',
  summary: 'Prints a dead letter with its payload; tokens, codes and other secrets are masked.',
  options: {
    from: FILTERS.from!,
    prefix: FILTERS.prefix!,
    unmask: { type: 'boolean', help: 'secrets as they are (sealed, where the platform seals them)' },
  },
  run: async (operator, values, [id]) => {
    const found = await find(operator, { ...values, id });
    if (found.length === 0) throw new Refusal(`there is no dead letter ${id}`);
    const now = (await operator.light()).clock.now();
    for (const letter of found) {
      const payload = values.unmask ? letter.payload : masked(letter.payload);
      const whole = { ...headOf(letter, now), payload };
      operator.out.row(whole, JSON.stringify(whole, null, 2));
    }
    return 0;
  },
};

const DONE: Readonly<Record<'replay' | 'drop', string>> = { replay: 'replayed', drop: 'dropped' };

/** Does the same with every letter that the filters choose. */
const settle = async (operator: Operator, values: Values, fate: 'replay' | 'drop'): Promise<number> => {
  const { out, signal } = operator;
  const limit = countOf(values, 'limit') ?? Number.POSITIVE_INFINITY;
  const boxes = await boxesOf(operator, values);
  const counts = await Promise.all(boxes.map((box) => box.count()));
  const total = counts.reduce((sum, count) => sum + count, 0);
  const counted = { done: 0, kept: 0, chosen: 0 };
  const progress = out.progress(total, 'looked at');
  const decide = (letter: Letter): Fate | 'stop' => {
    if (signal.aborted || counted.chosen >= limit) return 'stop';
    progress.step();
    if (!matches(values, letter)) return 'keep';
    counted.chosen++;
    return fate;
  };
  const done = ({ id, from, type }: Letter, what: Fate, failure?: string): void => {
    if (what === 'keep') counted.kept++;
    else counted.done++;
    const result = what === 'keep' ? 'kept' : DONE[what];
    if (out.json) out.row({ id, from, type, result, reason: failure }, '');
    else if (what === 'keep') out.note(plain(`kept ${id} of ${from}: ${failure}`));
  };
  try {
    // each waits for its own queue
    await Promise.all(boxes.map((box) => box.walk(decide, done)));
  } finally {
    progress.end();
  }
  if (!out.json) out.row({}, `${counted.done} ${DONE[fate]}`);
  const unmet = values.id !== undefined && counted.chosen === 0;
  if (unmet) out.note(`there is no dead letter ${plain(String(values.id))}`);
  // letters of a queue that the code has no more are found all the same
  const { from } = values;
  const unknown =
    from !== undefined &&
    counted.chosen === 0 &&
    !operator.knows(String(from)) &&
    !boxes.some((box) => box.from === from);
  if (unknown)
    out.note(`there is no queue ${plain(String(from))}: "perfect21 dlq list" shows those that have dead letters`);
  return unmet || unknown || counted.kept > 0 || signal.aborted ? 1 : 0;
};

const replay: Command = {
  name: 'dlq replay',
  summary: 'Puts dead letters back into the queues that they came from, with all their tries before them.',
  details: ['Killed at any moment it loses none: a letter is taken away only after its queue has it.'],
  options: FILTERS,
  run: (operator, values) => settle(operator, values, 'replay'),
};

const drop: Command = {
  name: 'dlq drop',
  summary: 'Removes dead letters for good.',
  options: { ...FILTERS, all: { type: 'boolean', help: 'all of them, where no filter chooses some' } },
  run: (operator, values) => {
    if (!values.all && !values.from && !values.id && !values.type) {
      throw new UsageError('say which: --id, --from or --type, or --all');
    }
    return settle(operator, values, 'drop');
  },
};

export const deadLetterCommands: readonly Command[] = [list, show, replay, drop];
