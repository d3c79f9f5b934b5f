/** The arguments that every request for a transfer begins with, in their order [TR-069 §7]. */
import { field, text, unsignedInt } from './schema.ts'

/** Which file goes where, and the account at its server; all texts, empty where unused. */
export const transferFields = {
  commandKey: field('CommandKey', text),
  fileType: field('FileType', text),
  url: field('URL', text),
  username: field('Username', text),
  password: field('Password', text),
}

/** Of a file that comes to the device: what is known of it before. */
export const downloadFields = {
  ...transferFields,
  /** Bytes; 0: not known. */
  fileSize: field('FileSize', unsignedInt),
  targetFileName: field('TargetFileName', text),
}
