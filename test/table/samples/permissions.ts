import { verified } from '../../e2e/world.ts';
import { asService, type Samples } from './sample.ts';

export const permissions: Samples = {
  'permissions.get-effective': asService(async (world) => ({ user_id: (await verified(world)).user_id })),
  'permissions.remove-roles': asService(async (world) => ({ user_id: (await verified(world)).user_id })),
  'permissions.assign-role': asService(async (world) => ({
    user_id: (await verified(world)).user_id,
    role: 'admin',
  })),
};
