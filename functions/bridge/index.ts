/** The bridge between RabbitMQ and EventBridge. It stands beside the platform's services and runs only where it is asked for. */
import { service } from '../../shared/kit/service.ts';
import { carry } from './carry.ts';

export { bridgeCollections } from './records.ts';

export const bridge = service('bridge', [carry]);
