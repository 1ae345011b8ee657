/** Whether the tables take writes. */
import type { Link } from './link.ts';
import { isConditionFailed } from './retry.ts';
import { META } from './tables.ts';

/** The item of no health check: there is none, so its update is refused after everything that a write has to pass. */
export const PING = 'ping';

export const ping = async ({ db, attempt, table }: Link): Promise<void> => {
  const request = {
    TableName: table(META),
    Key: { id: PING },
    UpdateExpression: 'SET #asked = :asked',
    ConditionExpression: 'attribute_exists(#id)',
    ExpressionAttributeNames: { '#id': 'id', '#asked': 'asked' },
    ExpressionAttributeValues: { ':asked': 1 },
  };
  try {
    await attempt(() => db.update(request));
  } catch (error) {
    if (!isConditionFailed(error)) throw error;
  }
};
