/** The services that others call, and which of their methods may be tried twice. */
import { AuthServiceService } from '../../../proto/gen/auth_service.ts';
import { PermissionServiceService } from '../../../proto/gen/permission_service.ts';
import { UserServiceService } from '../../../proto/gen/user_service.ts';

/** By how a program calls them; `service` is the name in registries. */
export const CLIENTS = {
  auth: { service: 'auth-service', definition: AuthServiceService },
  users: { service: 'user-service', definition: UserServiceService },
  permissions: { service: 'permission-service', definition: PermissionServiceService },
} as const;

/** They change nothing that a caller could see, so that twice is as good as once. */
export const SAFE: ReadonlySet<string> = new Set([
  'perfect21.auth.AuthService/ValidateToken',
  'perfect21.auth.AuthService/BatchValidateTokens',
  'perfect21.user.UserService/GetUser',
  'perfect21.user.UserService/BatchGetUsers',
  'perfect21.permission.PermissionService/CheckPermission',
  'perfect21.permission.PermissionService/BatchCheckPermissions',
  'perfect21.permission.PermissionService/GetUserPermissions',
  'perfect21.permission.PermissionService/GetUserRoles',
]);

/** A unary method as ts-proto writes it. */
export interface UnaryMethod<Request, Answer> {
  path: string;
  requestStream: false;
  responseStream: false;
  requestSerialize(request: Request): Buffer;
  responseDeserialize(bytes: Buffer): Answer;
}

/** Milliseconds, a duration of one call. */
export interface CallOptions {
  /** For all tries together; 5 s when left out, and 10 s for a batch. */
  timeout_ms?: number;
  /** Unix ms after which the caller's own caller does not wait any more; the earlier of both counts. */
  deadline?: number;
  /** Gives the call up: it ends here and at the service. */
  signal?: AbortSignal;
  /** W3C trace context of the caller; a new trace begins when left out. */
  traceparent?: string;
  /** Stands in the log of the service and in what it calls. */
  request_id?: string;
  /** Of methods that may be tried twice: after so long without an answer a second instance is asked as well. */
  hedge_ms?: number;
}

/** The methods of a service as functions. Fields are those of proto/; what is left out is the default of proto3. */
export type ClientOf<Definition> = {
  readonly [Name in keyof Definition as Definition[Name] extends UnaryMethod<any, any>
    ? Name
    : never]: Definition[Name] extends UnaryMethod<infer Request, infer Answer>
    ? (request: Request, options?: CallOptions) => Promise<Answer>
    : never;
};
