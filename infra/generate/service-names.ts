/** The names of the services, for code that must not know functions/: what runs a service, and what tells of it. */
import { serviceNames } from '../../functions/index.ts';
import { banner, type GeneratedFile } from './files.ts';

export const serviceNamesFile = {
  generate: (): readonly GeneratedFile[] => [
    {
      path: 'shared/config/generated/service-names.ts',
      content: [
        banner('service-names.ts').replace('the table of operations', 'functions/index.ts'),
        '/** By the folder of a service: what it is called in events, metrics, traces and registries. */',
        'export const SERVICES = {',
        ...Object.entries(serviceNames).map(([folder, name]) => `  ${folder}: '${name}',`),
        '} as const;',
        '',
      ].join('\n'),
    },
  ],
  owns: ['shared/config/generated'],
};
