/** Custom_CA_Rule: one more root for HTTPS, fetched after a resync when the rule changed. Source: MPP §11.2, §7.4. */
import { base64ToBytes, utf8Text } from '../../protocol/bytes.ts'
import { evaluateRule, resolveUrl } from '../../protocol/rule/mod.ts'
import { firstCommonName } from './certificate-name.ts'
import { NOT_INSTALLED } from './create.ts'
import { learnedServer } from './dhcp.ts'
import { type DownloadEnd, startDownload } from './download.ts'
import { localStamp } from './local-time.ts'
import { macroLookup } from './macros.ts'
import { say } from './mask.ts'
import { parameterText } from './parameters.ts'
import { andThen, type Moment, type Turn, turnOf, withFlash, withRam } from './turn.ts'
import type { Agent } from './types.ts'

/** A handful of certificates. */
export const CA_BYTES_MAX = 64 * 1024

const PEM = /-----BEGIN CERTIFICATE-----\s*([A-Za-z0-9+/=\s]+?)-----END CERTIFICATE-----/

/** Fetches the CA if the rule is another one than that of the PEM in flash. */
export function refreshCustomCa(agent: Agent, moment: Moment): Turn {
  const taken = withRam(agent, { pendingCustomCa: false })
  const rule = parameterText(agent, 'Custom_CA_Rule').trim()
  if (rule === agent.flash.customCa.rule) return turnOf(taken)
  if (rule === '') {
    const removed = withFlash(taken, { customCa: { pem: undefined, last: undefined, info: NOT_INSTALLED, rule: '' } })
    return turnOf(removed, say(removed, 'custom-ca', 'Custom CA removed'))
  }
  const decision = evaluateRule(rule, 'profile', macroLookup(agent, moment.now), agent.policies.rule)
  if (decision.kind !== 'fetch')
    return turnOf(failed(taken, moment), say(taken, 'custom-ca', 'Custom_CA_Rule cannot be read'))
  const url = resolveUrl(decision.url, learnedServer(agent))
  if (!url.ok) return turnOf(failed(taken, moment), say(taken, 'custom-ca', 'Custom CA failed: no server is known'))
  const order = { purpose: 'custom-ca', url: url.value, options: decision.options, bytesMax: CA_BYTES_MAX } as const
  const progress = startDownload(taken, order, moment)
  const { end } = progress
  const turn = turnOf(progress.agent, ...progress.actions)
  return end === undefined ? turn : andThen(turn, (agent) => customCaEnded(agent, end, moment))
}

/** The download of the PEM has ended; a bad one leaves the CA of before. */
export function customCaEnded(agent: Agent, end: DownloadEnd, moment: Moment): Turn {
  const installed = end.kind === 'file' ? installCustomCa(agent, end.body, moment) : undefined
  if (installed !== undefined) return installed
  const detail = end.kind === 'file' ? 'no certificate in the file' : end.detail
  const kept = failed(agent, moment)
  return turnOf(kept, say(kept, 'custom-ca', `Custom CA failed: ${detail}`, { ok: false }))
}

/** Trusts the certificates of a PEM file from now on; undefined: there is none in it. */
export function installCustomCa(agent: Agent, body: Uint8Array, moment: Moment): Turn | undefined {
  const pem = utf8Text(body) ?? ''
  const der = base64ToBytes((PEM.exec(pem)?.[1] ?? '').replace(/\s+/g, ''))
  const name = der === undefined || der.length === 0 ? undefined : firstCommonName(der)
  if (name === undefined) return undefined
  const last = { ok: true, at: moment.now }
  const rule = parameterText(agent, 'Custom_CA_Rule').trim()
  const installed = withFlash(agent, { customCa: { pem, last, info: name, rule } })
  return turnOf(installed, say(installed, 'custom-ca', `Custom CA installed: ${name}`, { ok: true, commonName: name }))
}

function failed(agent: Agent, { now }: Moment): Agent {
  return withFlash(agent, { customCa: { ...agent.flash.customCa, last: { ok: false, at: now } } })
}

/** `Last provisioning succeeded on 03/10/2026 12:00:21`, or `failed`; empty before the first try (MPP §7.4). */
export function customCaStatus(agent: Agent): string {
  const { last } = agent.flash.customCa
  if (last === undefined) return ''
  return `Last provisioning ${last.ok ? 'succeeded' : 'failed'} on ${localStamp(agent, last.at)}`
}
