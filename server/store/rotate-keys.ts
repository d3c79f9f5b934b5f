/** A new profile key for a bound device, as after a key may have become known. */
import type { MacAddress } from '../../protocol/identity.ts'
import { err, ok, type Result } from '../../protocol/result.ts'
import { announce } from './changes.ts'
import { createProfileKey } from './device-secrets.ts'
import type { DeviceProblem } from './devices.ts'
import { recordEvent } from './events.ts'
import { recordRevision } from './revisions.ts'
import type { Sql } from './sql.ts'
import type { Vault } from './vault.ts'

/** Generations that may be on their way at once: a phone that never takes a new key must not fill the table. */
const UNCONFIRMED_MAX = 5

/**
 * Issues the next generation. The phone gets it at its next fetch over certified TLS; the older key opens until the new
 * one is confirmed.
 * @returns the generation; `not-allowed` unless the device is bound
 */
export async function rotateProfileKey(
  sql: Sql,
  vault: Vault,
  who: string,
  mac: MacAddress,
): Promise<Result<number, DeviceProblem>> {
  const row = await sql.one<{ state: 'bound'; account_id: string; key_issued: number; key_confirmed: number }>({
    name: 'lock-device-keys',
    text: 'select state, account_id, key_issued, key_confirmed from device where mac = $1 for update',
    values: [mac],
  })
  if (row === undefined) return err({ kind: 'unknown' })
  const tooMany = row.key_issued - row.key_confirmed >= UNCONFIRMED_MAX
  if (row.state !== 'bound' || tooMany) return err({ kind: 'not-allowed', state: row.state })
  const generation = row.key_issued + 1
  await sql.run({
    name: 'issue-key-generation',
    text: 'update device set key_issued = $2 where mac = $1',
    values: [mac, generation],
  })
  await createProfileKey(sql, vault, mac, generation)
  await recordRevision(sql, { who, scope: 'device', target: mac, what: 'profile key changed', after: { generation } })
  await recordEvent(sql, {
    name: 'key.issued',
    trust: 'operator',
    mac,
    accountId: row.account_id,
    data: { generation },
  })
  await announce(sql, { kind: 'device', mac })
  return ok(generation)
}
