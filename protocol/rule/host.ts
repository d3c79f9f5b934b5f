/** Host names and addresses as a rule may name them. */

/** RFC 1035 §2.3.4. */
const HOST_CHARS_MAX = 253
const LABEL_CHARS_MAX = 63

/** @param text without brackets. Underscores are tolerated in names, as resolvers do. */
export function isHost(text: string): boolean {
  if (text.length === 0 || text.length > HOST_CHARS_MAX) return false
  if (text.includes(':')) return isIpv6(text)
  if (/^[0-9]+(?:\.[0-9]+){3}$/.test(text)) return isIpv4(text)
  const labels = text.replace(/\.$/, '').split('.')
  return labels.every(
    (label) => label.length <= LABEL_CHARS_MAX && /^[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?$/.test(label),
  )
}

export function isIpv4(text: string): boolean {
  const parts = text.split('.')
  return parts.length === 4 && parts.every((part) => /^[0-9]{1,3}$/.test(part) && Number(part) <= 255)
}

/** RFC 4291 §2.2: eight groups of hex, `::` once for a run of zeros, perhaps an IPv4 address at the end. */
export function isIpv6(text: string): boolean {
  const halves = text.split('::')
  if (halves.length > 2) return false
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')))
  const last = groups.at(-1) ?? ''
  const embedded = last.includes('.')
  if (embedded && (!isIpv4(last) || text.endsWith('::'))) return false
  const plain = embedded ? groups.slice(0, -1) : groups
  if (!plain.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group))) return false
  const count = plain.length + (embedded ? 2 : 0)
  return halves.length === 2 ? count <= 7 : count === 8
}
