/** A service of the platform. */
import type { Operation } from './operation.ts';

export interface Service {
  readonly name: string;
  readonly operations: readonly Operation<any, any>[];
}

/** A service: its operations, each of which must be named `<service>.…`. */
export const service = (name: string, operations: readonly Operation<any, any>[]): Service => {
  for (const { name: full } of operations) {
    if (!full.startsWith(`${name}.`)) throw new Error(`operation ${full} stands in service ${name}`);
  }
  return { name, operations };
};
