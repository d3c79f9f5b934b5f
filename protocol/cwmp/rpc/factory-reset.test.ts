import { test } from 'vitest'

import { expectSample, type Sample } from '../testing-samples.ts'

const CASES: readonly Sample[] = [
  { body: { kind: 'FactoryReset' }, xml: '<cwmp:FactoryReset/>' },
  { body: { kind: 'FactoryResetResponse' }, xml: '<cwmp:FactoryResetResponse/>' },
]

test.each(CASES)('reads, writes and mirrors $body.kind [TR-069 §7]', expectSample)
