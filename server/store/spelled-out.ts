/** Secrets that are written out in a value that is none by its name: the key in a rule, the password in a URL. */

/** The argument of an option that is no macro (MPP §4.4). */
const OPTION = /--\s*(?:key|pwd)\s+(?:"\s*)?(?!\$|")[^\s\]]/i
/** `https://user:password@host` */
const USER_INFO = /:\/\/[^/?#\s:@]{0,256}:(?!\$)[^/?#\s@]{1,256}@/

/** Whether the value is to be shown like a secret. A macro like `$SA` only says where the secret is. */
export function spellsOutSecret(value: string): boolean {
  return OPTION.test(value) || USER_INFO.test(value)
}
