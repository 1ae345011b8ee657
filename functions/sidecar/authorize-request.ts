import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { verdictOn } from './credential.ts';
import { RequestVerdict } from './verdict.ts';

/** Says whether a request may pass by its bearer token alone: for a gateway in front, which asks nobody for permissions. */
export const authorizeRequest = operation({
  name: 'sidecar.authorize-request',
  summary: 'Says for a gateway whether the bearer of a request is somebody',
  access: 'public',
  input: z.strictObject({ authorization: z.array(z.string()) }),
  output: RequestVerdict,
  needs: ['verifier', 'metrics'],
  run: (given, { authorization }, { trace }) => verdictOn(given, authorization, trace, () => undefined),
});
