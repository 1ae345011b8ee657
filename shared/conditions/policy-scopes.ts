/** Where the permission service is near: it decides each question, with all policies. */
import { adapter } from '../kit/adapter.ts';

export const everyPolicy = adapter({ port: 'policyScopes', open: () => ({ port: { concern: () => true } }) });
