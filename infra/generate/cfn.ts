/** Values of a CloudFormation template. */

export type Cfn = string | number | boolean | readonly Cfn[] | { readonly [key: string]: Cfn };
