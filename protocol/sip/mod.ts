/**
 * The SIP that provisioning needs: REGISTER, NOTIFY and their answers, with digest from `protocol/http`.
 * Source: RFC 3261; MPP §8.
 */
export {
  parseAddress,
  parseEvent,
  parseSipUri,
  parseVia,
  printSipUri,
  SIP_PARAMS_MAX,
  type SipAddress,
  type SipEvent,
  type SipParams,
  type SipUri,
  type SipVia,
  splitSipList,
} from './address.ts'
export {
  authorizeRequest,
  BRANCH_PREFIX,
  buildRegister,
  buildRequest,
  buildResponse,
  type SipAuthorization,
  type SipRegisterParts,
  type SipRequestParts,
  type SipResponseParts,
} from './build.ts'
export { decodeSip, type SipStreamSplit, splitSipStream } from './decode.ts'
export { encodeSip } from './encode.ts'
export {
  header,
  headerAll,
  headerName,
  SIP_BYTES_MAX,
  SIP_HEADERS_MAX,
  type SipHeader,
  type SipMessage,
  type SipProblem,
  type SipRequest,
  type SipResponse,
} from './message.ts'
