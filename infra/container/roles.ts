/** What each image is made of. */
export interface Role {
  /** Programs by the name that they have in /app: TypeScript from the top of the project. */
  programs: Readonly<Record<string, string>>;
  /** The program that the image runs. */
  runs: string;
  /** Packages that read files of their own, or are native: they stand beside the bundle as npm put them. */
  whole: readonly string[];
  /** Files and folders that are read where they lie in the project. */
  beside: readonly string[];
  /** Threads: bundled, each at its own place. */
  threads: readonly string[];
  /** MB of the young generation: what a program needs that makes much and keeps little. */
  semi_space: number;
  ports: readonly number[];
  /** The port whose `/readyz` says whether it is well, and the variable that moves it. */
  health: { port: number; variable: string };
  environment: Readonly<Record<string, string>>;
}

const GRPC = ['grpc-health-check', '@grpc/reflection'];
const DESCRIPTORS = 'proto/gen/descriptors.binpb';
/** glibc otherwise keeps what many threads once used. */
const EVERYWHERE = { NODE_ENV: 'production', MALLOC_ARENA_MAX: '2', PERFECT21_METRICS_HOST: '0.0.0.0' };

export const ROLES = {
  platform: {
    programs: { platform: 'infra/local/start.ts', perfect21: 'infra/operator/main.ts' },
    runs: 'platform',
    whole: [...GRPC, '@node-rs/argon2'],
    beside: [
      DESCRIPTORS,
      'proto/gen/asyncapi.json',
      // the API browser
      'node_modules/@fastify/swagger-ui/package.json',
      'node_modules/@fastify/swagger-ui/static',
      'infra/generated/resources.yml',
      'infra/generated/bridge.yml',
      'shared/passwords/generated/common-passwords.LICENSE',
    ],
    threads: ['shared/passwords/argon2-thread.ts'],
    semi_space: 8,
    ports: [8080, 50051, 8000],
    health: { port: 8080, variable: 'PERFECT21_HTTP_PORT' },
    environment: { ...EVERYWHERE, PERFECT21_HTTP_HOST: '0.0.0.0', PERFECT21_DATA_DIR: '/data' },
  },
  sidecar: {
    programs: { sidecar: 'infra/sidecar/sidecar.ts' },
    runs: 'sidecar',
    whole: GRPC,
    beside: [DESCRIPTORS],
    threads: [],
    semi_space: 8,
    ports: [50052, 8090, 8001],
    health: { port: 8090, variable: 'PERFECT21_HTTP_PORT' },
    environment: { ...EVERYWHERE, PERFECT21_HTTP_HOST: '0.0.0.0' },
  },
  bridge: {
    programs: { bridge: 'infra/local/bridge.ts' },
    runs: 'bridge',
    whole: [],
    beside: [],
    threads: [],
    semi_space: 4,
    ports: [8000],
    health: { port: 8000, variable: 'PERFECT21_METRICS_PORT' },
    environment: { ...EVERYWHERE, PERFECT21_DATA_DIR: '/data' },
  },
} as const satisfies Record<string, Role>;
export type RoleName = keyof typeof ROLES;
export const ROLE_NAMES = Object.keys(ROLES) as readonly RoleName[];

/** What Node is started with. The young generation begins as large as it may become: what a program makes while it grows is kept for long. */
export const startOf = ({ semi_space, runs }: Role): string[] => [
  `--max-semi-space-size=${semi_space}`,
  `--min-semi-space-size=${semi_space}`,
  `/app/${runs}.mjs`,
];
