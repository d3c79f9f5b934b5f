/** What is known of a parameter, and what news of it changes. */
import type { KnownParameter } from './types.ts'

/** What a row leaves out stays as it was. */
export function withNews(before: KnownParameter | undefined, row: KnownParameter): KnownParameter {
  if (before === undefined) return row
  return {
    path: row.path,
    type: row.type ?? before.type,
    writable: row.writable ?? before.writable,
    value: row.value ?? before.value,
    notification: row.notification ?? before.notification,
    sentMac: row.sentMac ?? before.sentMac,
  }
}
