import { test } from 'vitest'

import { expectSample, type Sample } from '../testing-samples.ts'

const CASES: readonly Sample[] = [
  {
    body: { kind: 'ScheduleInform', delaySeconds: 60, commandKey: 'j1' },
    xml: '<cwmp:ScheduleInform><DelaySeconds>60</DelaySeconds><CommandKey>j1</CommandKey></cwmp:ScheduleInform>',
  },
  {
    body: { kind: 'ScheduleInformResponse' },
    xml: '<cwmp:ScheduleInformResponse/>',
  },
]

test.each(CASES)('reads, writes and mirrors $body.kind [TR-069 §7]', expectSample)
