/** The floors of shared/: a room imports from its own floor and from those below, types included, and never in a circle. */
import { circlesOf } from './circles.ts';
import type { Import } from './imports.ts';

/** From the ground up. What stands on one floor may import each other one way round. */
const FLOORS: readonly (readonly string[])[] = [
  ['ports'],
  ['kit', 'config'],
  ['aws', 'store', 'messaging', 'keys', 'passwords', 'delivery', 'tracing', 'metrics', 'system', 'grpc', 'conditions'],
  ['calls', 'doors', 'documents'],
  ['process'],
];
const FLOOR = new Map(FLOORS.flatMap((rooms, floor) => rooms.map((room) => [room, floor] as const)));

/** `kit` of `shared/kit/operation.ts`; undefined outside of shared/. */
const roomOf = (file: string): string | undefined => /^shared\/([^/]+)\//.exec(file)?.[1];

/** What may look up: an adapter says which settings it reads, and Config is one of the words of the ground floor. */
const upwards = ({ from, to }: Import): string[] => {
  const [room, other] = [roomOf(from), roomOf(to)];
  if (!room) return [];
  const floor = FLOOR.get(room);
  if (floor === undefined) return [`${from} stands in a room without a floor: list it in infra/checks/floors.ts`];
  return other && (FLOOR.get(other) ?? 0) > floor ? [`${from} imports ${to}: ${other} stands above ${room}`] : [];
};

/** Imports against the floors, and rooms that import each other; one line each. */
export const floorOffences = (imports: ReadonlyMap<string, readonly Import[]>): string[] => {
  const all = [...imports.values()].flat();
  const rooms = new Map<string, string[]>();
  for (const { from, to } of all) {
    const [room, other] = [roomOf(from), roomOf(to)];
    if (room && other && room !== other) rooms.set(room, [...(rooms.get(room) ?? []), other]);
  }
  const circles = circlesOf(rooms).map((each) => `the rooms ${each.join(' and ')} import each other in a circle`);
  return [...all.flatMap(upwards), ...circles];
};
