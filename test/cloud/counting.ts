/** Counts what the packaged functions do in each flow: once with every function new, then warm. */
import { type Counted, type Counts, FLOWS, type FlowName, type Start, type Work } from '../../infra/cost/counts.ts';
import { type AwsClient, awsClient } from '../../shared/aws/client.ts';
import { MINUTE, preparePasses } from './flows.ts';
import { bytesLogged, seriesLogged } from './logged.ts';
import { type Meter, nothing } from './meter.ts';
import type { Stack } from './stack.ts';
import { standing } from './standing.ts';
import { bytesStored } from './stored.ts';

/** Of so many warm passes the least: others on the machine only add, and so does a look that time brings. */
const WARM = 2;
const RELAY = 'events-relay';
/** What the relay does with the lines of the audit log when the minute is over: a chain is made of them. */
const SEALING = `${RELAY}, next minute`;

const names = Object.keys(nothing()) as (keyof Work)[];
const each = (of: (name: keyof Work) => number): Work =>
  Object.fromEntries(names.map((name) => [name, of(name)])) as unknown as Work;
const least = (works: readonly Work[]): Work => each((name) => Math.min(...works.map((work) => work[name])));
const without = (all: Work, part: Work): Work => each((name) => Math.max(0, all[name] - part[name]));
const ms = (value: number): number => Math.round(value * 10) / 10;

const startOf = (cold: Work, warm: Work): Start => {
  const { cpu_ms, calls, reads, writes, kms, secrets } = without(cold, warm);
  return { cpu_ms: ms(cpu_ms), calls, reads, writes, kms, secrets };
};
const NO_START = startOf(nothing(), nothing());

const flowCounter = (stack: Stack, meter: Meter, stored: () => Promise<number>, series: Set<string>) => {
  const memory = new Map(stack.functions.map(({ key, memory }) => [key, memory]));
  let idle = nothing();

  return async (name: FlowName, pass: () => Promise<unknown>) => {
    const all: { works: Map<string, Work>; sealed: Work; bytes: number }[] = [];
    for (let n = 0; n <= WARM; n++) {
      const before = await stored();
      meter.taken();
      await pass();
      if (name !== 'minute') await stack.drain();
      const works = meter.taken();
      await stack.invoke(RELAY, MINUTE);
      const sealed = meter.taken().get(RELAY)!;
      all.push({ works, sealed, bytes: (await stored()) - before });
    }
    const said = await stack.cool();
    for (const text of said.values()) for (const one of seriesLogged(text)) series.add(one);
    const [cold, ...warm] = all;
    const flow: Record<string, Counted> = {};
    for (const [key, begun] of cold!.works) {
      const work = least(warm.map(({ works }) => works.get(key) ?? nothing()));
      // each pass had a minute's look of the relay
      const invoked = all.reduce((sum, { works }) => sum + (works.get(key)?.invocations ?? 0), 0);
      const looks = key === RELAY ? all.length : 0;
      const log_bytes = Math.round((bytesLogged(said.get(key)!) / (invoked + looks)) * work.invocations);
      flow[key] = {
        memory_mb: memory.get(key)!,
        ...work,
        cpu_ms: ms(work.cpu_ms),
        log_bytes,
        start: startOf(begun, work),
      };
    }
    if (name === 'minute') idle = least(warm.map(({ sealed }) => sealed));
    const sealing = without(least(warm.map(({ sealed }) => sealed)), idle);
    if (sealing.writes > 0) {
      flow[SEALING] = { memory_mb: memory.get(RELAY)!, ...sealing, cpu_ms: ms(sealing.cpu_ms), start: NO_START };
    }
    return { flow, bytes: Math.max(...warm.map(({ bytes }) => bytes)) };
  };
};

const hashesOf = (Properties: any): string[] =>
  (Properties.GlobalSecondaryIndexes ?? []).map(({ KeySchema }: any) => KeySchema[0].AttributeName);

/** Counts in a stack that nobody else uses. */
export const countAll = async (stack: Stack, meter: Meter): Promise<Counts> => {
  const client: AwsClient = awsClient('dynamodb', stack.dynamo.options);
  try {
    const tables = new Map(
      Object.values(stack.resources)
        .filter(({ Type }) => Type === 'AWS::DynamoDB::Table')
        .map(({ Properties }) => [Properties.TableName as string, hashesOf(Properties)]),
    );
    const passes = await preparePasses(stack, WARM + 1);
    await stack.drain();
    await stack.invoke(RELAY, MINUTE);
    await stack.cool();
    const series = new Set<string>();
    const count = flowCounter(stack, meter, () => bytesStored(client, tables), series);
    const flows: Partial<Record<FlowName, object>> = {};
    const stored: Partial<Record<FlowName, number>> = {};
    for (const name of FLOWS) {
      const { flow, bytes } = await count(name, passes[name]);
      flows[name] = flow;
      stored[name] = bytes;
    }
    return { flows, stored, metrics: series.size, template: standing(stack.resources) } as Counts;
  } finally {
    client.close();
  }
};
