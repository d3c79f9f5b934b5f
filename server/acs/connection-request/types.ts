/** What is asked of a device, and what came of it [TR-069 §8.1]. */

/** A device that is asked to call. All three come from its own parameters `ManagementServer.ConnectionRequest…`. */
export interface ConnectionRequest {
  /** Chosen by the device, so never trusted. */
  readonly url: string
  readonly username: string
  readonly password: string
}

/** Details name host and port at most: never the path, which serves as a secret, and never a password. */
export type ConnectionRequestOutcome =
  /** 2xx. The session begins within about 30 seconds. */
  | { readonly kind: 'accepted'; readonly status: number }
  /** 503: it has a session already, or was asked too often. */
  | { readonly kind: 'busy' }
  /** It answered, and will not call: 401 after our digest, 403, 404, a redirect, … */
  | { readonly kind: 'refused'; readonly status: number; readonly detail: string }
  /** No connection, or no byte of an answer in time; also when the caller's signal ended it. */
  | { readonly kind: 'unreachable'; readonly detail: string }
  /** We do not ask: the URL is none that we follow, or leads to an address near us. */
  | { readonly kind: 'forbidden'; readonly detail: string }
  /** What came is no answer of HTTP, too long, or ended before its status. */
  | { readonly kind: 'broken'; readonly detail: string }
