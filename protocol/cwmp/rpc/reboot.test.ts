import { test } from 'vitest'

import { expectSample, type Sample } from '../testing-samples.ts'

const CASES: readonly Sample[] = [
  { body: { kind: 'Reboot', commandKey: 'j1' }, xml: '<cwmp:Reboot><CommandKey>j1</CommandKey></cwmp:Reboot>' },
  { body: { kind: 'RebootResponse' }, xml: '<cwmp:RebootResponse/>' },
]

test.each(CASES)('reads, writes and mirrors $body.kind [TR-069 §7]', expectSample)
