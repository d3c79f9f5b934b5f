/**
 * Answers 401 and 407. The first request of a fetch carries no credentials (MPP §11.3).
 * Source: MPP §5.6 (two retries), §7.6 (whose account), RFC 7616, RFC 7617.
 */
import { basicAuthorization, digestAuthorization, parseAuthChallenges } from '../../protocol/http/mod.ts'
import { randomHex } from './chance.ts'
import { parameterText } from './parameters.ts'
import type { Moment } from './turn.ts'
import type { Agent, Download } from './types.ts'

/** MPP §5.6: "max 2 retries". */
export const AUTH_RETRIES_MAX = 2

interface Account {
  readonly username: string
  readonly password: string
}

/** @returns the download with credentials for its next try, or undefined when there is nothing (more) to try. */
export function authenticate(
  agent: Agent,
  download: Download,
  challenge: { readonly proxy: boolean; readonly header: string | undefined },
  moment: Moment,
): Download | undefined {
  if (download.authAttempts >= AUTH_RETRIES_MAX || challenge.header === undefined) return undefined
  const account = challenge.proxy ? proxyAccount(agent) : serverAccount(agent, download)
  const value = account === undefined ? undefined : authorize(download, challenge.header, account, moment)
  if (value === undefined) return undefined
  const tried = { ...download, authAttempts: download.authAttempts + 1 }
  return challenge.proxy ? { ...tried, proxyAuthorization: value } : { ...tried, authorization: value }
}

/** MPP §7.6: `--uid` and `--pwd` beat everything, also when they are wrong; else Profile_Authentication_Type decides. */
function serverAccount(agent: Agent, { options }: Download): Account | undefined {
  if (options.uid !== undefined || options.pwd !== undefined) {
    return { username: options.uid ?? '', password: options.pwd ?? '' }
  }
  // 'Basic Http Authentication' asks the user on the display; a virtual phone has nobody to ask, so it ends there.
  if (parameterText(agent, 'Profile_Authentication_Type').trim() !== 'XSI Authentication') return undefined
  const bySip = parameterText(agent, 'XSI_Authentication_Type').trim() === 'SIP Credentials'
  const username = parameterText(agent, bySip ? 'SIP_Auth_ID' : 'Login_User_ID')
  return username === ''
    ? undefined
    : { username, password: parameterText(agent, bySip ? 'SIP_Password' : 'Login_Password') }
}

function proxyAccount(agent: Agent): Account | undefined {
  const username = parameterText(agent, 'Proxy_Username')
  return username === '' ? undefined : { username, password: parameterText(agent, 'Proxy_Password') }
}

function authorize(download: Download, header: string, account: Account, { rng }: Moment): string | undefined {
  const challenges = parseAuthChallenges(header)
  const digests = challenges.flatMap((offer) => (offer.scheme === 'digest' ? [offer.challenge] : []))
  // MPP §11.3 names MD5; SHA-256 only where the server offers nothing else.
  const digest = digests.find((offer) => offer.algorithm === 'MD5') ?? digests[0]
  if (digest !== undefined) {
    return digestAuthorization(digest, {
      ...account,
      method: download.method,
      uri: download.url.path,
      cnonce: randomHex(8, rng),
      nonceCount: 1,
      ...(download.body === undefined ? {} : { body: download.body }),
    })
  }
  return challenges.some((offer) => offer.scheme === 'basic')
    ? basicAuthorization(account.username, account.password)
    : undefined
}
