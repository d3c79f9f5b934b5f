import type { RpcContent, RpcName } from './rpc/all.ts'
import type { FaultContent } from './rpc/fault.ts'

/** A request or response with its arguments, by `kind`: the name of its element [TR-069 §7]. */
export type CwmpRpc = { readonly [K in RpcName]: { readonly kind: K } & RpcContent<K> }[RpcName]

/** A SOAP fault; a code of undefined: the sender gave none [TR-069 §4]. */
export interface CwmpFault extends FaultContent {
  readonly kind: 'Fault'
}

/** A method that we do not know: answered with 8000 or 9000. */
export interface CwmpUnknown {
  readonly kind: 'Unknown'
  readonly name: string
}

/** What stands below Body. */
export type CwmpBody = CwmpRpc | CwmpFault | CwmpUnknown

/** The member of {@link CwmpBody} with that kind. */
export type CwmpBodyOf<K extends CwmpBody['kind']> = Extract<CwmpBody, { readonly kind: K }>

/** SOAP headers besides ID [TR-069 §3.2]. */
export interface CwmpHeaders {
  /** How long the ACS should wait for this device. */
  readonly sessionTimeoutSeconds?: number
  /** The device may not send requests of its own now. */
  readonly holdRequests?: boolean
  /** As `1.0`, in the sender's order. */
  readonly supportedVersions?: readonly string[]
  /** As `1.2`. */
  readonly useVersion?: string
}

/** One envelope. */
export interface CwmpMessage {
  /** Exactly as sent: an answer echoes it; undefined: none was sent, so none is answered [TR-069 §3.2]. */
  readonly id: string | undefined
  /** The URN of CWMP that the sender used, to be used in the answer [TR-069 §3.3]. */
  readonly namespace: string
  readonly headers: CwmpHeaders
  readonly body: CwmpBody
}

/** The URN for senders that have not said theirs [TR-069 §3.3]. */
export const CWMP_NAMESPACE = 'urn:dslforum-org:cwmp-1-2'

/** Whether it is a URN of CWMP, those that no document defines included [TR-069 §3.3]. */
export function isCwmpNamespace(urn: string): boolean {
  return /^urn:dslforum-org:cwmp-1-\d$/.test(urn)
}
