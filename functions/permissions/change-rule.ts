/** What every change of a role or policy writes beside it: its version, and the generation by which deciders notice. */
import { toRevocationWrite } from '../../shared/keys/revocation-records.ts';
import type { Context } from '../../shared/kit/context.ts';
import type { PermissionsChange } from '../../shared/ports/revocations.ts';
import { insert, type Reader, update, type Write } from '../../shared/ports/store.ts';
import { actorOf } from './acting.ts';
import { type Changed, ruleGenerations, ruleVersions } from './records.ts';
import { RULES } from './rules.ts';

type Names = 'rule_versions' | 'rule_generations' | 'revocations';

export interface RuleChange {
  changed: Changed;
  /** For verifiers of this process, once it is committed: tokens issued before are older than the rules. */
  notice: PermissionsChange;
  /** `rule`: as it is from now on; undefined when it is removed. */
  writes(kind: 'role' | 'policy', name: string, rule: object | undefined): Write<Names>[];
}

/**
 * Begins a change of the rules. Of two at once one is refused by WriteConflict, so that what was checked against all rules
 * (circles of inheritance) still holds when it is written.
 *
 * @param now unix ms
 */
export const beginChange = async (
  store: Reader<'rule_generations'>,
  context: Context,
  now: number,
): Promise<RuleChange> => {
  const read = await store.get(ruleGenerations, RULES);
  const version = (read?.value.generation ?? 0) + 1;
  const next = { generation: version };
  const changed: Changed = { version, changed_by: actorOf(context), changed_at: Math.floor(now / 1_000) };
  const notice: PermissionsChange = { kind: 'roles', value: 'all', generation: version, created_at: now };
  return {
    changed,
    notice,
    writes: (kind, name, rule) => [
      read ? update(ruleGenerations, read, next) : insert(ruleGenerations, RULES, next),
      insert(ruleVersions, `${kind}:${name}:${version}`, {
        kind,
        name,
        rule: rule ?? null,
        ...(rule === undefined && { removed: true }),
        ...changed,
      }),
      toRevocationWrite(notice, String(version)),
    ],
  };
};
