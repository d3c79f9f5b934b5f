/**
 * What phones and servers say in HTTP beyond the transport: authentication, client certificates, the User-Agent,
 * the command URLs of the phone, ranges. SIP borrows the digest.
 * Source: MPP §7.3, §11; RFC 7616, RFC 7617, RFC 9110.
 */
export {
  ACTION_URL_CHARS_MAX,
  type ActionAccount,
  type ActionUrl,
  parseActionUrl,
  printResyncUrl,
  splitAccountSuffix,
} from './action-url.ts'
export { AUTH_HEADER_CHARS_MAX, AUTH_PARAMETERS_MAX, AUTH_SCHEMES_MAX } from './auth-header.ts'
export { basicAuthorization, parseBasicAuthorization } from './basic.ts'
export { type CertificateIdentity, parseCertificateSubject, SUBJECT_CHARS_MAX } from './certificate-subject.ts'
export {
  type AuthChallenge,
  checkDigest,
  type DigestAlgorithm,
  type DigestAnswer,
  type DigestChallenge,
  type DigestExpectation,
  type DigestProtection,
  digestAuthorization,
  digestChallengeHeader,
  type ParsedDigest,
  parseAuthChallenges,
  parseDigestAuthorization,
} from './digest.ts'
export { type ByteRange, parseRange } from './range.ts'
export { parseUserAgent, printUserAgent, USER_AGENT_CHARS_MAX, type UserAgent } from './user-agent.ts'
