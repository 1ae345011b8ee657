/** What the status page says, in the languages that it says it in. */

export const WORDS = {
  en: {
    title: 'status',
    kept: 'kept',
    broken: 'not kept',
    few: 'too few to judge',
    idle: 'no traffic',
    ok: 'ok',
    degraded: 'away, requests are answered',
    unavailable: 'does not answer',
    links: 'Links of the last ten minutes',
    link: 'Link',
    promise: 'Promise',
    rate: 'Rate',
    failing: 'Failing',
    time: 'p99',
    course: 'Course',
    rest: 'Clients over REST',
    grpc: 'Services over gRPC',
    events: 'Events',
    realtime: 'Open tabs',
    bulk: 'Streams',
    queues: 'Queues',
    queue: 'Queue',
    waiting: 'Waiting',
    oldest: 'Oldest',
    outbox: 'outbox: committed, not sent yet',
    dead: 'dead letters: given up; "npx perfect21 dlq list" says why',
    noqueues: 'None were counted yet.',
    engines: 'Engines',
    process: 'Process',
    version: 'version',
    uptime: 'runs for',
    memory: 'memory',
    connections: 'connections',
    listeners: 'listeners (WebSocket and SSE)',
    perSecond: '/s',
    away: 'No answer from the process. What is shown is of',
    other: '中文',
    script: 'This page needs JavaScript.',
  },
  'zh-CN': {
    title: '状态',
    kept: '达标',
    broken: '未达标',
    few: '样本太少',
    idle: '无流量',
    ok: '正常',
    degraded: '已断开，请求仍可处理',
    unavailable: '无响应',
    links: '最近十分钟的链路',
    link: '链路',
    promise: '承诺',
    rate: '速率',
    failing: '失败率',
    time: 'p99',
    course: '走势',
    rest: '客户端 REST',
    grpc: '服务间 gRPC',
    events: '事件',
    realtime: '实时连接',
    bulk: '流式传输',
    queues: '队列',
    queue: '队列',
    waiting: '等待中',
    oldest: '最早',
    outbox: '发件箱：已提交，尚未发送',
    dead: '死信：已放弃；用 "npx perfect21 dlq list" 查看原因',
    noqueues: '尚无统计。',
    engines: '引擎',
    process: '进程',
    version: '版本',
    uptime: '已运行',
    memory: '内存',
    connections: '连接',
    listeners: '监听者（WebSocket 与 SSE）',
    perSecond: '/秒',
    away: '进程无响应。当前显示的数据来自',
    other: 'English',
    script: '此页面需要 JavaScript。',
  },
} as const satisfies Record<string, Record<string, string>>;
export type Language = keyof typeof WORDS;

/** Which comes first in an `accept-language` header (RFC 9110, 12.5.4), with English for everybody else. */
const accepted = (header: string): Language => {
  const ranges = header
    .slice(0, 512)
    .split(',')
    .map((each) => {
      const [tag = '', ...parameters] = each
        .trim()
        .toLowerCase()
        .split(/\s*;\s*/);
      const q = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1);
      return { tag, q: Number.isFinite(q) ? q : 0 };
    });
  const best = (language: string): number =>
    Math.max(0, ...ranges.filter(({ tag }) => tag === language || tag.startsWith(`${language}-`)).map(({ q }) => q));
  return best('zh') > best('en') ? 'zh-CN' : 'en';
};

/** The language that was chosen (`?lang=zh`), or the one that the browser prefers. */
export const languageOf = (chosen: string | null, header = ''): Language => {
  if (chosen === 'en') return 'en';
  return chosen?.startsWith('zh') ? 'zh-CN' : accepted(header);
};
