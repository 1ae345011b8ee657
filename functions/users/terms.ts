/** The texts by whose beginning an account is found: address, domain, user name, phone number, and the name either way round. */
import { domainToASCII } from 'node:url';
import { insert, type Reader, remove, type Stored, update, type Write } from '../../shared/ports/store.ts';
import { type UserRecord, type UserTerm, userTerms } from './records.ts';

export const TERM_KINDS = ['email', 'domain', 'username', 'phone', 'name', 'surname'] as const;
type Kind = (typeof TERM_KINDS)[number];

/** Longer names are found by their first letters. */
const LONGEST = 200;

/** One form for what people take for the same: without case, accents and width, and with single spaces. @example fold('  Ängström') */
export const fold = (text: string): string =>
  text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toUpperCase()
    .toLowerCase()
    .replaceAll('ς', 'σ')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, LONGEST)
    .toWellFormed();

type Named = Pick<UserRecord, 'email' | 'username' | 'phone_number' | 'first_name' | 'last_name'>;

/** What an account is found by. An erased one has nothing. */
export const termsOf = ({
  email,
  username,
  phone_number,
  first_name,
  last_name,
}: Named): Partial<Record<Kind, string>> => {
  const name = fold(`${first_name ?? ''} ${last_name ?? ''}`);
  return {
    ...(email && { email, domain: email.slice(email.lastIndexOf('@')) }),
    ...(username && { username: username.toLowerCase() }),
    ...(phone_number && { phone: phone_number }),
    ...(name && { name }),
    ...(first_name && last_name && { surname: fold(`${last_name} ${first_name}`) }),
  };
};

/**
 * What somebody typed to find accounts, in the form of the terms. A `+` that an address line turned into a space is one again.
 *
 * @example prefixOf('@EXAMPLE.org'), prefixOf('+49 170'), prefixOf('Müller, ')
 */
export const prefixOf = (typed: string): string => {
  const phone = typed.replace(/^ (?=\d)/, '+').trim();
  if (/^\+[\d\s()./-]*$/.test(phone)) return phone.replace(/[^+\d]/g, '');
  const at = typed.lastIndexOf('@');
  if (at < 0) return fold(typed.replaceAll(',', ' '));
  const domain = typed
    .slice(at + 1)
    .normalize('NFKC')
    .toLowerCase()
    .trim();
  const ascii = /[^a-z0-9.-]/.test(domain) ? domainToASCII(domain) : domain;
  return `${fold(typed.slice(0, at))}@${ascii}`;
};

export const termId = (user_id: string, kind: Kind): string => `${user_id}:${kind}`;

const isBefore = (one: string, other: string): boolean => Buffer.compare(Buffer.from(one), Buffer.from(other)) < 0;

type Placed = Pick<Stored<Pick<UserTerm, 'term'>>, 'id' | 'value'>;

/** In the order of a list of terms. */
export const isTermBefore = (one: Placed, other: Placed): boolean =>
  one.value.term === other.value.term ? isBefore(one.id, other.id) : isBefore(one.value.term, other.value.term);

/** The id of the first term, in the order of the list, by which a prefix finds an account: there it is shown, and only there. */
export const shownAt = (
  { id, value }: Pick<Stored<UserRecord>, 'id' | 'value'>,
  prefix: string,
): string | undefined => {
  let first: Placed | undefined;
  for (const [kind, term] of Object.entries(termsOf(value)) as [Kind, string][]) {
    const each = { id: termId(id, kind), value: { term } };
    if (term.startsWith(prefix) && (!first || isTermBefore(each, first))) first = each;
  }
  return first?.id;
};

/** The writes of the terms of a new account. */
export const newTerms = (user_id: string, value: UserRecord, expires_at: number | undefined): Write<'user_terms'>[] =>
  Object.entries(termsOf(value)).map(([kind, term]) =>
    insert(userTerms, termId(user_id, kind as Kind), { user_id, term, status: value.status }, { expires_at }),
  );

/** The writes that make the terms follow an account, for the commit that writes it; none where nothing changes. */
export const followingTerms = async (
  store: Reader<'user_terms'>,
  user_id: string,
  value: UserRecord,
  expires_at: number | undefined,
): Promise<Write<'user_terms'>[]> => {
  const wanted = termsOf(value);
  const held = await store.getMany(
    userTerms,
    TERM_KINDS.map((kind) => termId(user_id, kind)),
  );
  return TERM_KINDS.flatMap((kind) => {
    const [id, term] = [termId(user_id, kind), wanted[kind]];
    const before = held.get(id);
    if (term === undefined) return before ? [remove(userTerms, before)] : [];
    const after: UserTerm = { user_id, term, status: value.status };
    if (!before) return [insert(userTerms, id, after, { expires_at })];
    const same = before.value.term === term && before.value.status === after.status && before.expires_at === expires_at;
    return same ? [] : [update(userTerms, before, after, { expires_at })];
  });
};
