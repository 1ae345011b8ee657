/** A template of CloudFormation as osls compiled it. */

export interface Resource {
  Type: string;
  DependsOn?: string | string[];
  Properties?: Record<string, any>;
  [more: string]: unknown;
}

export interface Template {
  Resources: Record<string, Resource>;
  Outputs?: Record<string, unknown>;
}
