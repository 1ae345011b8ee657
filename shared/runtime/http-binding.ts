// being written by the lead
export interface HttpRequest {
  method: string;
  path: string;
  params: Record<string, string>;
  query: Record<string, string>;
  headers: Record<string, string | undefined>;
  body?: unknown;
  ip?: string;
}
export interface HttpResponse {
  status: number;
  headers: Record<string, string>;
  body?: string;
}
