/** Lines that are added, from the number that the device gives them to the values that they get, in one session. */
import { describe, expect, it } from 'vitest'
import type { CwmpRpc } from '../../protocol/cwmp/mod.ts'
import type { ResolvedParameter } from '../profiles/mod.ts'
import { textHash } from './identity.ts'
import { startPlan, type Plan } from './plan.ts'
import { bring, CONTEXT, drive, fault, NOW, TreeDevice, type Weakness, written } from './testing-device.ts'
import { type Wished, wishedOf } from './wished.ts'

const LINES = 'Device.Services.VoiceService.1.VoiceProfile.1.Line.'
const STATE = { root: 'Device.', treeAt: undefined, batchMax: 256, refused: {} }
const WORD = 'made-up-word'

/** A line as the phone shows it. */
function line(instance: number, userId = ''): Readonly<Record<string, string>> {
  const at = `${LINES}${instance}.`
  return {
    [`${at}Status`]: 'Up',
    [`${at}DirectoryNumber`]: userId,
    [`${at}SIP.AuthUserName`]: userId,
    [`${at}SIP.AuthPassword`]: '',
  }
}

/** A profile with these user IDs, one a line. @param secure else nothing comes as a file, and no password */
function wishedFor(userIds: readonly string[], secure = true): (plan: Plan) => Wished {
  const values = userIds.flatMap((userId, index) => [
    [`User_ID_${index + 1}_`, userId],
    [`Password_${index + 1}_`, WORD],
  ])
  const row = { ua: undefined, preserve: false, userPref: undefined, secret: false, overrode: [] } as const
  const origin = { kind: 'platform', id: '' } as unknown as ResolvedParameter['origin']
  const profile = new Map(values.map(([element = '', value = '']) => [element, { ...row, value, origin }]))
  const state = { root: 'Device.', configVersion: undefined, caVersion: undefined, informSeconds: 3600 }
  return ({ tree, refused }) =>
    wishedOf({
      ledBy: 'tr069',
      profile,
      lineCount: 10,
      linesWished: userIds.length,
      tree,
      state: { ...state, refused },
      secretsMayGo: secure,
      connectionRequest: undefined,
      informSeconds: 3600,
      macOf: CONTEXT.macOf,
      hashOf: textHash,
      configUrl: 'https://a.example/cisco-init',
      customCa: undefined,
    })
}

function phone(values: Readonly<Record<string, string>>, userIds: readonly string[], weakness: Weakness = {}) {
  const device = new TreeDevice(values, weakness)
  const { plan } = drive(startPlan(STATE, NOW), (request) => device.answer(request))
  device.asked.length = 0
  const run = bring(plan, wishedFor(userIds), (request) => device.answer(request))
  return { device, ...run }
}

function sets(asked: readonly CwmpRpc[]) {
  return asked.flatMap((each) => (each.kind === 'SetParameterValues' ? [each.parameters] : []))
}

describe('lines that are added', () => {
  it('get their values in the next request, under the number that the device gave [TR-069 §7 AddObject]', () => {
    const { device, kinds, plan } = phone(line(1, '11'), ['11', '12'])
    expect(kinds).toEqual([
      'GetParameterNames',
      'AddObject',
      'SetParameterValues',
      'SetParameterAttributes',
      'GetParameterNames',
      'GetParameterValues',
    ])
    const [values] = sets(device.asked)
    expect(values?.filter(({ name }) => name.startsWith(`${LINES}2.`))).toEqual([
      { name: `${LINES}2.DirectoryNumber`, type: 'string', value: '12' },
      { name: `${LINES}2.SIP.AuthUserName`, type: 'string', value: '12' },
      { name: `${LINES}2.SIP.AuthPassword`, type: 'string', value: WORD },
    ])
    expect([plan.stage, plan.short, plan.refused]).toEqual(['wished', false, {}])
  })

  it('are set together, with all else that is wished, however many they are [TR-069 §7]', () => {
    const { device, kinds } = phone(line(1, 'old'), ['11', '12', '13', '14'])
    expect(kinds.filter((kind) => kind === 'AddObject')).toHaveLength(3)
    expect(kinds.filter((kind) => kind === 'SetParameterValues')).toHaveLength(1)
    expect([1, 2, 3, 4].map((each) => device.values.get(`${LINES}${each}.DirectoryNumber`))).toEqual([
      '11',
      '12',
      '13',
      '14',
    ])
  })

  it('are counted by their order where numbers are missing: the second line need not be number 2 [TR-069 §7 AddObject]', () => {
    const { device, plan } = phone({ ...line(1, '11'), ...line(4, '12') }, ['11', '12', '13'])
    expect(device.values.get(`${LINES}5.DirectoryNumber`)).toBe('13')
    expect(device.values.get(`${LINES}4.DirectoryNumber`)).toBe('12')
    expect(plan.short).toBe(false)
  })

  it('are stored as the device tells of them, and a secret of them as its keyed hash only [TR-069 §10 rule 1]', () => {
    const { writes, plan } = phone(line(1, '11'), ['11', '12'], { lacks: ['SIP.AuthUserName'] })
    const stored = new Set(written(writes, 'parameters').flatMap(({ rows }) => rows.map(({ path }) => path)))
    expect(stored.has(`${LINES}2.Status`)).toBe(true)
    expect(stored.has(`${LINES}2.SIP.AuthUserName`)).toBe(false)
    expect(plan.refused).toMatchObject({ [`${LINES}2.SIP.AuthUserName`]: { code: 9005 } })
    const secret = plan.tree.get(`${LINES}2.SIP.AuthPassword`)
    expect(secret?.sentMac).toBe(CONTEXT.macOf(`${LINES}2.SIP.AuthPassword`, WORD))
    expect(JSON.stringify(writes)).not.toContain(WORD)
  })

  it('get also what only they have, once it is known', () => {
    const device = new TreeDevice({ [`${LINES}1.Status`]: 'Up' }, { only: ['DirectoryNumber'] })
    const { plan } = drive(startPlan(STATE, NOW), (request) => device.answer(request))
    const run = bring(plan, wishedFor(['11', '12'], false), (request) => device.answer(request))
    expect(run.kinds.slice(-2)).toEqual(['GetParameterValues', 'SetParameterValues'])
    expect(device.values.get(`${LINES}2.DirectoryNumber`)).toBe('12')
  })

  it.each([9001, 9002])('are not asked for twice in a session where their values are answered with %i', (code) => {
    const device = new TreeDevice(line(1, '11'))
    const { plan } = drive(startPlan(STATE, NOW), (request) => device.answer(request))
    const run = bring(plan, wishedFor(['11', '12']), (request) =>
      request.kind === 'SetParameterValues' ? fault(code) : device.answer(request),
    )
    expect(run.kinds.filter((kind) => kind === 'SetParameterValues')).toHaveLength(1)
    expect([run.plan.short, run.plan.tree.get(`${LINES}2.Status`)?.value]).toEqual([true, 'Disabled'])
  })

  it('of a device that has none yet are learned first and set in the same session [TR-069 §10 rule 1]', () => {
    const device = new TreeDevice({ 'Device.X': '1' }, { only: ['DirectoryNumber'] })
    device.objects.add(LINES)
    const { plan } = drive(startPlan(STATE, NOW), (request) => device.answer(request))
    const run = bring(plan, wishedFor(['11'], false), (request) => device.answer(request))
    expect(run.kinds).toEqual([
      'GetParameterNames',
      'AddObject',
      'GetParameterNames',
      'GetParameterValues',
      'SetParameterValues',
      'SetParameterAttributes',
    ])
    expect(device.values.get(`${LINES}1.DirectoryNumber`)).toBe('11')
  })

  it.each(['AddObject', 'SetParameterAttributes'])(
    'get their values in the next session where the answer to %s was lost [TR-069 §11]',
    (kind) => {
      const device = new TreeDevice(line(1, '11'))
      const { plan } = drive(startPlan(STATE, NOW), (request) => device.answer(request))
      const before = new Map(plan.tree)
      const lost = bring(plan, wishedFor(['11', '12']), (request) => {
        const said = device.answer(request)
        return request.kind === kind ? undefined : said
      })
      // What is stored by then.
      for (const { rows } of written(lost.writes, 'parameters')) {
        for (const row of rows) before.set(row.path, { ...before.get(row.path), ...row })
      }
      device.values.set(`${LINES}2.DirectoryNumber`, '')
      const run = bring({ ...plan, tree: before }, wishedFor(['11', '12']), (request) => device.answer(request))
      expect(run.kinds).not.toContain('AddObject')
      expect(device.values.get(`${LINES}2.DirectoryNumber`)).toBe('12')
    },
  )
})
