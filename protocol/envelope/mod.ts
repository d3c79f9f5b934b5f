/**
 * Sealing and packing of profiles and reports: the OpenSSL container behind `--key`, the HTTP content coding
 * `aes128gcm` behind `IKM_HTTP_Encrypt_Content`, and gzip. Chance (salts) is handed in.
 * Source: MPP §2.
 */
export {
  IKM_BYTES_MIN,
  type IkmEncoding,
  ikmFromText,
  openAes128gcm,
  RECORD_SIZE_DEFAULT,
  RECORD_SIZE_MIN,
  RECORDS_MAX,
  sealAes128gcm,
} from './aes128gcm.ts'
export { type BodyOpening, CONTENT_CODINGS_MAX, openProfileBody } from './body.ts'
export { gunzip, gzip, inflate, isGzip } from './compression.ts'
export type { EnvelopeProblem } from './problem.ts'
export { isSalted, openSalted, SALT_BYTES, type SaltedDigest, sealSalted } from './salted.ts'
export { joinGzip, type PackedPart, packPart } from './pieces.ts'
