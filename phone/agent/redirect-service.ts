/** The question that a blank phone asks its redirect service (RC, EDOS). Source: MPP §9.2. */
import { parseUrl, type Url } from '../../protocol/rule/mod.ts'
import type { Agent } from './types.ts'

const RC_PATH = '/software/edos/callhome/rc'

/** @returns the whole URL with `id`, `sw`, `orig` and `authstatus`; undefined when the phone was made without one. */
export function redirectUrl({ hardware, flash }: Agent): Url | undefined {
  const base = parseUrl(/^https?:\/\/[^/?#]+$/i.test(hardware.rcUrl) ? `${hardware.rcUrl}/` : hardware.rcUrl)
  if (!base.ok || base.value.host === undefined || !/^https?$/.test(base.value.scheme)) return undefined
  const path = base.value.path === '/' ? RC_PATH : base.value.path
  // The MAC is masked in the known trace; upper case is the Model.
  const id = `${hardware.mac.toUpperCase()}:${hardware.serial}:${hardware.productName}`
  const query = `id=${id}&sw=${encodeURIComponent(flash.activeLoad)}&orig=orig_mpp&authstatus=none`
  return { ...base.value, path: `${path}${path.includes('?') ? '&' : '?'}${query}` }
}
