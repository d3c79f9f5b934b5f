/** Answers what the ACS asks: one entry for each method of the phone [TR-069 §4.3, §7]. */
import { CPE_METHODS, type CwmpBody } from '../../../protocol/cwmp/mod.ts'
import type { Moment } from '../turn.ts'
import type { Agent } from '../types.ts'
import { type Answer, answerOf, KEY_CHARS_MAX, refusal } from './answer.ts'
import { withMemory } from './events.ts'
import { REBOOT_EVENTS_MAX } from './memory.ts'
import { getParameterAttributes, setParameterAttributes } from './rpc-attributes.ts'
import { getParameterNames } from './rpc-names.ts'
import { addObject, deleteObject } from './rpc-objects.ts'
import { getParameterValues, setParameterValues } from './rpc-values.ts'
import { queueTransfer } from './transfers.ts'

/** Answers one request of the ACS. Never throws for what it holds. */
export function answerRequest(agent: Agent, body: CwmpBody, moment: Moment): Answer {
  switch (body.kind) {
    case 'GetRPCMethods':
      return answerOf(agent, { kind: 'GetRPCMethodsResponse', methods: CPE_METHODS })
    case 'GetParameterValues':
      return getParameterValues(agent, body, moment)
    case 'SetParameterValues':
      return setParameterValues(agent, body, moment)
    case 'GetParameterNames':
      return getParameterNames(agent, body)
    case 'GetParameterAttributes':
      return getParameterAttributes(agent, body)
    case 'SetParameterAttributes':
      return setParameterAttributes(agent, body, moment)
    case 'AddObject':
      return addObject(agent, body)
    case 'DeleteObject':
      return deleteObject(agent, body)
    case 'Reboot':
      return reboot(agent, body.commandKey)
    case 'FactoryReset':
      return answerOf(withMemory(agent, { resetOwed: true }), { kind: 'FactoryResetResponse' })
    case 'Download': {
      const queued = queueTransfer(agent, body)
      if (!queued.ok) return refusal(agent, queued.error)
      return answerOf(queued.value, {
        kind: 'DownloadResponse',
        status: 1,
        startTime: undefined,
        completeTime: undefined,
      })
    }
    default:
      return refusal(agent, 9000)
  }
}

/** Noted in flash at once: the reboot comes after the session, however that ends [TR-069 §7]. */
function reboot(agent: Agent, commandKey: string): Answer {
  const { rebootKeys } = agent.flash.tr069
  if (commandKey.length > KEY_CHARS_MAX) return refusal(agent, 9003)
  if (rebootKeys.length >= REBOOT_EVENTS_MAX) return refusal(agent, 9001)
  return answerOf(withMemory(agent, { rebootKeys: [...rebootKeys, commandKey] }), { kind: 'RebootResponse' })
}
