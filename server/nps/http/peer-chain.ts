/** The certificates that a phone showed, also on a session that TLS resumed. */
import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { PeerChain, ProvenCertificate } from '../../pki/types.ts'

/** Certificates of one chain that are looked at. */
const CHAIN_MAX = 6
/** Phones whose intermediates are remembered. The intermediates themselves are few and kept once. */
const PHONES_MAX = 50_000
const INTERMEDIATES_MAX = 1000

type Prove = (chain: PeerChain) => ProvenCertificate | undefined

/**
 * A resumed session carries the phone's own certificate and no other, so what a proved phone sent along at its full
 * handshake is remembered. The proof itself is never remembered here: it is made anew with the CAs in force.
 */
export function createChainProver(): (socket: TLSSocket, prove: Prove) => ProvenCertificate | undefined {
  const intermediates = new Map<string, Uint8Array>()
  const sentAlong = new Map<string, readonly string[]>()

  function remember(certificates: readonly X509Certificate[]): void {
    const [leaf, ...rest] = certificates
    if (leaf === undefined || rest.length === 0 || intermediates.size + rest.length > INTERMEDIATES_MAX) return
    for (const each of rest) intermediates.set(each.fingerprint256, each.raw)
    if (sentAlong.size >= PHONES_MAX) sentAlong.delete(sentAlong.keys().next().value ?? '')
    sentAlong.set(
      leaf.fingerprint256,
      rest.map((each) => each.fingerprint256),
    )
  }

  function recall(leaf: X509Certificate): PeerChain {
    const rest = (sentAlong.get(leaf.fingerprint256) ?? []).map((fingerprint) => intermediates.get(fingerprint))
    return rest.filter((der) => der !== undefined)
  }

  const leaves = new WeakMap<TLSSocket, { readonly leaf: X509Certificate; readonly chain: PeerChain }>()

  /** Read once for each connection; it cannot become another's. */
  function leafOf(socket: TLSSocket) {
    const known = leaves.get(socket)
    if (known !== undefined) return known
    const leaf = socket.getPeerX509Certificate()
    if (leaf === undefined) return undefined
    const made = { leaf, chain: [leaf.raw] }
    leaves.set(socket, made)
    return made
  }

  return (socket, prove) => {
    const read = leafOf(socket)
    if (read === undefined) return undefined
    const { leaf } = read
    // Nearly always enough: issued by a CA of ours itself, or proved before.
    const alone = prove(read.chain)
    if (alone !== undefined) return alone
    const certificates = certificatesOf(leaf)
    const chain = certificates.map(({ raw }) => raw)
    if (socket.isSessionReused() && chain.length === 1) return prove([leaf.raw, ...recall(leaf)])
    const proven = prove(chain)
    if (proven !== undefined) remember(certificates)
    return proven
  }
}

function certificatesOf(leaf: X509Certificate): readonly X509Certificate[] {
  const certificates: X509Certificate[] = []
  // Not `getPeerCertificate`, which reads every field of every certificate before anybody asks.
  let current: X509Certificate | undefined = leaf
  while (current !== undefined && certificates.length < CHAIN_MAX) {
    certificates.push(current)
    current = current.issuerCertificate
  }
  return certificates
}
