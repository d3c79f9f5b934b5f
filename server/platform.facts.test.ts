import { describe, expect, it } from 'vitest'
import type { MacAddress } from '../protocol/identity.ts'
import { loadDeviceFacts, loadManyDeviceFacts } from './store/mod.ts'
import { providerOn } from './testing-provider.ts'
import { openTestPlatform } from './testing.ts'

const { platform } = await openTestPlatform()
const { bound } = providerOn(platform)
const { db, vault } = platform

describe('facts of many devices', () => {
  it('are the same as those of each alone, with layers that are known and with new ones', async () => {
    await db.run({
      name: 'test-layer',
      text: `with made as (insert into revision (who, scope, target, what) values ('test', 'layer/platform', '-', 'x') returning id)
             insert into layer (scope, id, parameters, revision_id)
             select 'platform', '-', '{"Text_Logo": {"value": "Shop"}}', id from made`,
      values: [],
    })
    const macs = [(await bound()).mac, (await bound()).mac, (await bound({ delivery: 'sealed' })).mac]
    const absent = '000000000001' as MacAddress
    await platform.flush()
    const alone = await Promise.all(macs.map((mac) => loadDeviceFacts(db, vault, mac)))
    for (const _ of ['layers are sent', 'layers are known']) {
      const together = await loadManyDeviceFacts(db, vault, [...macs, absent])
      expect(macs.map((mac) => together.get(mac))).toEqual(alone)
      expect(together.has(absent)).toBe(false)
    }
    expect(alone[0]?.layers[0]?.parameters.get('Text_Logo')?.value).toBe('Shop')
  })

  it('share the layers that they have in common', async () => {
    const macs = [(await bound()).mac, (await bound()).mac]
    const together = await loadManyDeviceFacts(db, vault, macs)
    const [first, second] = macs.map((mac) => together.get(mac)?.layers[0])
    expect(first).toBeDefined()
    expect(first).toBe(second)
  })
})
