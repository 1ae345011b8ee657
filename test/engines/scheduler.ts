/** A small double of EventBridge Scheduler: CreateSchedule over REST JSON with its refusals, and time in a test's hands. */
import { type Fault, fault, startDouble } from './double.ts';

export interface Schedule {
  name: string;
  group: string;
  /** Unix ms. */
  at: number;
  target: string;
  role: string;
  input: string;
}

const AT = /^at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)$/;

/** Starts the double on a free port. `deliver` gets what a target would, when `pass` says that it is time. */
export const startScheduler = async (options: {
  groups: readonly string[];
  deliver(target: string, input: string): Promise<void>;
}) => {
  const schedules = new Map<string, Schedule>();
  const create = (name: string, body: any): object => {
    if (!/^[0-9a-zA-Z-_.]{1,64}$/.test(name)) throw fault('ValidationException', 'Name', 400);
    const { GroupName = 'default', ScheduleExpression, ScheduleExpressionTimezone, FlexibleTimeWindow, Target } = body;
    if (!options.groups.includes(GroupName)) throw fault('ResourceNotFoundException', `no group ${GroupName}`, 404);
    const [, time] = AT.exec(ScheduleExpression) ?? [];
    if (!time) throw fault('ValidationException', 'Invalid Schedule Expression', 400);
    if (ScheduleExpressionTimezone !== 'UTC') throw fault('ValidationException', 'only UTC here', 400);
    if (FlexibleTimeWindow?.Mode !== 'OFF') throw fault('ValidationException', 'FlexibleTimeWindow', 400);
    // one that stays after it rang counts to the quota for ever
    if (body.ActionAfterCompletion !== 'DELETE') throw fault('ValidationException', 'it would stay', 400);
    if (!/^arn:/.test(Target?.Arn) || !/^arn:.*:role\//.test(Target?.RoleArn)) {
      throw fault('ValidationException', 'Target', 400);
    }
    const key = `${GroupName}/${name}`;
    if (schedules.has(key)) throw fault('ConflictException', `Schedule ${name} already exists.`, 409);
    const { Arn: target, RoleArn: role, Input: input = '' } = Target;
    schedules.set(key, { name, group: GroupName, at: Date.parse(`${time}Z`), target, role, input });
    return { ScheduleArn: `arn:aws:scheduler:eu-central-1:111122223333:schedule/${key}` };
  };

  const double = await startDouble(async (body, request, response) => {
    response.setHeader('content-type', 'application/json');
    try {
      const [, name] = /^\/schedules\/([^/?]+)$/.exec(request.url ?? '') ?? [];
      if (request.method !== 'POST' || !name) throw fault('ResourceNotFoundException', `${request.url}`, 404);
      if (!/\/scheduler\/aws4_request,/.test(request.headers.authorization ?? '')) {
        throw fault('AccessDeniedException', 'not signed', 403);
      }
      response.end(JSON.stringify(create(decodeURIComponent(name), JSON.parse(body.toString()))));
    } catch (thrown) {
      const { type, status, message } = thrown as Fault;
      response.statusCode = status ?? 500;
      response.setHeader('x-amzn-errortype', type ?? 'InternalServerException');
      response.end(JSON.stringify({ Message: message }));
    }
  });
  return {
    ...double,
    waiting: (): Schedule[] => [...schedules.values()],
    /** Rings and removes every schedule that is due at a time, unix ms. */
    pass: async (now: number): Promise<void> => {
      for (const [key, { at, target, input }] of schedules) {
        if (at > now) continue;
        schedules.delete(key);
        await options.deliver(target, input);
      }
    },
  };
};
