/** The mesh of infra/istio, from the table of services and operations. */
import { layouts } from '../istio/layout.ts';
import { folders } from './kubernetes.ts';
import { platform } from './platform.ts';

export const istio = folders('infra/istio', 'istio.ts', layouts(platform));
