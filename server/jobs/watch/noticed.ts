/** Alarms about what the doors noticed since the last look. Pure. */
import type { CanaryHit, Drained, NetworkClaims, OverloadCounts } from '../../metrics/mod.ts'
import type { NewAlarm, StoredAlarm } from '../../store/mod.ts'

/** Connections that had to wait between two looks: fewer are the ordinary life of a busy hour. */
const DEFERRED_MANY = 200
/** Alarms of one kind from one look; a flood from many networks is one thing, and is counted as such. */
const NETWORKS_TOLD_MAX = 20

const QUIET_MS = { overload: 5 * 60_000, 'unknown-macs': 2 * 60 * 60_000, canary: 60 * 60_000 } as const

/** @param process that noticed it */
export function alarmsOf(drained: Drained, process: string): readonly NewAlarm[] {
  return [
    ...drained.canaries.map(canaryAlarm).filter(isFirstOfItsSubject),
    ...networkAlarms(drained.networks),
    ...overloadAlarms(drained.overload, process),
  ]
}

/** Two rows with one subject in one statement would touch one row twice. */
function isFirstOfItsSubject(alarm: NewAlarm, index: number, all: readonly NewAlarm[]): boolean {
  return all.findIndex(({ subject }) => subject === alarm.subject) === index
}

function canaryAlarm({ mac, peer, at, door }: CanaryHit): NewAlarm {
  return {
    kind: 'canary',
    subject: mac,
    mac,
    data: {
      peer,
      door,
      at: new Date(at).toISOString(),
      advice: 'No phone has this MAC, so somebody tries MACs from that address. He got what any unknown phone gets.',
    },
  }
}

function networkAlarms(networks: readonly NetworkClaims[]): readonly NewAlarm[] {
  const advice =
    'Somebody there tries MACs, or a bench of new phones is larger than the budget. Claims of that network are answered "later" for an hour; phones that prove themselves are served.'
  if (networks.length > NETWORKS_TOLD_MAX) {
    const dropped = networks.reduce((sum, each) => sum + each.dropped, 0)
    const names = networks.slice(0, NETWORKS_TOLD_MAX).map(({ network }) => network)
    return [{ kind: 'unknown-macs', subject: '-', data: { networks: networks.length, names, dropped, advice } }]
  }
  return networks.map(({ network, unknownMacs, dropped }) => ({
    kind: 'unknown-macs',
    subject: network,
    data: { unknownMacs, dropped, advice },
  }))
}

function overloadAlarms(overload: OverloadCounts, process: string): readonly NewAlarm[] {
  const { deferred, later } = overload
  const closed = overload['closed-early'] + overload['given-up']
  if (deferred < DEFERRED_MANY && closed + later === 0) return []
  return [
    {
      kind: 'overload',
      subject: process,
      data: {
        deferred,
        closed,
        later,
        advice:
          'More phones came at once than this machine can take: see GET /api/v1/capacity for the delays that spread them.',
      },
    },
  ]
}

/** Alarms about something that has not been seen for a while. A canary's must also have been looked at by somebody. */
export function isOver(alarm: StoredAlarm, now: number): boolean {
  if (alarm.kind !== 'overload' && alarm.kind !== 'unknown-macs' && alarm.kind !== 'canary') return false
  if (alarm.kind === 'canary' && alarm.state !== 'acknowledged') return false
  return now - alarm.lastAt.getTime() >= QUIET_MS[alarm.kind]
}
