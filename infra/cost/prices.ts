/**
 * The price list: what AWS asks in us-east-1, in USD, without free allowances, and what others ask for users.
 *
 * `seen` is the day of the text that a price was read from; no price could be looked up at AWS itself on the day that this
 * list was made (2026-11-26), so `via` names where it was read. Prices change: correct one here with its date, and
 * `npm run generate` tells every page.
 */
export interface Price {
  usd: number;
  /** What is paid for, so many at a time. */
  per: number;
  of: string;
  source: string;
  seen: string;
  via?: string;
}

const API_EVANGELIST = 'a transcript of that page by API Evangelist';
const INFRACOST = 'a report of infracost, undated, looked up on that day';
const CLOUDBURN = 'cloudburn.io, which quotes that page';
const MONTH_GB = 'GB in a month';

export const REGION = 'us-east-1';
/** When what is below was last looked up. */
export const LIST_MADE = '2026-11-26';

const aws = (service: string) => `https://aws.amazon.com/${service}/pricing/`;

export const PRICES = {
  lambda_gb_s: {
    ...{ usd: 0.0000133334, per: 1, of: 'GB-second of Lambda on arm64; init counts' },
    ...{ source: aws('lambda'), seen: '2026-05-11', via: 'public notes that quote that page' },
  },
  lambda_request: {
    ...{ usd: 0.2, per: 1e6, of: 'calls of functions' },
    ...{ source: aws('lambda'), seen: '2026-09-20', via: API_EVANGELIST },
  },
  api_request: {
    ...{ usd: 1, per: 1e6, of: 'requests of an HTTP API, of the first 300 million a month' },
    ...{ source: aws('api-gateway'), seen: '2025-05-19', via: 'awsforengineers.com, which quotes that page' },
  },
  socket_message: {
    ...{
      usd: 1,
      per: 1e6,
      of: 'messages of a WebSocket API, either way, 32 kB each, of the first 1,000 million a month',
    },
    ...{ source: aws('api-gateway'), seen: '2025-05-19', via: 'awsforengineers.com, which quotes that page' },
  },
  socket_minute: {
    ...{ usd: 0.25, per: 1e6, of: 'minutes of connections to a WebSocket API' },
    ...{
      source: aws('api-gateway'),
      seen: '2026-11-26',
      via: 'amnic.com, which quotes that page, undated, looked up on that day',
    },
  },
  dynamodb_write: {
    ...{ usd: 0.625, per: 1e6, of: 'write units of DynamoDB on demand' },
    ...{ source: aws('dynamodb'), seen: '2025-07-21', via: 'airbyte.com, which quotes that page' },
  },
  dynamodb_read: {
    ...{ usd: 0.125, per: 1e6, of: 'read units of DynamoDB on demand' },
    ...{ source: aws('dynamodb'), seen: '2025-07-21', via: 'airbyte.com, which quotes that page' },
  },
  dynamodb_stored: {
    ...{ usd: 0.25, per: 1, of: `${MONTH_GB} of DynamoDB` },
    ...{
      source: aws('dynamodb'),
      seen: '2020-03-11',
      via: 'a public table of prices; unchanged since by what we know',
    },
  },
  dynamodb_backup: {
    ...{ usd: 0.2, per: 1, of: `${MONTH_GB} of DynamoDB that can be restored to any second` },
    ...{
      source: aws('dynamodb'),
      seen: '2020-03-11',
      via: 'a public table of prices; unchanged since by what we know',
    },
  },
  sqs_request: {
    ...{ usd: 0.4, per: 1e6, of: 'requests of SQS (standard queues)' },
    ...{ source: aws('sqs'), seen: '2026-03-14', via: CLOUDBURN },
  },
  event: {
    ...{ usd: 1, per: 1e6, of: 'events put onto EventBridge' },
    ...{ source: aws('eventbridge'), seen: '2026-03-13', via: CLOUDBURN },
  },
  schedule: {
    ...{ usd: 1, per: 1e6, of: 'calls by EventBridge Scheduler' },
    ...{ source: aws('eventbridge'), seen: '2026-03-13', via: CLOUDBURN },
  },
  kms_request: {
    ...{ usd: 0.03, per: 1e4, of: 'requests of KMS with RSA_2048 (of ES256 and EdDSA: 0.15)' },
    ...{ source: aws('kms'), seen: '2026-03-15', via: 'wring.co, which quotes that page' },
  },
  kms_key: {
    ...{ usd: 1, per: 1, of: 'key of KMS in a month' },
    ...{ source: aws('kms'), seen: '2026-03-14', via: CLOUDBURN },
  },
  secret: {
    ...{ usd: 0.4, per: 1, of: 'secret of Secrets Manager in a month' },
    ...{ source: aws('secrets-manager'), seen: '2026-11-26', via: 'hivebook.wiki, undated, looked up on that day' },
  },
  secret_request: {
    ...{ usd: 0.05, per: 1e4, of: 'requests of Secrets Manager' },
    ...{ source: aws('secrets-manager'), seen: '2026-11-26', via: 'hivebook.wiki, undated, looked up on that day' },
  },
  mail: {
    ...{ usd: 0.00016, per: 1, of: 'mail by SES, plan Essentials, which new accounts have; 0.00010 à la carte' },
    ...{ source: aws('ses'), seen: '2026-08-13', via: 'the AWS Price List of 2026-07-22, by API Evangelist' },
  },
  log_gb: {
    ...{ usd: 0.5, per: 1, of: 'GB taken in by CloudWatch Logs' },
    ...{ source: aws('cloudwatch'), seen: '2026-06-13', via: 'factualminds.com, which quotes that page' },
  },
  log_stored: {
    ...{ usd: 0.03, per: 1, of: `${MONTH_GB} of CloudWatch Logs` },
    ...{ source: aws('cloudwatch'), seen: '2026-11-26', via: INFRACOST },
  },
  metric: {
    ...{ usd: 0.3, per: 1, of: 'custom metric of CloudWatch in a month' },
    ...{ source: aws('cloudwatch'), seen: '2026-02-15', via: 'signoz.io, which quotes that page' },
  },
  alarm: {
    ...{ usd: 0.1, per: 1, of: 'metric that an alarm of CloudWatch looks at, in a month' },
    ...{ source: aws('cloudwatch'), seen: '2026-11-26', via: INFRACOST },
  },
  dashboard: {
    ...{ usd: 3, per: 1, of: 'dashboard of CloudWatch in a month' },
    ...{ source: aws('cloudwatch'), seen: '2026-06-13', via: 'factualminds.com, which quotes that page' },
  },
  trace: {
    ...{ usd: 5, per: 1e6, of: 'traces that X-Ray records' },
    ...{ source: aws('xray'), seen: '2025-01-01', via: 'notes of the list prices of 2025, not looked up again' },
  },
} satisfies Record<string, Price>;

export type PriceName = keyof typeof PRICES;

/** USD for so many units. @example usd('mail', 1_000) // 0.16 */
export const usd = (name: PriceName, units: number): number => (PRICES[name].usd * units) / PRICES[name].per;
