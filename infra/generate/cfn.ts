/** Values of a CloudFormation template. */

export type Cfn = string | number | boolean | readonly Cfn[] | { readonly [key: string]: Cfn };

/** Who may take on a role: a service of AWS. @param condition when only. @example assumedBy('lambda') */
export const assumedBy = (service: 'lambda' | 'apigateway' | 'scheduler' | 'codedeploy', condition?: Cfn): Cfn => ({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { Service: `${service}.amazonaws.com` },
      Action: 'sts:AssumeRole',
      ...(condition !== undefined && { Condition: condition }),
    },
  ],
});
