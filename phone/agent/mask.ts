/**
 * Keeps secrets out of everything that a watcher may see: one-time codes in URLs, the arguments of `--key`, `--uid` and
 * `--pwd`, user information in URLs, and every stored value that the catalogue calls secret.
 */
import { catalogue } from '../../protocol/profile/mod.ts'
import { transferSecrets } from './cwmp/mod.ts'
import type { AgentAction, Agent, PhoneEvent } from './types.ts'

const MASK = '****'
/** A shorter stored secret is too likely to be part of an innocent word; it cannot protect anything anyway. */
const SECRET_CHARS_MIN = 4

/** Masks what the shape of a rule or URL gives away as secret. */
export function maskText(text: string): string {
  return text
    .replace(/(\/cisco-init\/)[^/?#:\s"'|)\]]+/gi, `$1${MASK}`)
    .replace(/(--(?:key|uid|pwd)\s*)(?:"[^"]*"?|[^\s\]"]+)/gi, `$1${MASK}`)
    .replace(/(:\/\/)[^/@\s]*@/g, `$1${MASK}@`)
}

/** Masks every secret value that this phone stores. */
export function hideStored(agent: Agent, text: string): string {
  return hide(secretsOf(agent), text)
}

/** One line for whoever watches the phone. Texts are masked here, so no caller can forget it. */
export function say(agent: Agent, name: string, text: string, data: PhoneEvent['data'] = {}): AgentAction {
  const secrets = secretsOf(agent)
  const mask = (shown: string) => hide(secrets, maskText(shown))
  const shownData = Object.entries(data).map(([key, value]) => [key, typeof value === 'string' ? mask(value) : value])
  return { kind: 'say', event: { name, text: mask(text), data: Object.fromEntries(shownData) } }
}

function hide(secrets: readonly string[], text: string): string {
  return secrets.reduce((masked, secret) => masked.split(secret).join(MASK), text)
}

function secretsOf(agent: Agent): readonly string[] {
  const stored = [...agent.flash.parameters]
    .filter(([element]) => catalogue.find(element)?.secret === true)
    .map(([, { value }]) => value)
  const transfers = agent.flash.tr069.transfers.flatMap(transferSecrets)
  const secrets = [...stored, ...transfers].filter((secret) => secret.length >= SECRET_CHARS_MIN)
  // The longest first, so that one secret inside another leaves no rest.
  return secrets.sort((a, b) => b.length - a.length)
}
