/**
 * Plugin of serverless.yml that releases functions step by step (canaries.ts). After the one that hardens: a version is made of
 * what that one changed, too.
 */
import { readFileSync } from 'node:fs';
import { addCanaries } from './aliases.ts';
import { canariesOf } from './canaries.ts';
import { askedFor, harden } from './harden-plugin.ts';
import type { Template } from './template.ts';
import { readZip } from './zip.ts';

interface Serverless {
  service: {
    service: string;
    provider: { compiledCloudFormationTemplate: Template };
    functions: Record<string, { package?: { artifact?: string } }>;
  };
  getProvider(name: 'aws'): { getStage(): string };
  classes: { Error: new (message: string, code: string) => Error };
}

export default class CanaryPlugin {
  readonly hooks: Record<string, () => void>;

  constructor(serverless: Serverless, { force }: { force?: boolean }) {
    const { service, classes } = serverless;
    const run = (): void => {
      try {
        const template = service.provider.compiledCloudFormationTemplate;
        addCanaries(template, canariesOf(process.env), {
          prefix: `${service.service}-${serverless.getProvider('aws').getStage()}`,
          files: (key) => readZip(readFileSync(service.functions[key]!.package!.artifact!)),
          ...(force && { restart: new Date().toISOString() }),
        });
        // a role came with it
        harden(template.Resources, askedFor(process.env));
      } catch (cause) {
        throw new classes.Error((cause as Error).message, 'CANARIES');
      }
    };
    // when the template has our roles, and before it is written
    this.hooks = { 'after:aws:package:finalize:mergeCustomProviderResources': run };
  }
}
