/** What a template is: a schema of its data, and a letter in each language. */
import * as z from 'zod';
import type { Language, Letter } from './letter.ts';

export interface Template<D extends z.ZodType = z.ZodType> {
  readonly data: D;
  /** The page that its link opens, and the purpose for which the token in `data.token` is sealed. */
  readonly token?: { readonly path: `/${string}`; readonly purpose: string };
  readonly letter: Readonly<Record<Language, (data: z.output<D>, link: string) => Letter>>;
}

/** Declares a template. */
export const template = <D extends z.ZodType>(definition: Template<D>): Template<D> => definition;

/**
 * A name fit for a greeting, otherwise empty. Who registers a stranger's address chooses the name too, so only what
 * can't be read as an address, a number or a sentence is repeated in a mail.
 */
const GREETABLE = /^[\p{L}\p{M}][\p{L}\p{M} '’-]{0,39}$/u;

/** Fields that every template takes. */
export const Common = {
  locale: z.string().optional(),
  first_name: z
    .string()
    .optional()
    .transform((name) => (name && GREETABLE.test(name) ? name : '')),
};

/** @example greeting.en('Ada') // 'Hello Ada,' */
export const greeting = {
  en: (name: string): string => (name ? `Hello ${name},` : 'Hello,'),
  zh: (name: string): string => (name ? `${name}，您好：` : '您好：'),
};

/** An ISO 8601 time as people read it, in UTC. @example moment('2026-05-09T12:33:41Z') // '2026-05-09 12:33 UTC' */
export const moment = (iso: string): string => `${new Date(iso).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

/** An ISO 8601 time in template data. */
export const Moment = z.iso.datetime({ offset: true }).transform(moment);
