/** All templates by the name that an event gives, and the one function that makes a mail of them. */
import type * as z from 'zod';
import { AppError } from '../../kit/errors.ts';
import { parse } from '../../kit/parse.ts';
import { oneLine } from '../one-line.ts';
import { accountExists } from './account-exists.ts';
import { accountLocked } from './account-locked.ts';
import { addressInUse } from './address-in-use.ts';
import { confirmEmail } from './confirm-email.ts';
import { emailChanged } from './email-changed.ts';
import { type Language, type Rendered, renderLetter } from './letter.ts';
import { loginAlert } from './login-alert.ts';
import { mfaChanged } from './mfa-changed.ts';
import { notice } from './notice.ts';
import { passwordChanged } from './password-changed.ts';
import { passwordReset } from './password-reset.ts';
import { securityAlert } from './security-alert.ts';
import type { Short, Template } from './template.ts';
import { verificationCode } from './verification-code.ts';
import { verifyEmail } from './verify-email.ts';
import { welcome } from './welcome.ts';

export const TEMPLATES = {
  verify_email: verifyEmail,
  account_exists: accountExists,
  confirm_email: confirmEmail,
  address_in_use: addressInUse,
  email_changed: emailChanged,
  password_reset: passwordReset,
  password_changed: passwordChanged,
  security_alert: securityAlert,
  account_locked: accountLocked,
  login_alert: loginAlert,
  mfa_changed: mfaChanged,
  verification_code: verificationCode,
  notice,
  welcome,
} satisfies Record<string, Template<any, any>>;

export type TemplateName = keyof typeof TEMPLATES;

/** The template of this name. Throws AppError `invalid_request` when there is none. */
export const templateOf = (name: string): Template<any, any> => {
  if (Object.hasOwn(TEMPLATES, name)) return TEMPLATES[name as TemplateName];
  throw new AppError('invalid_request', { errors: [{ path: 'template_name', message: 'There is no such template' }] });
};

/** The language of a locale by its first part; English where there is no other. @example languageOf('zh-TW') // 'zh' */
export const languageOf = (locale: string | undefined): Language => (/^zh(?:[-_]|$)/i.test(locale ?? '') ? 'zh' : 'en');

/** The data as the schema takes it. Throws AppError `invalid_request` that names the fields, never their values. */
const accepted = (schema: z.ZodType, data: Record<string, unknown>): any => parse(schema, data, ['template_data']);

/**
 * Renders a mail. `subject` replaces the template's own when it is not empty.
 *
 * @throws AppError `invalid_request` when there is no such template or the data is not what it takes
 */
export const renderMail = (
  name: string,
  data: Record<string, unknown>,
  options: { link?: string; subject?: string } = {},
): Rendered => {
  const template = templateOf(name);
  const taken = accepted(template.data, data);
  const language = languageOf(taken.locale);
  const letter = template.letter[language](taken, options.link ?? '');
  const subject = oneLine(options.subject ?? '');
  return renderLetter(subject === '' ? letter : { ...letter, subject }, language);
};

/**
 * Renders the short form of a template: each part one line.
 *
 * @throws AppError `invalid_request` when there is no such template, it has no short form, or the data is not what it takes
 */
export const renderShort = (name: string, data: Record<string, unknown>, link = ''): Short => {
  const { short } = templateOf(name);
  if (!short) {
    throw new AppError('invalid_request', { errors: [{ path: 'template_name', message: 'It has no short form' }] });
  }
  const taken = accepted(short.data, data);
  const { title, text, url } = short.say[languageOf(taken.locale)](taken, link);
  return { title: oneLine(title), text: oneLine(text), ...(url && { url }) };
};
