/** The question whether somebody may do something, and its answer, as they are sent. */
import * as z from 'zod';
import { REASONS } from './decide.ts';
import { UserId } from './model.ts';

const Name = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_.-]{0,63}$/, 'Use 1 to 64 of A-Z, a-z, 0-9, _, . and -, a letter first');

/** What is asked. */
export const Question = {
  resource: Name.meta({ examples: ['docs'] }),
  action: Name.meta({ examples: ['read'] }),
  scope: z.string().max(128).optional().meta({ description: '`own`, `team:<id>`, `any`, or a scope of your own' }),
  context: z
    .record(z.string().max(64), z.union([z.string().max(1_024), z.number(), z.boolean()]))
    .refine((context) => Object.keys(context).length <= 50, 'At most 50 entries')
    .default({})
    .meta({
      description: 'For conditions. `resource.<name>` is an attribute of the resource; `owner_id` says whose it is',
    }),
};
export const CheckPermissionRequest = z.strictObject({ user_id: UserId, ...Question });
export const CheckPermissionResponse = z.object({
  allowed: z.boolean(),
  reason: z.enum(REASONS),
  applied_policies: z.array(z.string()).meta({ description: 'What decided: `role:…`, `grant:…`, `policy:…`' }),
});
