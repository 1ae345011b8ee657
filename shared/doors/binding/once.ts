/** Header fields that say who asks and whom: said twice, two readers may believe different ones. */

/**
 * The name of such a field that stands twice, if one does.
 *
 * @param raw names and values in turn, as Node gives them
 * @example saidTwice(['Host', 'a', 'host', 'b']) // 'host'
 */
export const saidTwice = (raw: readonly string[]): 'authorization' | 'host' | undefined => {
  let host = false;
  let authorization = false;
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]!;
    // lengths first: this is looked at for every request
    if (name.length === 4 && name.toLowerCase() === 'host') {
      if (host) return 'host';
      host = true;
    } else if (name.length === 13 && name.toLowerCase() === 'authorization') {
      if (authorization) return 'authorization';
      authorization = true;
    }
  }
  return undefined;
};
