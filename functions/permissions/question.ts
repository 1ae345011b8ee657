/** What is asked, as conditions and permissions see it. */
import type { Parsed } from '../../shared/kit/permissions.ts';
import type { ConditionFacts } from '../../shared/ports/conditions.ts';

export interface Question {
  resource: string;
  action: string;
  scope?: string;
  context: Readonly<Record<string, unknown>>;
}

const RESOURCE = 'resource.';

/** What conditions see of a resource: attributes come in the context as `resource.<name>`, and as `owner_id`. */
export const resourceOf = ({ resource, context }: Question): ConditionFacts['resource'] => {
  const attributes: Record<string, unknown> = { type: resource };
  if (context.owner_id !== undefined) attributes.owner_id = context.owner_id;
  for (const [name, value] of Object.entries(context)) {
    if (name.startsWith(RESOURCE) && name !== `${RESOURCE}type`) attributes[name.slice(RESOURCE.length)] = value;
  }
  return attributes as ConditionFacts['resource'];
};

/** Who asks about what is one's own asks with the scope `own`, said or not. */
export const wantedOf = (question: Question, id: string): Parsed => {
  const { resource, action, context } = question;
  const owner = context.owner_id ?? context[`${RESOURCE}owner_id`];
  const scope = question.scope || (owner === id ? 'own' : undefined);
  return { denied: false, resource, action, ...(scope && { scope }) };
};
