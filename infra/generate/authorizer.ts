/** infra/generated/authorizer.yml: the authorizer of serverless.yml, which takes `on` or `off` of it. */
import type { GeneratedFile, Generator } from './files.ts';
import { functionOf, toYaml } from './functions.ts';
import { roleOf } from './iam.ts';
import { getArn, roleId } from './names.ts';
import { authorizerFunction } from './platform.ts';
import { logGroups } from './resources.ts';

/** As osls calls it. */
const FUNCTION = 'SidecarDashauthorizerLambdaFunction';

export const authorizer: Generator = {
  generate: (): GeneratedFile[] => {
    const { name } = authorizerFunction;
    const on = {
      functions: { [name]: functionOf(authorizerFunction) },
      resources: {
        Resources: { [roleId(name)]: roleOf(authorizerFunction), ...logGroups([authorizerFunction]) },
        Outputs: {
          AuthorizerArn: { Description: 'What an API Gateway in front invokes', Value: getArn(FUNCTION) },
        },
      },
    };
    const off = { functions: {}, resources: { Resources: {} } };
    return [{ path: 'infra/generated/authorizer.yml', content: toYaml({ off, on }) }];
  },
};
