/** The token of a message, sealed in its event and opened where the message is made. */
import { AppError } from '../../shared/kit/errors.ts';
import type { Ports } from '../../shared/ports/index.ts';

/** What was sealed says so. */
const isSealed = (text: string): boolean => /^p\d+\./.test(text);

/**
 * What the template calls its link: the address of a page with the token, or the token itself where there is no page.
 * Undefined for a template without a token. The base is configured, never taken from a request.
 *
 * @throws AppError `invalid_request` for a token that is missing, or sealed elsewhere or for another template
 */
export const openedToken = async (
  { sealer, settings }: Pick<Ports, 'sealer' | 'settings'>,
  { template_name, template_data }: { template_name: string; template_data: Record<string, unknown> },
): Promise<string | undefined> => {
  const { templateOf } = await import('../../shared/delivery/templates/index.heavy.ts');
  const { token } = templateOf(template_name);
  if (!token) return undefined;
  const name = token.field ?? 'token';
  const sealed = template_data[name];
  if (sealed === undefined && token.optional) return undefined;
  const opened =
    typeof sealed === 'string'
      ? token.plain && !isSealed(sealed)
        ? sealed
        : sealer.open(sealed, token.purpose)
      : undefined;
  if (!opened) {
    throw new AppError('invalid_request', { errors: [{ path: `template_data.${name}`, message: 'Does not open' }] });
  }
  return token.path ? `${settings.public_url}${token.path}?token=${encodeURIComponent(opened)}` : opened;
};
