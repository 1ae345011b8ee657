/** The links of the whole platform. */
import { platform } from '../../functions/index.ts';
import { linksOf } from '../../shared/metrics/links.ts';

export const LINKS = linksOf(platform);
