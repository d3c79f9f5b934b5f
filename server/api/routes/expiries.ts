import { X509Certificate } from 'node:crypto'
import { z } from 'zod'
import { casInForce, describeServerCertificate } from '../../pki/mod.ts'
import { listCertificates, listEndingTokens, loadDeviceCas } from '../../store/mod.ts'
import { type CalendarDay, printCalendar } from '../calendar.ts'
import type { Api, ApiPlatform, ReadyPlatform } from '../context.ts'
import { Expiry, ExpiryQuery } from '../contract/certificates.ts'
import { mustReachAll } from '../reach.ts'

const DAY_MS = 86_400_000
type ExpiryJson = z.infer<typeof Expiry>

/** What ends when: certificates, CAs, tokens. */
export function expiryRoutes(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/expiries',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'The calendar of what ends: certificates, CAs and tokens, the next first; also for calendar programs',
        querystring: ExpiryQuery,
        response: { 200: z.object({ items: z.array(Expiry) }) },
      },
    },
    async (request, reply) => {
      const platform = ready()
      await mustReachAll(request, platform)
      const { days, format } = request.query
      const now = new Date()
      const items = await expiriesOf(platform, now, days)
      if (format === 'json') return { items }
      const text = printCalendar('Offhook', items.flatMap(calendarDay), now)
      return reply
        .type('text/calendar; charset=utf-8')
        .serializer(() => text)
        .send({ items: [] })
    },
  )
}

async function expiriesOf(platform: ApiPlatform, now: Date, days: number): Promise<ExpiryJson[]> {
  const until = new Date(now.getTime() + days * DAY_MS)
  const stored = await listCertificates(platform.db)
  const waiting = stored.filter(({ chain }) => chain === null)
  const ending = [...serverEnd(platform), ...(await caEnds(platform)), ...(await tokenEnds(platform, until))]
  return [
    ...ending
      .filter(({ endsAt }) => endsAt <= until)
      .toSorted((a, b) => a.endsAt.getTime() - b.endsAt.getTime())
      .map(({ endsAt, ...rest }) => ({
        ...rest,
        endsAt: endsAt.toISOString(),
        daysLeft: Math.floor((endsAt.getTime() - now.getTime()) / DAY_MS),
      })),
    ...waiting.map(({ id, hosts, createdAt }) => ({
      kind: 'waiting-certificate' as const,
      id,
      name: `${hosts.join(', ')}, since ${createdAt.toISOString().slice(0, 10)}`,
      endsAt: null,
      daysLeft: null,
      advice: 'Have the request signed and give the answer, or delete it.',
    })),
  ]
}

type Ending = Omit<ExpiryJson, 'endsAt' | 'daysLeft'> & { readonly endsAt: Date }

function serverEnd(platform: ApiPlatform): readonly Ending[] {
  const shown = platform.serverCertificate()
  const facts = shown === undefined ? undefined : describeServerCertificate(shown.chainPem)
  if (shown === undefined || facts === undefined) return []
  const advice = {
    own: 'Nothing to do: it is issued anew by itself.',
    files: 'Put the renewed certificate into the files; no restart is needed.',
    stored: 'By ACME it is renewed by itself; else have a new one signed and install it.',
  }[shown.source]
  return [
    {
      kind: 'server-certificate',
      id: facts.fingerprint,
      name: facts.subject,
      endsAt: new Date(facts.notAfter),
      advice,
    },
    ...(shown.caPem === undefined ? [] : [ownCa(shown.caPem)]),
  ]
}

function ownCa(pem: string): Ending {
  const { fingerprint256, subject, validTo } = new X509Certificate(pem)
  return {
    kind: 'own-ca',
    id: fingerprint256.replaceAll(':', '').toLowerCase(),
    name: subject.split('\n').reverse().join(', '),
    endsAt: new Date(Date.parse(validTo)),
    advice: 'Phones learn it by Custom_CA_Rule: give them its successor well before.',
  }
}

async function caEnds(platform: ApiPlatform): Promise<readonly Ending[]> {
  const cas = casInForce(await loadDeviceCas(platform.db), platform.settings.lab)
  return cas.map(({ fingerprint, name, pem }) => ({
    kind: 'device-ca' as const,
    id: fingerprint,
    name,
    endsAt: new Date(Date.parse(new X509Certificate(pem).validTo)),
    advice: 'Install its successor before: phones that it signed are not proved afterwards.',
  }))
}

async function tokenEnds(platform: ApiPlatform, until: Date): Promise<readonly Ending[]> {
  const tokens = await listEndingTokens(platform.db, until)
  const advice = 'Make a new one for whoever uses it, if it is still used.'
  return tokens.map(({ id, name, expiresAt }) => ({ kind: 'token' as const, id, name, endsAt: expiresAt, advice }))
}

const WORDS: Readonly<Record<ExpiryJson['kind'], string>> = {
  'server-certificate': 'The server’s certificate ends',
  'waiting-certificate': 'A certificate waits to be signed',
  'device-ca': 'A device CA ends',
  'own-ca': 'The CA of the server’s certificate ends',
  token: 'An API token ends',
}

function calendarDay({ kind, id, name, endsAt, advice }: ExpiryJson): readonly CalendarDay[] {
  if (endsAt === null) return []
  return [{ uid: `${kind}-${id}`, at: new Date(endsAt), summary: `${WORDS[kind]}: ${name}`, description: advice }]
}
