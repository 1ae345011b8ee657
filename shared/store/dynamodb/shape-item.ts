/** The item that says what the tables were shaped for. */
import type { Link } from './link.ts';
import { META } from './tables.ts';

/** Its id. */
export const SHAPE = 'schema';

export interface Shape {
  version: number;
  serves_from?: number;
  fingerprint: string;
}

/** What the tables were shaped for; undefined when nobody said so yet. */
export const shapeOf = async ({ db, attempt, table }: Link): Promise<Shape | undefined> => {
  const request = { TableName: table(META), Key: { id: SHAPE }, ConsistentRead: true };
  return (await attempt(() => db.get(request))).Item as Shape | undefined;
};
