/** `npm run start:apart`: the five services and a sidecar as processes, which find each other by each kind of discovery in turn. */
import { SERVICE_NAMES } from '../../shared/config/services.ts';
import { type Deployment, startDeployment } from './apart/deployment.ts';
import { type Engines, startEngines } from './apart/engines.ts';
import { contractLayout, discoveryBy, KINDS, type Kind, type Layout } from './apart/layout.ts';
import { prove } from './apart/proof.ts';
import { stopsBySignal } from './stopping.ts';
import { table } from './table.ts';

const USAGE = `npm run start:apart [-- ${KINDS.join('|')}]: the services as processes, with one RabbitMQ and one PostgreSQL

Without a kind of discovery each is shown in turn, and the last one stays up. Nothing is kept.
`;

const kindsOf = (words: readonly string[]): readonly Kind[] => {
  if (words.includes('--help') || words.includes('-h')) {
    process.stdout.write(USAGE);
    process.exit(0);
  }
  const strange = words.find((word) => !(KINDS as readonly string[]).includes(word));
  if (strange !== undefined || words.length > 1) {
    process.stderr.write(`npm run start:apart takes one of ${KINDS.join(', ')}, or nothing\n`);
    process.exit(2);
  }
  return words.length === 1 ? (words as readonly Kind[]) : KINDS;
};

const map = ({ url, credentials }: Deployment, layout: Layout): string =>
  table([
    ['REST', `${url}/api/v1, which leads to:`],
    ...SERVICE_NAMES.map((name): [string, string] => {
      const { http, grpc, metrics } = layout.services[name];
      return [
        `  ${name}`,
        `http://127.0.0.1:${http}  gRPC 127.0.0.1:${grpc}  metrics http://127.0.0.1:${metrics}/metrics`,
      ];
    }),
    ['sidecar', `http://127.0.0.1:${layout.sidecar.http}/verify  gRPC 127.0.0.1:${layout.sidecar.grpc}`],
    ['mailbox', `http://localhost:${layout.mailbox}`],
    ['administrator', `${credentials.admin.email} ${credentials.admin.password}`],
  ]);

const say = (text: string): void => void process.stdout.write(text);
const kinds = kindsOf(process.argv.slice(2));
const layout = contractLayout();
let engines: Engines | undefined;
let deployment: Deployment | undefined;
const end = stopsBySignal(async () => {
  say('\nstopping: finishing what is in flight\n');
  await deployment?.stop();
  await engines?.close();
  say('stopped\n');
});
try {
  say('starting PostgreSQL, RabbitMQ, Consul and DNS\n');
  engines = await startEngines(layout, { LOG_LEVEL: 'warn' });
  for (const [at, kind] of kinds.entries()) {
    const since = performance.now();
    deployment = await startDeployment(kind, engines);
    const refused = await prove(deployment, layout);
    const ms = Math.round(performance.now() - since);
    say(
      `\nfound by ${kind} (${discoveryBy(kind, layout, engines.registries).DISCOVERY_URL}): ready and proven in ${ms} ms;`,
    );
    say(` a logout was known at the sidecar after ${Math.round(refused)} ms\n\n${map(deployment, layout)}\n`);
    if (at < kinds.length - 1) await deployment.stop();
  }
  say('\nCtrl-C drains and stops all.\n');
} catch (thrown) {
  process.stderr.write(`the services can't be started apart: ${(thrown as Error).message}\n`);
  await end(1);
}
