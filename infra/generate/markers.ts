/** Generated parts of written pages, between `<!-- generated:<name> -->` and `<!-- /generated:<name> -->`. */

/**
 * The page with `body` between its markers. Throws when one is missing.
 * @example withPart('<!-- generated:x --><!-- /generated:x -->', 'x', 'new', 'docs/x.md')
 */
export const withPart = (text: string, name: string, body: string, path: string): string => {
  const [open, close] = [`<!-- generated:${name} -->`, `<!-- /generated:${name} -->`];
  const [from, to] = [text.indexOf(open), text.indexOf(close)];
  if (from === -1 || to < from) throw new Error(`${path} has no ${open} … ${close}`);
  return `${text.slice(0, from + open.length)}\n\n${body}\n\n${text.slice(to)}`;
};
