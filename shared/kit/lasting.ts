/** Outputs that are answered again and again and never change: each is checked once, and written once. */

/** What was made of an output: as its operation's schema leaves it, and that as JSON. */
interface Made {
  by?: object;
  checked?: unknown;
  json?: string;
}

// by the output as it was made, and by what the schema left of it
const known = new WeakMap<object, Made>();

const freeze = (value: unknown): void => {
  if (typeof value !== 'object' || value === null) return;
  for (const each of Object.values(value)) freeze(each);
  Object.freeze(value);
};

/**
 * Says of an output that it is given more than once: it is frozen with all that is in it, and whoever asks gets the same.
 * For plain data of one operation that hangs on something kept anyway, such as the verdict of a token.
 *
 * @example const answer = lasting({ valid: true, permissions }); known.set(verdict, answer); return answer;
 */
export const lasting = <T extends object>(output: T): T => {
  freeze(output);
  known.set(output, {});
  return output;
};

/** An output as `check` leaves it, which is asked once of one that lasts. @param by whose check it is: another's has its own */
export const checkedOnce = <T>(output: unknown, by: object, check: (output: unknown) => T): T => {
  const made = typeof output === 'object' && output !== null ? known.get(output) : undefined;
  if (!made || (made.by ?? by) !== by) return check(output);
  if (!made.by) {
    const checked = check(output);
    freeze(checked);
    made.by = by;
    made.checked = checked;
    if (typeof checked === 'object' && checked !== null) known.set(checked, made);
  }
  return made.checked as T;
};

/** A checked output as JSON, written once of one that lasts. */
export const jsonOf = (checked: unknown): string => {
  const made = typeof checked === 'object' && checked !== null ? known.get(checked) : undefined;
  if (!made) return JSON.stringify(checked);
  made.json ??= JSON.stringify(checked);
  return made.json;
};
