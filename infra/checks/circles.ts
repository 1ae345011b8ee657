/** Files that import each other in a circle, types included: none of them can be read, moved or tested alone. */
import type { Import } from './imports.ts';

/** The circles of a graph: its strongly connected parts of more than one node (Tarjan, 1972), sorted. */
export const circlesOf = (edges: ReadonlyMap<string, readonly string[]>): string[][] => {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const open: string[] = [];
  const circles: string[][] = [];
  const visit = (node: string): void => {
    order.set(node, order.size);
    lowest.set(node, order.get(node)!);
    open.push(node);
    for (const next of edges.get(node) ?? []) {
      if (!order.has(next)) visit(next);
      // what is not open any more belongs to another part
      if (open.includes(next)) lowest.set(node, Math.min(lowest.get(node)!, lowest.get(next)!));
    }
    if (lowest.get(node) !== order.get(node)) return;
    const part = open.splice(open.indexOf(node));
    if (part.length > 1) circles.push(part.sort());
  };
  for (const node of edges.keys()) if (!order.has(node)) visit(node);
  return circles;
};

/** One line a circle. */
export const importCircles = (imports: ReadonlyMap<string, readonly Import[]>): string[] =>
  circlesOf(new Map([...imports].map(([file, all]) => [file, all.map(({ to }) => to)]))).map(
    (files) => `${files.join(' and ')} import each other in a circle`,
  );
