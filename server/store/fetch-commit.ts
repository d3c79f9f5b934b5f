/** Decides a fetch again under locks and writes what was decided, in one transaction. */
import type { MacAddress } from '../../protocol/identity.ts'
import { assertNever } from '../../protocol/result.ts'
import type { Database } from '../database/mod.ts'
import type { DeviceFacts } from '../devices/mod.ts'
import { type FetchAnswer, type FetchCommit, type FetchFacts, refusal } from '../fetch/mod.ts'
import { commitBinding, commitHold, lockForBinding } from './binding.ts'
import { announce } from './changes.ts'
import { loadCodeFacts, loadCustomerFacts, loadDeviceFacts } from './facts.ts'
import { dropSecrets } from './device-secrets.ts'
import { insertReport } from './reports.ts'
import type { Sql } from './sql.ts'
import { hashOfToken, type Vault } from './vault.ts'

type FreshFacts = Pick<FetchFacts, 'device' | 'code' | 'customer'>

/**
 * @param keys   what the request named: the device and, when binding, the token of the URL
 * @param decide the pure decision, given facts that nobody else can change now
 */
export async function decideAndCommit(
  db: Database,
  vault: Vault,
  keys: { readonly mac: MacAddress; readonly token: string | undefined },
  decide: (facts: FreshFacts) => FetchAnswer,
): Promise<{ readonly answer: FetchAnswer; readonly device: DeviceFacts | undefined }> {
  return db.transaction(async (tx) => {
    await lockForBinding(tx, {
      mac: keys.mac,
      ...(keys.token === undefined ? {} : { codeHash: hashOfToken(keys.token), customerId: keys.token }),
    })
    const facts = await loadFresh(tx, vault, keys)
    const answer = decide(facts)
    let holds = true
    for (const commit of answer.commits) holds = (await write(tx, vault, commit)) && holds
    if (!holds)
      return { answer: refusal('released-device', { mac: keys.mac, trust: 'certified' }), device: facts.device }
    // A farewell clears what the old facts held, so it is rendered from them.
    const farewell = answer.content.kind === 'farewell-profile'
    return { answer, device: farewell ? facts.device : await loadDeviceFacts(tx, vault, keys.mac) }
  })
}

async function loadFresh(
  tx: Sql,
  vault: Vault,
  keys: { readonly mac: MacAddress; readonly token: string | undefined },
): Promise<FreshFacts> {
  const device = await loadDeviceFacts(tx, vault, keys.mac)
  if (keys.token === undefined) return { device, code: undefined, customer: undefined }
  const code = await loadCodeFacts(tx, hashOfToken(keys.token))
  const customer = await loadCustomerFacts(tx, keys.token)
  return { device, code, customer }
}

/** @returns false when another request was first and the decision no longer holds */
async function write(tx: Sql, vault: Vault, commit: FetchCommit): Promise<boolean> {
  switch (commit.kind) {
    case 'bind':
      await commitBinding(tx, vault, commit)
      return true
    case 'hold':
      await commitHold(tx, commit)
      return true
    case 'farewell-served':
      return takeFarewell(tx, commit.mac)
    case 'confirm-key':
      await confirmKey(tx, commit.mac, commit.generation)
      return true
    case 'store-report':
      await insertReport(tx, vault, commit)
      return true
    default:
      return assertNever(commit)
  }
}

async function takeFarewell(tx: Sql, mac: MacAddress): Promise<boolean> {
  const changed = await tx.run({
    name: 'take-farewell',
    text: 'update device set farewell_owed = false where mac = $1 and farewell_owed',
    values: [mac],
  })
  await dropSecrets(tx, mac, 'all')
  await announce(tx, { kind: 'device', mac })
  return changed > 0
}

/** Only now are older keys dropped. */
async function confirmKey(tx: Sql, mac: MacAddress, generation: number): Promise<void> {
  await tx.run({
    name: 'confirm-key',
    text: 'update device set key_confirmed = greatest(key_confirmed, $2) where mac = $1 and key_issued >= $2',
    values: [mac, generation],
  })
  await tx.run({
    name: 'drop-older-keys',
    text: `delete from device_secret s using device d
            where d.mac = $1 and s.mac = d.mac and s.name = 'profile-key' and s.generation < d.key_confirmed`,
    values: [mac],
  })
  await announce(tx, { kind: 'device', mac })
}
