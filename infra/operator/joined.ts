/** A bus together with what a bridge has beside it: letters, comparison and mending of all, the rest of the bus alone. */
import type { BusOperations, Difference, LetterBox } from '../../shared/messaging/operate.ts';
import { Refusal } from './refusal.ts';

/** An error of a part in the words of that part: the bus could not explain it. */
const told =
  (part: Pick<BusOperations, 'explain'>) =>
  (cause: unknown): never => {
    throw new Refusal(part.explain(cause));
  };

const boxOf = (part: BusOperations, box: LetterBox): LetterBox => ({
  ...box,
  count: () => box.count().catch(told(part)),
  look: async function* () {
    try {
      yield* box.look();
    } catch (cause) {
      told(part)(cause);
    }
  },
  walk: (decide, done) => box.walk(decide, done).catch(told(part)),
});

/** What several parts tell alike is told once. */
const once = (all: readonly Difference[]): Difference[] => [
  ...new Map(all.map((each) => [`${each.kind} ${each.what}`, each])).values(),
];

/**
 * Joins a bus with parts of a bridge.
 *
 * @param letters of which parts the dead letters are others than those of the bus
 */
export const joined = (
  bus: BusOperations,
  parts: readonly { operations: BusOperations; letters: boolean }[],
): BusOperations => ({
  name: bus.name,
  publish: bus.publish,
  tail: bus.tail,
  explain: bus.explain,
  get letters() {
    const beside = parts.flatMap(({ operations, letters }) =>
      letters ? operations.letters.map((box) => boxOf(operations, box)) : [],
    );
    return [...bus.letters, ...beside];
  },
  compare: async () => {
    const own = await bus.compare();
    const others = [];
    for (const { operations } of parts) others.push(await operations.compare().catch(told(operations)));
    return { ...own, differences: once([own, ...others].flatMap(({ differences }) => differences)) };
  },
  apply: async (options) => {
    const done = [...(await bus.apply(options))];
    for (const { operations } of parts) done.push(...(await operations.apply(options).catch(told(operations))));
    return done;
  },
  close: async () => {
    await bus.close();
    for (const { operations } of parts) await operations.close();
  },
});
