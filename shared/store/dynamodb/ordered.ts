/** One ordered list from the partitions of a hash: of each no more is read than the page may need. */
import type { QueryCommandInput, QueryCommandOutput } from '@aws-sdk/lib-dynamodb';

type Item = Record<string, any>;
type Ask = (request: QueryCommandInput) => Promise<Pick<QueryCommandOutput, 'Items' | 'LastEvaluatedKey'>>;

const MOST = 1_000;

/** What one partition holds, in order, read as far as it is looked at. */
export class Ordered {
  readonly #ask: Ask;
  readonly #request: QueryCommandInput;
  #size: number;
  #items: Item[] = [];
  #at = 0;
  #ended = false;

  /** @param wanted of all `partitions` together, over which records are spread evenly */
  constructor(ask: Ask, request: QueryCommandInput, wanted: number, partitions: number) {
    this.#ask = ask;
    this.#request = { ...request };
    this.#size = Math.min(MOST, partitions === 1 ? wanted : 2 * Math.ceil(wanted / partitions));
  }

  /** The next item, which stays the next until it is taken; undefined at the end. */
  async head(): Promise<Item | undefined> {
    while (this.#at === this.#items.length && !this.#ended) {
      const { Items = [], LastEvaluatedKey } = await this.#ask({ ...this.#request, Limit: this.#size });
      [this.#items, this.#at] = [Items, 0];
      this.#request.ExclusiveStartKey = LastEvaluatedKey;
      this.#ended = LastEvaluatedKey === undefined;
      this.#size = Math.min(this.#size * 2, MOST);
    }
    return this.#items[this.#at];
  }

  take(): void {
    this.#at += 1;
  }
}

/** The first `count` items of all lists together, ordered by the bytes of a text attribute. */
export const firstOf = async (
  lists: readonly Ordered[],
  count: number,
  attribute: string,
  order: 'asc' | 'desc',
): Promise<Item[]> => {
  const entryOf = async (list: Ordered) => {
    const item = await list.head();
    return item && { list, item, key: Buffer.from(item[attribute] as string) };
  };
  const comes = order === 'asc' ? -1 : 1;
  const found: Item[] = [];
  const heads = (await Promise.all(lists.map(entryOf))).filter((head) => head !== undefined);
  while (heads.length && found.length < count) {
    let next = 0;
    for (let n = 1; n < heads.length; n++) {
      if (Buffer.compare(heads[n]!.key, heads[next]!.key) === comes) next = n;
    }
    const { list, item } = heads[next]!;
    found.push(item);
    list.take();
    // nothing is read for what is not shown
    const head = found.length < count ? await entryOf(list) : undefined;
    if (head) heads[next] = head;
    else heads.splice(next, 1);
  }
  return found;
};
