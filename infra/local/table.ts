/** Rows of a name and what belongs to it, in two columns. @example table([['REST', 'http://localhost:8080/api/v1']]) */
export const table = (rows: readonly (readonly [string, string])[]): string => {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, where]) => `  ${name.padEnd(width)}  ${where}`).join('\n');
};
