/**
 * AWS Cloud Map as the registry: healthy instances of the service `auth-service` (and so on) in the namespace.
 *
 * Address, port and zone are the attributes that ECS registers, AWS_INSTANCE_IPV4 (or _IPV6), AWS_INSTANCE_PORT and
 * AVAILABILITY_ZONE; an instance without the first two can't be called and is passed over. Whoever registers instances by hand
 * may give them a `weight`. The task's role needs `servicediscovery:DiscoverInstances`.
 */
import { DiscoverInstancesCommand, ServiceDiscoveryClient } from '@aws-sdk/client-servicediscovery';
import { addressOf, described, type Instance, type Registry } from './discovery.ts';

type Attributes = Readonly<Record<string, string>>;

/** As many as one answer has; 100 without asking. */
const MAX_RESULTS = 1_000;

const instanceIn = ({ AWS_INSTANCE_IPV4: v4, AWS_INSTANCE_IPV6: v6, AWS_INSTANCE_PORT: port, ...more }: Attributes) => {
  const { AVAILABILITY_ZONE: zone, weight } = more;
  const known = (v4 || v6) && Number(port) > 0;
  return known ? [described(addressOf((v4 || v6)!, Number(port)), { zone, weight })] : [];
};

/** Region, credentials and endpoint as the SDK finds them. */
export const cloudMap = ({ namespace }: { namespace: string }): Registry => {
  const client = new ServiceDiscoveryClient({
    // look-ups that fail are repeated by who asks
    maxAttempts: 1,
    // an endpoint that somebody names is meant as it stands, without `data-` before it
    disableHostPrefix: !!(process.env.AWS_ENDPOINT_URL_SERVICEDISCOVERY ?? process.env.AWS_ENDPOINT_URL),
  });
  return {
    name: 'cloudmap',
    lookup: async (service, signal) => {
      const command = new DiscoverInstancesCommand({
        NamespaceName: namespace,
        ServiceName: service,
        HealthStatus: 'HEALTHY',
        MaxResults: MAX_RESULTS,
      });
      const { Instances = [] } = await client.send(command, { abortSignal: signal }).catch((thrown: Error) => {
        // nothing was ever registered: that is known
        if (thrown.name === 'ServiceNotFound') return { Instances: [] };
        throw thrown;
      });
      return Instances.flatMap(({ Attributes = {} }): Instance[] => instanceIn(Attributes));
    },
    close: () => client.destroy(),
  };
};
