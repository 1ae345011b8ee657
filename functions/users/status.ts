/** The states of an account, and which may follow which. */

/** In the order of their numbers in proto/user_service.proto. */
export const USER_STATUSES = ['pending_verification', 'active', 'locked', 'suspended', 'deleted'] as const;
export type UserStatus = (typeof USER_STATUSES)[number];

/** Which status may follow which when an administrator says so. */
export const NEXT_STATUSES: Readonly<Record<UserStatus, readonly UserStatus[]>> = {
  pending_verification: ['active', 'suspended', 'deleted'],
  active: ['locked', 'suspended', 'deleted'],
  locked: ['active', 'suspended', 'deleted'],
  suspended: ['active', 'deleted'],
  deleted: [],
};
