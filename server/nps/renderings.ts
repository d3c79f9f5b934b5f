/**
 * Rendered profiles, kept by device facts and within a byte budget. Facts are values: new facts are a new key, so an
 * entry can never be stale.
 */
import { createHmac } from 'node:crypto'
import { gzip, joinGzip, type PackedPart, packPart, sealSalted } from '../../protocol/envelope/mod.ts'
import { concatBytes } from '../../protocol/bytes.ts'
import { assert } from '../../protocol/result.ts'
import type { DeviceFacts } from '../devices/mod.ts'
import {
  type Piece,
  type PlatformFacts,
  renderEmptyProfile,
  renderFarewellProfile,
  renderFirstProfile,
  renderHeldProfile,
  renderOwnPieces,
  renderRcRedirect,
  renderSealedPieces,
} from '../profiles/mod.ts'

const SALT_BYTES = 8

export interface OwnRendering {
  readonly bytes: Uint8Array
  readonly version: string
}

export interface Renderings {
  own(facts: DeviceFacts, platform: PlatformFacts): OwnRendering
  sealed(facts: DeviceFacts, platform: PlatformFacts, generation: number): Uint8Array
  farewell(facts: DeviceFacts, platform: PlatformFacts): Uint8Array
  sealedFarewell(facts: DeviceFacts, platform: PlatformFacts, generation: number): Uint8Array
  held(platform: PlatformFacts): Uint8Array
  first(platform: PlatformFacts): Uint8Array
  rcRedirect(platform: PlatformFacts): Uint8Array
  empty(): Uint8Array
}

/** Each made when it is first asked for: most phones only ever fetch one of them. */
interface Entry {
  readonly platform: PlatformFacts
  own: OwnRendering | undefined
  readonly sealed: Map<number, Uint8Array>
}

/** The cache hangs on the facts objects, whose own cache is bounded: what leaves there leaves here. */
export function createRenderings(): Renderings {
  const entries = new WeakMap<DeviceFacts, Entry>()
  const encoder = new TextEncoder()
  const text = (profile: string): Uint8Array => encoder.encode(profile)

  function entryOf(facts: DeviceFacts, platform: PlatformFacts): Entry {
    const known = entries.get(facts)
    if (known !== undefined && known.platform === platform) return known
    const entry = { platform, own: undefined, sealed: new Map() }
    entries.set(facts, entry)
    return entry
  }

  function ownOf(facts: DeviceFacts, platform: PlatformFacts): OwnRendering {
    const entry = entryOf(facts, platform)
    if (entry.own !== undefined) return entry.own
    const { pieces, version } = renderOwnPieces(facts, platform)
    entry.own = { bytes: concatBytes(pieces.map(({ bytes }) => bytes)), version }
    return entry.own
  }

  return {
    own: ownOf,
    sealed(facts, platform, generation) {
      const entry = entryOf(facts, platform)
      const known = entry.sealed.get(generation)
      if (known !== undefined) return known
      const sealed = sealDeterministic(
        packPieces(renderSealedPieces(facts, platform, generation)),
        keyOf(facts, generation),
      )
      entry.sealed.set(generation, sealed)
      return sealed
    },
    farewell: (facts, platform) => text(renderFarewellProfile(facts, platform)),
    sealedFarewell: (facts, platform, generation) =>
      sealDeterministic(gzip(text(renderFarewellProfile(facts, platform)), 'quick'), keyOf(facts, generation)),
    held: (platform) => text(renderHeldProfile(platform)),
    first: (platform) => text(renderFirstProfile(platform)),
    rcRedirect: (platform) => text(renderRcRedirect(platform)),
    empty: () => text(renderEmptyProfile()),
  }
}

function keyOf(facts: DeviceFacts, generation: number): string {
  const key = facts.secrets?.profileKeys.get(generation)
  assert(key !== undefined, 'a profile is sealed only under a key that we hold')
  return key
}

/** What phones share is packed once. */
const packed = new WeakMap<Piece, PackedPart>()

function packPieces(pieces: readonly Piece[]): Uint8Array {
  return joinGzip(pieces.map((piece) => (piece.shared ? packShared(piece) : packPart(piece.bytes, 'once'))))
}

function packShared(piece: Piece): PackedPart {
  const known = packed.get(piece)
  if (known !== undefined) return known
  const made = packPart(piece.bytes)
  packed.set(piece, made)
  return made
}

/** The OpenSSL container. The salt comes from key and content: equal input gives equal bytes (MPP §2.1, §2.2). */
function sealDeterministic(packedText: Uint8Array, key: string): Uint8Array {
  const salt = createHmac('sha256', key).update(packedText).digest().subarray(0, SALT_BYTES)
  return sealSalted(packedText, key, salt)
}
