/**
 * Opens the body of a report: `--key` as in the phone's own rule, the content coding aes128gcm, gzip.
 * Source: MPP §2.1 to §2.3, §12.2.
 */
import { gunzip, ikmFromText, isGzip, isSalted, openAes128gcm, openSalted } from '../../protocol/envelope/mod.ts'
import { evaluateReportRule } from '../../protocol/rule/mod.ts'
import type { DeviceFacts } from '../devices/types.ts'
import type { FetchRequest } from '../fetch/mod.ts'
import { previewLookup, type ResolvedParameter, type ResolvedProfile } from '../profiles/mod.ts'

export interface OpenedReport {
  readonly body: Uint8Array
  /**
   * Who could have written it: who holds a key of this device alone, who holds one that other devices may have as well,
   * or everybody, since it was in clear. `nobody`: it does not open, and `body` is what came.
   */
  readonly by: 'own-key' | 'shared-key' | 'everybody' | 'nobody'
  /** Of the profile key that it was sealed with. */
  readonly generation?: number
  readonly problem?: string
}

type Key = Pick<OpenedReport, 'generation'> & { readonly text: string; readonly by: 'own-key' | 'shared-key' }

/** @param bytesMax of what comes out. Never throws. */
export function openReport(
  request: Pick<FetchRequest, 'body' | 'contentEncoding' | 'door'>,
  owner: DeviceFacts,
  wanted: ResolvedProfile,
  bytesMax: number,
): OpenedReport {
  const body = request.body ?? new Uint8Array(0)
  if (isSalted(body)) return openWithKeys(body, [...profileKeys(owner), ...ruleKeys(owner, wanted)], bytesMax)
  const plain = unpacked(body, bytesMax)
  if (plain !== undefined) return { body: plain, by: 'everybody' }
  // TFTP has no header to say what the coding is.
  const coded = request.door === 'tftp' || /aes128gcm/i.test(request.contentEncoding ?? '')
  if (coded) return openCoded(body, wanted, bytesMax)
  return { body, by: 'nobody', problem: 'It is neither XML nor gzip nor sealed' }
}

function openWithKeys(body: Uint8Array, keys: readonly Key[], bytesMax: number): OpenedReport {
  for (const { text, by, generation } of keys) {
    const opened = openSalted(body, text)
    // CBC has no integrity: a wrong key passes the padding check now and then, so the text must look like a report.
    const plain = opened.ok ? unpacked(opened.value, bytesMax) : undefined
    if (plain !== undefined) return { body: plain, by, ...(generation === undefined ? {} : { generation }) }
  }
  return { body, by: 'nobody', problem: 'It is sealed with a key that is not the device’s' }
}

/** Newest first; there are two or three at most. */
function profileKeys({ secrets }: DeviceFacts): readonly Key[] {
  return [...(secrets?.profileKeys ?? [])]
    .sort(([a], [b]) => b - a)
    .map(([generation, text]) => ({ text, by: 'own-key', generation }))
}

/** The arguments of `--key` in the rule that its profile gives it. */
function ruleKeys(owner: DeviceFacts, wanted: ResolvedProfile): readonly Key[] {
  const rule = wanted.get('Report_Rule')
  if (rule === undefined || rule.value === '') return []
  const { items } = evaluateReportRule(rule.value, previewLookup(owner, wanted))
  const known = new Set(owner.secrets?.profileKeys.values())
  const texts = new Set(items.flatMap(({ options }) => (options.key === undefined ? [] : [options.key])))
  return (
    [...texts]
      .filter((text) => !known.has(text))
      // A literal key in the device's own layer is known to no other device; a register may come from any layer.
      .map((text) => ({ text, by: isOwn(rule) && rule.value.includes(text) ? 'own-key' : 'shared-key' }))
  )
}

function openCoded(body: Uint8Array, wanted: ResolvedProfile, bytesMax: number): OpenedReport {
  const ikm = wanted.get('IKM_HTTP_Encrypt_Content')
  if (ikm === undefined || ikm.value === '') {
    return {
      body,
      by: 'nobody',
      problem: 'It is coded with aes128gcm, and its profile has no IKM_HTTP_Encrypt_Content',
    }
  }
  const opened = openAes128gcm(body, ikmFromText(ikm.value, 'auto'))
  const plain = opened.ok ? unpacked(opened.value, bytesMax) : undefined
  if (plain === undefined) return { body, by: 'nobody', problem: 'It does not open with IKM_HTTP_Encrypt_Content' }
  return { body: plain, by: isOwn(ikm) ? 'own-key' : 'shared-key' }
}

function isOwn({ origin }: ResolvedParameter): boolean {
  return origin.kind === 'layer' && origin.scope === 'device'
}

/** @returns the text of a report, or undefined for what is none */
function unpacked(bytes: Uint8Array, bytesMax: number): Uint8Array | undefined {
  const plain = isGzip(bytes) ? gunzip(bytes, bytesMax) : undefined
  if (plain !== undefined && !plain.ok) return undefined
  const text = plain?.value ?? bytes
  const looksLikeXml = /^(?:\uFEFF)?\s*</.test(new TextDecoder().decode(text.subarray(0, 64)))
  return looksLikeXml && text.length <= bytesMax ? text : undefined
}
