/** What a template is: a schema of its data, and a letter in each language. */
import * as z from 'zod';
import { Moment as AnyMoment } from '../../kit/moment.ts';
import type { Language, Letter } from './letter.ts';

/** A message in a few words, for a text message, a push message and the inbox. */
export interface Short {
  /** Left out where only text is shown. */
  title: string;
  text: string;
  /** What opens when it is touched. */
  url?: string;
}

export interface Template<D extends z.ZodType = z.ZodType, S extends z.ZodType = z.ZodType> {
  readonly data: D;
  /**
   * For what the token in `data.token` is sealed, and the page that its link opens; without a page, the token itself is
   * what the reader needs, a code.
   */
  readonly token?: {
    readonly path?: `/${string}`;
    readonly purpose: string;
    /** Where it stands in the data, in place of `token`. */
    readonly field?: string;
    /** Other systems, which have no key of ours, may send it as it is. */
    readonly plain?: boolean;
    /** The message makes sense without it; its link is then empty. */
    readonly optional?: boolean;
  };
  /** `link` is the opened token where the template has one: as a link, or as it is. */
  readonly letter: Readonly<Record<Language, (data: z.output<D>, link: string) => Letter>>;
  /** The short form, where there is one; it may take less than a letter. */
  readonly short?: {
    readonly data: S;
    readonly say: Readonly<Record<Language, (data: z.output<S>, link: string) => Short>>;
  };
}

/** Declares a template. */
export const template = <D extends z.ZodType, S extends z.ZodType>(definition: Template<D, S>): Template<D, S> =>
  definition;

/**
 * A name fit for a greeting, otherwise empty. Who registers a stranger's address chooses the name too, so only what
 * can't be read as an address, a number or a sentence is repeated in a mail.
 */
const isGreetable = (name: string): boolean => /^[\p{L}\p{M}][\p{L}\p{M} '’-]{0,39}$/u.test(name);

/** Fields that every template takes. */
export const Common = {
  locale: z.string().optional(),
  first_name: z
    .string()
    .optional()
    .transform((name) => (name && isGreetable(name) ? name : '')),
};

/** @example greeting.en('Ada') // 'Hello Ada,' */
export const greeting = {
  en: (name: string): string => (name ? `Hello ${name},` : 'Hello,'),
  zh: (name: string): string => (name ? `${name}，您好：` : '您好：'),
};

/** An ISO 8601 time as people read it, in UTC. @example moment('2026-05-09T12:33:41Z') // '2026-05-09 12:33 UTC' */
export const moment = (iso: string): string => `${new Date(iso).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

/** An ISO 8601 time in template data. */
export const Moment = AnyMoment.transform(moment);
