/** `audit verify` and `audit list`: whether the log is as it was written, and what it says. */
import { listAudit } from '../../../functions/auth/list-audit.ts';
import { verifyAuditLog } from '../../../functions/auth/verify-audit.ts';
import { callerOf } from '../calling.ts';
import { type Command, countOf } from '../command.ts';
import { plain } from '../output.ts';
import { UsageError } from '../refusal.ts';

const PART = 5_000;

const verify: Command = {
  name: 'audit verify',
  summary: 'Looks whether the audit log is as it was written; a line that was changed or taken away shows.',
  details: [
    'It prints the last line as <number>:<hash>. Keep it elsewhere: --after with it shows also when all was written anew.',
  ],
  options: {
    after: { type: 'string', value: '<number>:<hash>', help: 'a line that is trusted; only those behind it' },
  },
  run: async (operator, values) => {
    const call = callerOf(operator);
    const [, number, hash] = /^(\d{1,15}):([\w-]{43})$/.exec(String(values.after ?? '')) ?? [];
    if (values.after !== undefined && !hash)
      throw new UsageError('--after is <number>:<hash>, as this command prints it');
    let after: { number: number; hash: string } | undefined = hash ? { number: Number(number), hash } : undefined;
    const faults: { number: number; fault: string }[] = [];
    let verified = 0;
    for (let more = true; more; ) {
      const from = after ? { after: after.number, after_hash: after.hash } : {};
      const part = await call(verifyAuditLog, { limit: PART, ...from });
      faults.push(...part.faults);
      verified += part.verified;
      after = part.last ?? after;
      more = !part.complete;
    }
    const last = after ? `${after.number}:${after.hash}` : 'none';
    for (const { number: at, fault } of faults) operator.out.note(`line ${at}: ${fault.replace('_', ' ')}`);
    const said = faults.length === 0 ? 'the log is as it was written' : `${faults.length} faults`;
    operator.out.row({ verified, faults, last }, `${verified} lines, ${said}; the last is ${last}`);
    return faults.length === 0 ? 0 : 1;
  },
};

const FILTERS = ['actor', 'subject', 'action'] as const;

const list: Command = {
  name: 'audit list',
  summary: 'Lists what was done by whom, newest first.',
  options: {
    actor: { type: 'string', value: '<id>', help: "a user's id or a service's name" },
    subject: { type: 'string', value: '<id>', help: 'the user to whom it was done' },
    action: { type: 'string', value: '<name>', help: 'the operation: permissions.assign-role' },
    limit: { type: 'string', value: '<count>', help: 'how many lines; 50 when left out' },
  },
  run: async (operator, values) => {
    const call = callerOf(operator);
    const wanted = countOf(values, 'limit') ?? 50;
    const filter = Object.fromEntries(FILTERS.flatMap((name) => (values[name] ? [[name, String(values[name])]] : [])));
    const found: any[] = [];
    for (let cursor: string | undefined, more = true; more && found.length < wanted; more = cursor !== undefined) {
      const page = await call(listAudit, { ...filter, limit: 500, ...(cursor && { cursor }) });
      found.push(...page.entries);
      cursor = page.next_cursor;
    }
    const lines = found.slice(0, wanted);
    operator.out.rows(
      lines,
      ['time', 'who', 'did', 'to', 'outcome'],
      lines.map(({ at, actor, actor_kind, action, subject = '', outcome, reason }) => [
        new Date(at * 1_000).toISOString(),
        plain(actor || actor_kind),
        action,
        plain(subject),
        reason ? `${outcome}: ${reason}` : outcome,
      ]),
    );
    return 0;
  },
};

export const auditCommands: readonly Command[] = [verify, list];
