/** Shapes of the watch: alarms, canaries, capacity. */
import { z } from 'zod'
import { ALARM_KINDS, ALARM_STATES } from '../../store/mod.ts'

export const Alarm = z
  .object({
    id: z.string(),
    kind: z.enum(ALARM_KINDS),
    subject: z.string().describe('A MAC, a network, `account/<id>`, a process, or `-` for everything'),
    mac: z.string().nullable(),
    accountId: z.string().nullable(),
    state: z.enum(ALARM_STATES),
    count: z.int().describe('How often it was seen or changed since it was raised'),
    text: z.string(),
    advice: z.string(),
    data: z.record(z.string(), z.unknown()),
    raisedAt: z.string(),
    lastAt: z.string(),
    acknowledgedAt: z.string().nullable(),
    acknowledgedBy: z.string().nullable(),
    clearedAt: z.string().nullable(),
  })
  .meta({ id: 'Alarm' })

export const Canary = z
  .object({ mac: z.string(), note: z.string(), createdBy: z.string(), createdAt: z.string() })
  .meta({ id: 'Canary' })

const Measured = z.object({
  handshakesPerSecond: z.number(),
  requestsPerSecond: z.number(),
  rendersPerSecond: z.number(),
})

export const Capacity = z
  .object({
    processes: z.array(
      z.object({
        process: z.string(),
        now: z.object({
          handshakesPerSecond: z.number(),
          requestsPerSecond: z.number(),
          loopDelayMs: z.number(),
          utilisation: z.number().describe('Share of its time that the process works, 0 to 1'),
        }),
        measured: Measured.nullable().describe('Full handshakes, requests of a profile in memory, renderings'),
        measuredAt: z.string().nullable(),
      }),
    ),
    measured: Measured.nullable().describe('All processes together; null until one was measured'),
    fleet: z.object({ bound: z.int(), all: z.int() }),
    storm: z
      .object({
        seconds: z.number().describe('Until all were served when all come at once'),
        spreadSeconds: z.number().describe('Over how long they should be spread'),
        phonesPerSecond: z.number().describe('Served with room to spare'),
        periodicShare: z.number().describe('Share of the machine that the periodic resyncs take on average'),
      })
      .nullable(),
  })
  .meta({ id: 'Capacity' })

export const Suggestion = z
  .object({
    scope: z.literal('provider'),
    id: z.literal('-'),
    parameters: z.record(z.string(), z.object({ value: z.string() })),
    why: z.string(),
  })
  .meta({ id: 'CapacitySuggestion' })
