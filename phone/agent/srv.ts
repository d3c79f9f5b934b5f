/** Names and order of DNS SRV records for provisioning. Source: MPP §4.6; RFC 2782. */
import type { Rng } from '../../protocol/result.ts'
import type { PhonePolicies, SrvRecord } from './types.ts'

/** Records looked at in one answer; providers have two or four. */
export const SRV_RECORDS_MAX = 16

/** `_ciscoprov-https._tls.example.com` or `_ciscoprov-http._tcp.example.com`. */
export function srvName(scheme: 'http' | 'https', domain: string): string {
  return scheme === 'https' ? `_ciscoprov-https._tls.${domain}` : `_ciscoprov-http._tcp.${domain}`
}

/**
 * Lower priority first; inside one priority by policy: chance in proportion to weight (RFC 2782) or the lower weight
 * first (the guide's reading).
 */
export function orderSrv(
  records: readonly SrvRecord[],
  weight: PhonePolicies['srvWeight'],
  rng: Rng,
): readonly SrvRecord[] {
  const usable = records.slice(0, SRV_RECORDS_MAX).filter((record) => record.host !== '' && record.host !== '.')
  const priorities = [...new Set(usable.map((record) => record.priority))].sort((a, b) => a - b)
  return priorities.flatMap((priority) => {
    const group = usable.filter((record) => record.priority === priority)
    return weight === 'lower-first' ? group.sort((a, b) => a.weight - b.weight) : drawByWeight(group, rng)
  })
}

function drawByWeight(group: readonly SrvRecord[], rng: Rng): readonly SrvRecord[] {
  const left = [...group].sort((a, b) => a.weight - b.weight)
  const drawn: SrvRecord[] = []
  while (left.length > 0) {
    const total = left.reduce((sum, record) => sum + record.weight, 0)
    const mark = rng() * total
    let sum = 0
    const index = left.findIndex((record) => {
      sum += record.weight
      return sum >= mark
    })
    drawn.push(...left.splice(Math.max(index, 0), 1))
  }
  return drawn
}
