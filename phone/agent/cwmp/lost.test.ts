import { describe, expect, it } from 'vitest'
import type { CwmpBody } from '../../../protocol/cwmp/mod.ts'
import { profile } from '../testdata/bench.ts'
import { download, setValues } from './testdata/acs.ts'
import { ACS_URL, Desk, type DeskOptions } from './testdata/desk.ts'

const FILE = 'http://files.test:80/job.xml'
const ASKS: readonly CwmpBody[] = [
  setValues({ 'Device.ManagementServer.PeriodicInformInterval': '3000' }, 'v2'),
  download(),
  { kind: 'Reboot', commandKey: 'again' },
]
/** More exchanges than the sessions of these tests have. */
const STEPS = 20

/** A phone with all that a session can hold, and trouble on the way. */
function through(lost: DeskOptions['lost']): Desk {
  const desk = new Desk({ files: { [FILE]: profile({ GPP_A: 'new' }) }, ...(lost === undefined ? {} : { lost }) })
  desk.acs.ask(...ASKS)
  return desk
}

/** Everything has happened, nothing twice, and nobody is owed anything. */
function expectAllDone(desk: Desk, where: string): void {
  const { tr069 } = desk.flash
  const accepted = tr069.nextTransferId - 1
  const count = (name: string): number => desk.bench.names().filter((one) => one === name).length
  const codes = desk.acs.informs.flatMap(({ events }) => events.map(({ code }) => code))
  expect({
    where,
    applied: count('profile-applied'),
    reported: desk.acs.transfers.length >= accepted && accepted >= 1,
    boots: codes.includes('0 BOOTSTRAP') && codes.includes('1 BOOT'),
    rebooted: codes.includes('M Reboot'),
    left: [tr069.transfers, tr069.events, tr069.rebootKeys, tr069.changed],
    key: tr069.parameterKey,
    acs: tr069.bootstrappedUrl,
    session: desk.bench.agent.ram.cwmp.session,
    failures: desk.bench.agent.ram.cwmp.failureCount,
    interval: desk.bench.parameter('Periodic_Inform_Interval'),
    value: desk.bench.parameter('GPP_A'),
  }).toEqual({
    where,
    applied: accepted,
    reported: true,
    boots: true,
    rebooted: true,
    left: [[], [], [], []],
    key: 'v2',
    acs: ACS_URL,
    session: undefined,
    failures: 0,
    interval: '3000',
    value: 'new',
  })
}

describe('a connection that is lost', () => {
  it('costs nothing and does nothing twice, at every message and on either way [TR-069 §1.1, §5.1, §6]', () => {
    for (let step = 1; step <= STEPS; step += 1) {
      for (const fate of ['request', 'answer'] as const) {
        const desk = through((count) => (count === step ? fate : undefined)).boot(200)
        expectAllDone(desk, `${fate} ${step}`)
      }
    }
  })

  it('again and again at the same place is outlived as well', () => {
    for (let step = 1; step <= STEPS; step += 1) {
      const desk = through((count) => (count >= step && count < step + 4 ? 'answer' : undefined)).boot(900)
      expectAllDone(desk, `four answers from ${step}`)
    }
  })

  it('together with the power costs nothing and does nothing twice, at every moment of a session', () => {
    for (let step = 0; step < 60; step += 1) {
      const desk = through(undefined)
      desk.bench.boot(1)
      desk.pass(step * 0.005)
      desk.bench.cut().pass(200)
      expectAllDone(desk, `power cut after ${step * 5} ms`)
    }
  })

  it('tells an event once more only where its answer was lost', () => {
    for (let step = 1; step <= STEPS; step += 1) {
      const desk = through((count) => (count === step ? 'request' : undefined)).boot(200)
      const told = desk.acs.informs.filter(({ events }) => events.some(({ code }) => code === '0 BOOTSTRAP'))
      expect([step, told.length]).toEqual([step, 1])
    }
  })
})
