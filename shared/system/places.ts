import { adapter } from '../kit/adapter.ts';

/** Knows no place. For who has a geo database, an adapter of the same port stands here. */
export const noPlaces = adapter({ port: 'places', open: () => ({ port: { of: async () => undefined } }) });
