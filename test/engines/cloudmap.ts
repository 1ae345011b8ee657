/** A small double of AWS Cloud Map: DiscoverInstances in the AWS JSON 1.1 protocol, health and refusals as the service has them. */
import { type Fault, fault, startDouble } from './double.ts';

export interface CloudMapInstance {
  attributes: Record<string, string>;
  health?: 'HEALTHY' | 'UNHEALTHY' | 'UNKNOWN';
}

interface Input {
  NamespaceName?: string;
  ServiceName?: string;
  HealthStatus?: string;
  MaxResults?: number;
}

/** Starts the double on a free port with one namespace. `state.trouble` is what it does to every request. */
export const startCloudMap = async (namespace: string) => {
  /** Without health checks all instances count as healthy. */
  const services = new Map<string, { checked: boolean; instances: CloudMapInstance[] }>();
  const state: { trouble?: { type: string; status: number } | 'silence'; requests: number } = { requests: 0 };

  const discover = ({ NamespaceName, ServiceName, HealthStatus = 'HEALTHY', MaxResults = 100 }: Input) => {
    if (!ServiceName || MaxResults < 1 || MaxResults > 1000) throw fault('InvalidInput', 'not valid');
    if (NamespaceName !== namespace) throw fault('NamespaceNotFound', `no namespace ${NamespaceName}`);
    const service = services.get(ServiceName);
    if (!service) throw fault('ServiceNotFound', `no service ${ServiceName}`);
    const Instances = service.instances
      .filter(({ health = 'HEALTHY' }) => !service.checked || HealthStatus === 'ALL' || health === HealthStatus)
      .slice(0, MaxResults)
      .map(({ attributes, health = 'HEALTHY' }, at) => ({
        InstanceId: `i-${at}`,
        NamespaceName,
        ServiceName,
        HealthStatus: service.checked ? health : 'UNKNOWN',
        Attributes: attributes,
      }));
    return { Instances, InstancesRevision: 1 };
  };

  const double = await startDouble(async (body, request, response) => {
    state.requests += 1;
    const { trouble } = state;
    if (trouble === 'silence') return;
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify(body));
    };
    try {
      if (trouble) throw fault(trouble.type, 'in trouble', trouble.status);
      if (
        !/^AWS4-HMAC-SHA256 Credential=\S+\/servicediscovery\/aws4_request,/.test(request.headers.authorization ?? '')
      )
        throw fault('MissingAuthenticationTokenException', 'Missing Authentication Token');
      if (request.headers['x-amz-target'] !== 'Route53AutoNaming_v20170314.DiscoverInstances')
        throw fault('UnknownOperationException', '');
      answer(200, discover(JSON.parse(body.toString())));
    } catch (thrown) {
      const { type, message, status } = thrown as Fault;
      answer(status, { __type: type, Message: message });
    }
  });
  return {
    services,
    state,
    ...double,
  };
};
