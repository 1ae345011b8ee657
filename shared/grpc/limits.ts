/** The numbers of the contract, section 3, as options of grpc-js. */
import type { ChannelOptions } from '@grpc/grpc-js';

export const MIB = 1024 * 1024;
export const MAX_MESSAGE = 4 * MIB;
export const MAX_METADATA = 8 * 1024;
/** Calls in flight on one connection, fewer while there are many; more wait at the client. */
export const MAX_STREAMS = 256;
/** Calls of a connection that may be given up at once, and per second after that, beside one for each two that are answered. */
export const RESETS = { burst: 200, per_second: 20 };
export const STOP_GRACE_MS = 5_000;
/** Of one try of a client, and of one of a batch. */
export const DEADLINE_MS = 5_000;
export const BATCH_DEADLINE_MS = 10_000;

const BOTH: ChannelOptions = {
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 3_000,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.max_receive_message_length': MAX_MESSAGE,
  'grpc.max_send_message_length': MAX_MESSAGE,
  'grpc.enable_channelz': 0,
};

export const SERVER_OPTIONS: ChannelOptions = {
  ...BOTH,
  'grpc.max_concurrent_streams': MAX_STREAMS,
  'grpc.max_connection_idle_ms': 300_000,
  // MB that a connection may hold; without bound otherwise
  'grpc-node.max_session_memory': 10,
};

export const CLIENT_OPTIONS: ChannelOptions = {
  ...BOTH,
  // an instance that comes back is found within moments
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000,
  // and so is one that moved behind its name
  'grpc.dns_min_time_between_resolutions_ms': 1_000,
  // what may be repeated is known here, not to the library; and no DNS record may say otherwise
  'grpc.enable_retries': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.enable_http_proxy': 0,
};
