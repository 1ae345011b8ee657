import { collection } from '../../shared/ports/store.ts';

/** By user id: the names of the roles assigned. */
export const roleAssignments = collection<{ roles: string[] }>()('role_assignments');
