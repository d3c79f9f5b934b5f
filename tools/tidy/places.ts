/** Where each file belongs, and what it may see from there: the direction table, as data. */

/**
 * A file belongs to the place with the longest `path` that it begins with.
 * `may` lists what it may import besides its own place; a name also stands for all that begin with it and a slash.
 * `node` and `packages` list what it may use of Node and of npm; undefined: anything of Node, any package that is installed
 * with the product.
 */
export interface Place {
  readonly name: string
  readonly path: string
  readonly may: readonly string[]
  readonly node?: readonly string[]
  readonly packages?: readonly string[]
}

/** What the operator owns. Pure, so that a decision can be tried without a database. */
export const NOUNS: readonly string[] = [
  'accounts',
  'devices',
  'profiles',
  'firmware',
  'rollout',
  'pki',
  'tr069',
  'discovery',
]

/** Where requests come in. Strangers to each other, so that each can run as a process of its own. */
export const DOORS: readonly string[] = ['nps', 'acs', 'rc', 'api', 'syslog']

const nouns = NOUNS.map((noun) => `server/${noun}`)

/** What store, doors and jobs stand on. `fetch` holds what the phone doors share, since they may not ask each other. */
const serverGround = [
  'protocol',
  ...nouns,
  'server/fetch',
  'server/config',
  'server/events',
  'server/package-root',
  'server/outbound',
  'server/papers',
  'server/tls',
  'server/metrics',
  'server/services',
]

const protocol: readonly Place[] = [
  { name: 'protocol', path: 'protocol/', may: ['protocol'], node: [], packages: [] },
  { name: 'protocol/xml', path: 'protocol/xml/', may: ['protocol'], node: [], packages: ['saxes'] },
  {
    name: 'protocol/envelope',
    path: 'protocol/envelope/',
    may: ['protocol'],
    node: ['node:crypto', 'node:zlib'],
    packages: [],
  },
  // The parameter tree of TR-069 over the catalogue of the profile.
  { name: 'protocol/data-model', path: 'protocol/data-model/', may: ['protocol'], node: [], packages: [] },
  // A firmware file names the digests of its parts.
  { name: 'protocol/firmware', path: 'protocol/firmware/', may: ['protocol'], node: ['node:crypto'], packages: [] },
  { name: 'protocol/digest', path: 'protocol/http/digest', may: ['protocol'], node: ['node:crypto'], packages: [] },
]

const phone: readonly Place[] = [
  { name: 'phone', path: 'phone/', may: ['phone', 'protocol'] },
  { name: 'phone/agent', path: 'phone/agent/', may: ['phone/agent', 'protocol'], node: [], packages: [] },
  {
    name: 'phone/agent/digest',
    path: 'phone/agent/digest',
    may: ['phone/agent', 'protocol'],
    node: ['node:crypto'],
    packages: [],
  },
]

const server: readonly Place[] = [
  ...NOUNS.map((noun) => ({
    name: `server/${noun}`,
    path: `server/${noun}/`,
    may: ['protocol', ...nouns],
    node: ['node:crypto', 'node:net'],
    packages: noun === 'pki' ? ['@peculiar/x509', 'reflect-metadata'] : [],
  })),
  {
    name: 'server/fetch',
    path: 'server/fetch/',
    may: ['protocol', ...nouns, 'server/events'],
    node: ['node:crypto'],
    packages: [],
  },
  { name: 'server/database', path: 'server/database/', may: ['protocol', 'server/config', 'server/package-root'] },
  { name: 'server/store', path: 'server/store/', may: [...serverGround, 'server/database'] },
  // The whole database as one file, and back.
  { name: 'server/backup', path: 'server/backup/', may: [...serverGround, 'server/store', 'server/database'] },
  ...[...DOORS, 'jobs'].map((door) => ({
    name: `server/${door}`,
    path: `server/${door}/`,
    may: [...serverGround, 'server/store', ...(door === 'acs' ? ['server/acs/connection-request'] : [])],
  })),
  // A raw connection to a URL that a device chose: it sees the guard and the language, and nothing of the door.
  {
    name: 'server/acs/connection-request',
    path: 'server/acs/connection-request/',
    may: ['protocol', 'server/outbound'],
    node: ['node:crypto', 'node:net'],
    packages: [],
  },
  // The guard of every request that we make to an address that somebody else chose, and the numbers that we show.
  { name: 'server/outbound', path: 'server/outbound/', may: ['protocol', 'server/config'] },
  // Sheets of paper as bytes: labels, and what a person types at a phone.
  {
    name: 'server/papers',
    path: 'server/papers/',
    may: ['protocol', ...nouns],
    node: [],
    packages: ['pdfkit', 'bwip-js'],
  },
  // What all doors for phones show in TLS.
  { name: 'server/tls', path: 'server/tls/', may: ['protocol', 'server/pki'] },
  { name: 'server/metrics', path: 'server/metrics/', may: ['protocol'] },
  { name: 'server/events', path: 'server/events.', may: ['protocol'], node: [], packages: [] },
  // Types only: what main.ts hands to doors and jobs.
  { name: 'server/services', path: 'server/services.', may: [...serverGround, 'server/store'] },
  { name: 'server/config', path: 'server/config.', may: ['protocol', 'server/events'] },
  { name: 'server/package-root', path: 'server/package-root.', may: [] },
  // The only ones that see all: the platform without its sockets, which the world uses too, and the whole server.
  { name: 'server/platform', path: 'server/platform.', may: ['protocol', 'server', 'rehearsal'] },
  // The certificate that the HTTPS door shows: for main.ts alone.
  { name: 'server/server-tls', path: 'server/server-tls', may: ['protocol', 'server'] },
  { name: 'server/testing', path: 'server/testing', may: ['protocol', 'server'] },
  { name: 'server/main', path: 'server/main.', may: ['protocol', 'server', 'rehearsal'] },
]

const outside: readonly Place[] = [
  { name: 'rehearsal', path: 'rehearsal/', may: ['phone/agent', ...nouns, 'protocol'] },
  { name: 'cli', path: 'cli/', may: ['cli', 'phone', 'server', 'protocol', 'rehearsal'] },
  // The example of first run lives in world/.
  { name: 'cli/start', path: 'cli/start.', may: ['cli', 'phone', 'server', 'protocol', 'world'] },
  { name: 'world', path: 'world/', may: ['protocol', 'phone', 'server', 'rehearsal', 'cli'] },
  { name: 'bench', path: 'bench/', may: ['protocol', 'phone', 'server', 'rehearsal', 'cli', 'world'] },
  { name: 'tools', path: 'tools/', may: ['protocol', 'phone', 'server', 'rehearsal', 'cli', 'world'] },
  { name: 'bin', path: 'bin/', may: ['tools', 'cli'] },
]

export const PLACES: readonly Place[] = [...protocol, ...phone, ...server, ...outside]

/** Parts that are not cut into folders with front doors of their own. */
export const UNDIVIDED_PARTS: ReadonlySet<string> = new Set(['cli', 'world', 'tools', 'bin', 'bench', 'rehearsal'])

/** Parts that end up on the operator's machine, and so may use only what is installed there. */
export const SHIPPED_PARTS: ReadonlySet<string> = new Set(['protocol', 'phone', 'server', 'rehearsal', 'cli'])

/** The one pure folder that makes keys, which cannot be handed in as an argument. */
export const KEY_MAKERS: ReadonlySet<string> = new Set(['server/pki'])

/** @returns the row of a file; undefined for a folder that has none, and for files outside all parts. */
export function placeOf(path: string, places: readonly Place[] = PLACES): Place | undefined {
  return places
    .filter((place) => path.startsWith(place.path))
    .reduce<Place | undefined>(
      (best, place) => (best && best.path.length > place.path.length ? best : place),
      undefined,
    )
}

export function isCode(path: string): boolean {
  return /\.[jt]sx?$/.test(path)
}

/** Tests, and what only tests use: `testing.ts`, `testing-database.ts`, and all in `testdata/`. */
export function isTest(path: string): boolean {
  return /\.test\.tsx?$|\/testing(?:-[\w-]+)?\.ts$|\/testdata\//.test(path)
}

/** Values in, values out: no clock, chance, environment or printing. A door's `answer.ts` decides and does nothing. */
export function isPure(path: string): boolean {
  if (!isCode(path) || isTest(path)) return false
  const [part, folder, name] = path.split('/')
  if (part === 'protocol') return true
  if (part === 'phone') return folder === 'agent'
  if (part !== 'server') return false
  return (
    NOUNS.includes(folder ?? '') || folder === 'events.ts' || (DOORS.includes(folder ?? '') && name === 'answer.ts')
  )
}
