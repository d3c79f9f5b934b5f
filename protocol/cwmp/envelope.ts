/** What stands around an RPC: the envelope, its headers and its body, collected while the parser runs. */
import type { Collector, Opening } from './collectors.ts'
import { fault } from './rpc/fault.ts'
import { isRpcName, RPCS } from './rpc/all.ts'
import { boolean, type Codec, field, mapped, struct, text, unsignedInt } from './schema.ts'
import type { CwmpBody, CwmpHeaders } from './types.ts'

/** An envelope as far as it was read. */
export interface Envelope {
  id: string | undefined
  headers: CwmpHeaders
  /** Undefined: Body was empty or missing. */
  body: CwmpBody | undefined
}

function optional<T>(codec: Codec<T>): Codec<T | undefined> {
  return {
    ...mapped<T, T | undefined>(
      codec,
      (value) => value,
      (value) => value ?? codec.missing,
    ),
    missing: undefined,
  }
}

// Every other header is ignored, even one that must be understood [TR-069 §3.2].
const header = struct({
  id: field('ID', optional(text)),
  sessionTimeoutSeconds: field('SessionTimeout', optional(unsignedInt)),
  holdRequests: field('HoldRequests', optional(boolean)),
  supported: field('SupportedCWMPVersions', optional(text)),
  useVersion: field('UseCWMPVersion', optional(text)),
})

// Five versions exist; the text of a header may be as long as a message.
const VERSIONS_MAX = 64

function versionsOf(list: string): readonly string[] {
  const versions = list.split(',', VERSIONS_MAX).map((one) => one.trim())
  return versions.filter((one) => one !== '')
}

/** Collects an envelope into `into`; `onRpc` hears where the RPC begins. */
export function collectEnvelope(into: Envelope, onRpc: () => void): Collector {
  return {
    child(opening) {
      if (opening.name === 'Header') return collectHeader(into, opening)
      return opening.name === 'Body' ? collectBody(into, onRpc) : undefined
    },
    text: ignore,
    end: ignore,
  }
}

function collectHeader(into: Envelope, opening: Opening): Collector {
  return header.open(opening, ({ id, sessionTimeoutSeconds, holdRequests, supported, useVersion }) => {
    into.id = id
    into.headers = {
      ...(sessionTimeoutSeconds === undefined ? {} : { sessionTimeoutSeconds }),
      ...(holdRequests === undefined ? {} : { holdRequests }),
      ...(supported === undefined ? {} : { supportedVersions: versionsOf(supported) }),
      ...(useVersion === undefined ? {} : { useVersion: useVersion.trim() }),
    }
  })
}

function collectBody(into: Envelope, onRpc: () => void): Collector {
  let begun = false
  return {
    child(opening) {
      // One envelope carries one RPC [TR-069 §3.1]; tool kits put copies of nothing behind it.
      if (begun) return undefined
      begun = true
      onRpc()
      return openRpc(opening, (body) => {
        into.body = body
      })
    },
    text: ignore,
    end: ignore,
  }
}

function openRpc(opening: Opening, done: (body: CwmpBody) => void): Collector {
  const kind = opening.name
  if (kind === 'Fault') return fault.open(opening, (content) => done({ kind, ...content }))
  if (!isRpcName(kind))
    return { child: () => undefined, text: ignore, end: () => done({ kind: 'Unknown', name: kind }) }
  // The table holds for each kind the codec of its content, which the type of a union cannot say.
  const codec = RPCS[kind] as unknown as Codec<object>
  return codec.open(opening, (content) => done({ kind, ...content } as CwmpBody))
}

function ignore(): void {
  // White space between elements, or an element whose parts were taken already.
}
