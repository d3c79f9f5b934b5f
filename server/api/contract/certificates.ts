/** Certificates of the server, whom they come from by ACME, and what ends when. */
import { z } from 'zod'
import { CERTIFICATE_HOSTS_MAX, isAuthorityUrl, isAuthorizableHost } from '../../pki/mod.ts'

const PEM_CHARS_MAX = 100_000

const pem = z.string().min(1).max(PEM_CHARS_MAX)
const ca = pem
  .optional()
  .describe('A private CA that signed the chain, PEM: phones learn it by Custom_CA_Rule. Leave it out for a public one')
const force = z
  .boolean()
  .default(false)
  .describe('Take it although it is for another host, begins later or its chain has gaps; never with a wrong key')

const host = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[A-Za-z0-9.:-]+$/, 'must be a host name or an address')
const hosts = z.array(host).min(1).max(CERTIFICATE_HOSTS_MAX)

export const CsrInput = z
  .object({ hosts: hosts.optional().describe('The first is the common name; default: the host of the public URL') })
  .meta({ id: 'NewCertificateRequest' })

export const Csr = z.object({ id: z.string(), csr: z.string() }).meta({ id: 'CertificateRequest' })

export const ChainInput = z
  .object({ pem: pem.describe('The server’s own certificate first, then its issuers'), ca, force })
  .meta({ id: 'CertificateChain' })

export const UploadInput = z
  .object({
    chain: pem.describe('The server’s own certificate first, then its issuers'),
    key: pem.describe('PEM without a pass phrase; sealed here and never shown again'),
    ca,
    force,
  })
  .meta({ id: 'NewServerCertificate' })

export const StoredCertificate = z
  .object({
    id: z.string(),
    source: z.enum(['csr', 'upload', 'acme']),
    state: z.enum(['waiting', 'in-force', 'retired']),
    hosts: z.array(z.string()),
    csr: z.string().nullable(),
    chain: z.string().nullable(),
    ca: z.string().nullable(),
    notAfter: z.string().nullable(),
    createdBy: z.string(),
    createdAt: z.string(),
    retiredAt: z.string().nullable(),
  })
  .meta({ id: 'StoredCertificate' })

const CertificateProblem = z.object({ code: z.string(), message: z.string(), advice: z.string() })

const PhoneVerdict = z.object({
  models: z.string().describe('Product names; `*` stands for the rest'),
  fromFirmware: z.string().nullable(),
  verdict: z.enum(['accepts', 'accepts-with-custom-ca', 'unknown', 'refuses']),
  reason: z.string(),
  certainty: z.enum(['documented', 'inferred']),
  note: z.string(),
})

export const ServerCertificate = z
  .object({
    source: z
      .enum(['files', 'csr', 'upload', 'acme', 'own'])
      .describe('`files`: OFFHOOK_TLS_CERT, which win over all others; `own`: our own CA signed it'),
    id: z.string().nullable(),
    subject: z.string(),
    issuer: z.string(),
    root: z.string().describe('What signed the last certificate of the chain'),
    hosts: z.array(z.string()),
    keyType: z.enum(['rsa', 'ec', 'other']),
    fingerprint: z.string().describe('SHA-256 in hex'),
    notBefore: z.string(),
    notAfter: z.string(),
    daysLeft: z.int(),
    customCa: z.boolean().describe('Profiles name our /ca.pem, so that phones learn the CA'),
    problems: z.array(CertificateProblem),
    phones: z.array(PhoneVerdict).describe('Which phones would take the server for ours'),
    waiting: z.array(StoredCertificate).describe('Requests that were not answered yet'),
  })
  .meta({ id: 'ServerCertificate' })

export const AcmeInput = z
  .object({
    directory: z
      .string()
      .max(2048)
      .refine(isAuthorityUrl, 'must be an https URL, like https://acme-v02.api.letsencrypt.org/directory'),
    email: z.email().max(254).optional().describe('Where the authority writes to'),
    hosts: z
      .array(z.string().max(253).refine(isAuthorizableHost, 'must be a full host name without wildcard'))
      .min(1)
      .max(CERTIFICATE_HOSTS_MAX)
      .optional()
      .describe('The first is the common name; default: the host of the public URL'),
    ca: pem.optional().describe('Root of a private authority, PEM: trusted there, and learned by phones'),
    agreeToTerms: z.literal(true).describe('You agree to the terms of service of the authority'),
  })
  .meta({ id: 'AcmeSettings' })

export const Acme = z
  .object({
    directory: z.string(),
    email: z.string().nullable(),
    hosts: z.array(z.string()),
    ca: z.string().nullable(),
    state: z.enum(['due', 'working', 'done', 'failed']).describe('`failed`: tried again at `nextAt`'),
    accountUrl: z.string().nullable(),
    lastError: z.string().nullable(),
    failures: z.int().describe('In a row'),
    triedAt: z.string().nullable(),
    nextAt: z.string(),
  })
  .meta({ id: 'Acme' })

export const Expiry = z
  .object({
    kind: z.enum(['server-certificate', 'waiting-certificate', 'device-ca', 'own-ca', 'token']),
    id: z.string(),
    name: z.string(),
    endsAt: z.string().nullable().describe('null: waits to be signed'),
    daysLeft: z.int().nullable(),
    advice: z.string(),
  })
  .meta({ id: 'Expiry' })

export const ExpiryQuery = z.object({
  days: z.coerce.number().int().min(1).max(36_500).default(366).describe('How far to look'),
  format: z.enum(['json', 'ics']).default('json'),
})
