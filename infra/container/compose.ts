/** `compose.yaml`: the platform and the sidecar with PostgreSQL, RabbitMQ, Prometheus, Grafana and Jaeger on one machine. */

import { imageOf, type Role } from '../kubernetes/cluster.ts';
import { imageFault } from '../kubernetes/guard.ts';
import { ROLES } from './roles.ts';

/** What ours says of the compose specification (https://github.com/compose-spec/compose-spec). */
interface ComposeService {
  image: string;
  build?: { context: string; dockerfile: string };
  environment?: Record<string, string>;
  command?: string[];
  ports?: string[];
  volumes?: string[];
  tmpfs?: string[];
  depends_on?: Record<string, { condition: 'service_started' | 'service_healthy' }>;
  healthcheck?: { test: string[]; interval: string; timeout: string; retries: number };
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
  stop_grace_period?: string;
  restart?: 'unless-stopped';
  mem_limit?: string;
  profiles?: string[];
}
export interface Compose {
  name: string;
  services: Record<string, ComposeService>;
  volumes: Record<string, null>;
}

/** A variable without which nothing starts: there is no default password. */
const asked = (name: string): string => `\${${name}:?set ${name}}`;
const HARD: Pick<ComposeService, 'cap_drop' | 'security_opt' | 'restart'> = {
  cap_drop: ['ALL'],
  security_opt: ['no-new-privileges:true'],
  restart: 'unless-stopped',
};
/** On this machine only. */
const here = (port: number, inside = port): string => `127.0.0.1:${port}:${inside}`;

const own = (role: Role): ComposeService => ({
  image: imageOf(role),
  build: { context: '../..', dockerfile: `infra/container/${role}.Containerfile` },
  ports: ROLES[role].ports.map((port) => here(port)),
  read_only: true,
  stop_grace_period: '40s',
  ...HARD,
});
const healthy = { condition: 'service_healthy' } as const;
const well = (...test: string[]) => ({ test: ['CMD', ...test], interval: '5s', timeout: '5s', retries: 20 });

export const compose: Compose = {
  name: 'perfect21',
  services: {
    platform: {
      ...own('platform'),
      environment: {
        STORE_URL: `postgres://perfect21:${asked('POSTGRES_PASSWORD')}@postgres:5432/perfect21`,
        BUS_URL: `amqp://perfect21:${asked('RABBITMQ_PASSWORD')}@rabbitmq:5672`,
        RABBITMQ_QUEUE_TYPE: 'quorum',
        PERFECT21_SECRET: asked('PERFECT21_SECRET'),
        // biome-ignore lint/suspicious/noTemplateCurlyInString: compose fills it in
        PERFECT21_PUBLIC_URL: '${PERFECT21_PUBLIC_URL:-http://localhost:8080}',
        MAIL_URL: asked('MAIL_URL'),
        MAIL_FROM: asked('MAIL_FROM'),
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://jaeger:4318',
      },
      volumes: ['data:/data'],
      depends_on: { postgres: healthy, rabbitmq: healthy },
      mem_limit: '768m',
    },
    // when "perfect21 bootstrap" has shown its token: docker compose --profile sidecar up
    sidecar: {
      ...own('sidecar'),
      profiles: ['sidecar'],
      environment: {
        SIDECAR_ORIGIN: 'http://platform:8080',
        SIDECAR_FEED: 'grpc://platform:50051',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: compose fills it in
        PERFECT21_SERVICE_TOKEN: '${PERFECT21_SERVICE_TOKEN:-}',
      },
      depends_on: { platform: healthy },
      mem_limit: '192m',
    },
    postgres: {
      image: 'postgres:17.11',
      environment: {
        POSTGRES_USER: 'perfect21',
        POSTGRES_DB: 'perfect21',
        POSTGRES_PASSWORD: asked('POSTGRES_PASSWORD'),
        POSTGRES_INITDB_ARGS: '--auth-host=scram-sha-256 --data-checksums',
      },
      volumes: ['postgres:/var/lib/postgresql/data'],
      healthcheck: well('pg_isready', '-U', 'perfect21'),
      restart: 'unless-stopped',
    },
    rabbitmq: {
      image: 'rabbitmq:4.0.9',
      environment: { RABBITMQ_DEFAULT_USER: 'perfect21', RABBITMQ_DEFAULT_PASS: asked('RABBITMQ_PASSWORD') },
      volumes: ['rabbitmq:/var/lib/rabbitmq'],
      healthcheck: well('rabbitmq-diagnostics', '-q', 'check_port_connectivity'),
      restart: 'unless-stopped',
    },
    prometheus: {
      image: 'prom/prometheus:v2.53.3',
      command: ['--config.file=/etc/prometheus/prometheus.yml', '--storage.tsdb.retention.time=15d'],
      ports: [here(9090)],
      volumes: [
        './observability/prometheus.yml:/etc/prometheus/prometheus.yml:ro',
        '../prometheus/rules.yml:/etc/prometheus/rules.yml:ro',
        'prometheus:/prometheus',
      ],
      ...HARD,
    },
    grafana: {
      image: 'grafana/grafana:11.4.0',
      environment: {
        GF_SECURITY_ADMIN_PASSWORD: asked('GRAFANA_PASSWORD'),
        GF_AUTH_ANONYMOUS_ENABLED: 'false',
        GF_ANALYTICS_REPORTING_ENABLED: 'false',
      },
      ports: [here(3001, 3000)],
      volumes: [
        './observability/grafana:/etc/grafana/provisioning:ro',
        '../grafana:/var/lib/grafana/dashboards:ro',
        'grafana:/var/lib/grafana',
      ],
      depends_on: { prometheus: { condition: 'service_started' } },
      ...HARD,
    },
    jaeger: { image: 'jaegertracing/all-in-one:1.62.0', ports: [here(16686)], tmpfs: ['/tmp'], ...HARD },
  },
  volumes: { data: null, postgres: null, rabbitmq: null, prometheus: null, grafana: null },
};

/** Prometheus and Grafana in it. */
export const observability = {
  'prometheus.yml': {
    global: { scrape_interval: '15s', evaluation_interval: '15s' },
    rule_files: ['/etc/prometheus/rules.yml'],
    scrape_configs: [
      {
        job_name: 'perfect21',
        static_configs: [{ targets: [`platform:${ROLES.platform.ports[2]}`, `sidecar:${ROLES.sidecar.ports[2]}`] }],
      },
    ],
  },
  'grafana/datasources/prometheus.yml': {
    apiVersion: 1,
    datasources: [
      { name: 'Prometheus', type: 'prometheus', access: 'proxy', url: 'http://prometheus:9090', isDefault: true },
    ],
  },
  'grafana/dashboards/perfect21.yml': {
    apiVersion: 1,
    providers: [
      { name: 'perfect21', type: 'file', options: { path: '/var/lib/grafana/dashboards' }, allowUiUpdates: false },
    ],
  },
} as const;

/** @throws Error with the first image that is no release, in one line */
export const judged = (file: Compose): Compose => {
  for (const [name, { image }] of Object.entries(file.services)) {
    const fault = imageFault(image);
    if (fault) throw new Error(`${name}: ${fault}`);
  }
  return file;
};
