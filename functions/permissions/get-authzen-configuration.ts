import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { EVALUATION, EVALUATIONS } from './authzen.ts';

/** Metadata of the policy decision point (AuthZEN Authorization API 1.0, section 9). */
export const getAuthzenConfiguration = operation({
  name: 'permissions.get-authzen-configuration',
  summary: 'Tells where decisions are asked for',
  http: { method: 'GET', path: '/.well-known/authzen-configuration', cache: 'public, max-age=3600' },
  access: 'public',
  input: z.strictObject({}),
  output: z.object({
    policy_decision_point: z.string(),
    access_evaluation_endpoint: z.string(),
    access_evaluations_endpoint: z.string(),
  }),
  needs: ['settings'],
  run: ({ settings: { public_url } }) => ({
    policy_decision_point: public_url,
    access_evaluation_endpoint: `${public_url}${EVALUATION.path}`,
    access_evaluations_endpoint: `${public_url}${EVALUATIONS.path}`,
  }),
});
